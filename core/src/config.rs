//! Configuration values of an app, and their limits.

use std::collections::BTreeMap;

use crate::name::ConfigKey;

/// Most keys an app may have.
pub const MAX_KEYS: usize = 1_000;
/// Longest single value in bytes.
pub const MAX_VALUE_BYTES: usize = 32 * 1024;
/// Most bytes of all keys and values together.
pub const MAX_TOTAL_BYTES: usize = 128 * 1024;

/// Values in the clear, by key. Never printed: it has no `Debug` that shows them.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Config(pub BTreeMap<ConfigKey, String>);

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Why a set of values is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigTooLarge {
    #[error("{count} configuration keys are too many: the limit is {MAX_KEYS}")]
    Keys { count: usize },
    #[error("the value of `{key}` has {bytes} bytes: the limit is {MAX_VALUE_BYTES}")]
    Value { key: ConfigKey, bytes: usize },
    #[error("the configuration has {bytes} bytes in all: the limit is {MAX_TOTAL_BYTES}")]
    Total { bytes: usize },
    #[error("the value of `{key}` contains a NUL byte, which no environment can carry")]
    Nul { key: ConfigKey },
}

/// What a change does to the values: `Some` sets, `None` unsets.
pub type ConfigChange = BTreeMap<ConfigKey, Option<String>>;

impl Config {
    /// These values with a change applied.
    ///
    /// # Errors
    /// When the result would break a limit; nothing is changed then.
    pub fn changed(&self, change: &ConfigChange) -> Result<Self, ConfigTooLarge> {
        let mut values = self.0.clone();
        for (key, value) in change {
            match value {
                Some(value) => values.insert(key.clone(), value.clone()),
                None => values.remove(key),
            };
        }
        check(&values)?;
        Ok(Self(values))
    }
}

fn check(values: &BTreeMap<ConfigKey, String>) -> Result<(), ConfigTooLarge> {
    if values.len() > MAX_KEYS {
        return Err(ConfigTooLarge::Keys { count: values.len() });
    }
    for (key, value) in values {
        if value.len() > MAX_VALUE_BYTES {
            return Err(ConfigTooLarge::Value { key: key.clone(), bytes: value.len() });
        }
        if value.contains('\0') {
            return Err(ConfigTooLarge::Nul { key: key.clone() });
        }
    }
    let bytes = values.iter().map(|(key, value)| key.as_str().len() + value.len()).sum();
    if bytes > MAX_TOTAL_BYTES { Err(ConfigTooLarge::Total { bytes }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_beyond_a_limit_changes_nothing() {
        let config = Config::default();
        let key: ConfigKey = "BIG".parse().unwrap();
        let big = "x".repeat(MAX_VALUE_BYTES + 1);
        let refused = config.changed(&[(key.clone(), Some(big))].into());
        assert!(matches!(refused, Err(ConfigTooLarge::Value { .. })));
        let nul = config.changed(&[(key, Some("a\0b".to_owned()))].into());
        assert!(matches!(nul, Err(ConfigTooLarge::Nul { .. })));
    }

    #[test]
    fn values_do_not_show_in_debug_output() {
        let key: ConfigKey = "SECRET".parse().unwrap();
        let config = Config([(key, "hunter2".to_owned())].into());
        assert_eq!(format!("{config:?}"), "{ConfigKey(\"SECRET\")}");
    }
}
