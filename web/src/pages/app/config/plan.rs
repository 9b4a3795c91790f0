//! What an edited text would change.

use std::collections::BTreeMap;

use serde::Serialize;
use slipway_core::name::ConfigKey;
use slipway_core::wire::config::{ConfigEntry, ConfigPatch};

use crate::dotenv;

/// Stands for a value that stays as it is, which the console has never seen.
pub const UNCHANGED: &str = "••••••••";

/// A change of one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    pub key: String,
    /// `added`, `set` or `removed`.
    pub what: &'static str,
    /// The new value.
    pub value: Option<String>,
}

/// The changes a text asks for, as people read them and as the API takes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub changes: Vec<Change>,
    pub values: BTreeMap<ConfigKey, Option<String>>,
}

impl Plan {
    /// Compares a text with what there is: a key that is not in it goes.
    ///
    /// # Errors
    /// With a sentence, when the text cannot be read.
    pub fn new(entries: &[ConfigEntry], text: &str) -> Result<Self, String> {
        let wanted = dotenv::parse(text).map_err(|error| error.to_string())?;
        let mut plan = Self { changes: Vec::new(), values: BTreeMap::new() };
        let is_known = |key: &ConfigKey| entries.iter().any(|entry| entry.key == *key);
        for (key, value) in &wanted {
            match (is_known(key), value == UNCHANGED) {
                (true, true) => {}
                (false, true) => return Err(format!("`{key}` is new and needs a value")),
                (true, false) => plan.add(key, "set", Some(value)),
                (false, false) => plan.add(key, "added", Some(value)),
            }
        }
        for entry in entries.iter().filter(|entry| !wanted.contains_key(&entry.key)) {
            plan.add(&entry.key, "removed", None);
        }
        Ok(plan)
    }

    /// As the API takes it.
    pub fn patch(&self) -> ConfigPatch {
        ConfigPatch { values: self.values.clone() }
    }

    fn add(&mut self, key: &ConfigKey, what: &'static str, value: Option<&String>) {
        let value = value.cloned();
        self.changes.push(Change { key: key.to_string(), what, value: value.clone() });
        self.values.insert(key.clone(), value);
    }
}

/// The text to edit: every key, none of the values.
pub fn text(entries: &[ConfigEntry]) -> String {
    let mut text = String::new();
    for entry in entries {
        text.extend([entry.key.as_str(), "=", UNCHANGED, "\n"]);
    }
    text
}

#[cfg(test)]
mod tests {
    use slipway_core::time::Timestamp;

    use super::*;

    fn entry(key: &str) -> ConfigEntry {
        ConfigEntry {
            key: key.parse().unwrap(),
            bytes: 3,
            updated_at: Timestamp(0),
            generated: false,
        }
    }

    fn told(text: &str) -> Result<Vec<String>, String> {
        let plan = Plan::new(&[entry("COLOUR"), entry("TOKEN")], text)?;
        let tell = |change: &Change| format!("{} {}", change.what, change.key);
        assert_eq!(plan.patch().values.len(), plan.changes.len());
        Ok(plan.changes.iter().map(tell).collect())
    }

    #[test]
    fn a_text_that_was_not_touched_changes_nothing() {
        let entries = [entry("COLOUR"), entry("TOKEN")];
        assert_eq!(told(&text(&entries)).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn what_is_new_other_or_gone_is_a_change() {
        let text = format!("TOKEN={UNCHANGED}\nNEW=1\n");
        assert_eq!(told(&text).unwrap(), ["added NEW", "removed COLOUR"]);
        assert_eq!(told("TOKEN=2\nCOLOUR=").unwrap(), ["set COLOUR", "set TOKEN"]);
    }

    #[test]
    fn a_new_key_cannot_keep_its_value() {
        assert!(told(&format!("NEW={UNCHANGED}")).unwrap_err().contains("`NEW`"));
        assert!(told("nonsense").unwrap_err().starts_with("line 1"));
    }
}
