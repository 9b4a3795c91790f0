//! Reading the gauges out of what an app exposes, in Prometheus' text format or `OpenMetrics`.

use std::collections::{BTreeMap, BTreeSet};

use crate::name::GaugeName;
use crate::sample::MAX_GAUGES;

/// Most lines that are looked at.
const MAX_LINES: usize = 20_000;

/// The gauges of an exposition, at most [`MAX_GAUGES`], by name. Only what is declared a gauge
/// counts: a counter says nothing as it stands. Series of one name are added up over their labels,
/// as the depths of all queues are the depth of the queue. A line that is not understood, and a
/// value that is no number, is passed over.
pub fn gauges(text: &str) -> BTreeMap<GaugeName, f64> {
    let mut declared = BTreeSet::new();
    let mut found = BTreeMap::<GaugeName, f64>::new();
    for line in text.lines().take(MAX_LINES).map(str::trim) {
        if let Some(declaration) = line.strip_prefix("# TYPE ") {
            let mut words = declaration.split_whitespace();
            if let (Some(name), Some("gauge")) = (words.next(), words.next()) {
                declared.insert(name);
            }
            continue;
        }
        let Some((name, value)) = series(line) else { continue };
        let Ok(gauge) = name.parse::<GaugeName>() else { continue };
        if !declared.contains(name) {
            continue;
        }
        if found.len() < MAX_GAUGES || found.contains_key(&gauge) {
            *found.entry(gauge).or_default() += value;
        }
    }
    found.retain(|_, value| value.is_finite());
    found
}

/// Name and value of `name{label="value",…} value timestamp`.
fn series(line: &str) -> Option<(&str, f64)> {
    if line.starts_with('#') {
        return None;
    }
    let end = line.find(['{', ' ', '\t'])?;
    let (name, rest) = line.split_at(end);
    let rest = if rest.starts_with('{') { after_labels(rest)? } else { rest };
    let value: f64 = rest.split_whitespace().next()?.parse().ok()?;
    value.is_finite().then_some((name, value))
}

/// What follows the labels; a brace inside of a quoted value does not end them.
fn after_labels(text: &str) -> Option<&str> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'}' if !quoted => return text.get(at + 1..),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<(String, f64)> {
        gauges(text).into_iter().map(|(name, value)| (name.to_string(), value)).collect()
    }

    #[test]
    fn declared_gauges_are_read_and_added_up_over_their_labels() {
        let text = "# HELP jobs Waiting jobs\n# TYPE jobs gauge\n\
            jobs{queue=\"a } \\\" b\"} 3 1395066363000\njobs{queue=\"c\"} 4.5\n\
            # TYPE temperature gauge\ntemperature -1e1\n\
            # TYPE requests_total counter\nrequests_total 9\n\
            # TYPE broken gauge\nbroken NaN\nbroken +Inf\nbroken{ 1\nbroken x\n\
            undeclared 7\n# EOF\n";
        assert_eq!(read(text), [("jobs".to_owned(), 7.5), ("temperature".to_owned(), -10.0)]);
    }

    #[test]
    fn there_are_so_many_gauges_and_no_more() {
        let lines = (0..100).map(|number| format!("# TYPE g{number} gauge\ng{number} 1\n"));
        assert_eq!(read(&lines.collect::<String>()).len(), MAX_GAUGES);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in ".{0,300}") {
            drop(gauges(&text));
        }
    }
}
