//! The alerts that are there without anybody asking. They are changed and switched off like others.

use std::collections::BTreeMap;

use super::{Against, Direction, Rule, Severity};
use crate::metric::Metric;
use crate::name::AlertName;
use crate::time::Millis;

/// What alerts are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// One app.
    App,
    /// The host, and so every app.
    Host,
}

/// The alerts of every app, or of the host, by name.
///
/// # Panics
/// Never: the names are valid.
pub fn defaults(scope: Scope) -> Vec<(AlertName, Rule)> {
    let rules = match scope {
        Scope::App => vec![
            ("crash-loop", crash_loop()),
            ("errors", errors()),
            ("latency", latency()),
            ("memory", memory()),
        ],
        Scope::Host => vec![("disk", disk())],
    };
    let named = |(name, rule): (&str, Rule)| (name.parse().expect("the name is valid"), rule);
    rules.into_iter().map(named).collect()
}

fn above(metric: Metric, threshold: f64, hold: Millis, severity: Severity) -> Rule {
    Rule {
        metric,
        process: None,
        direction: Direction::Above,
        threshold,
        against: Against::Fixed,
        clear: None,
        over: Millis::from_secs(60),
        hold,
        severity,
        enabled: true,
    }
}

fn errors() -> Rule {
    above(Metric::Errors, 1.0, Millis::from_secs(300), Severity::Critical)
}

/// Twice as slow as in the week before.
fn latency() -> Rule {
    let twice = above(Metric::P95Ms, 2.0, Millis::from_secs(300), Severity::Warning);
    Rule { against: Against::Week, ..twice }
}

fn memory() -> Rule {
    above(Metric::Memory, 90.0, Millis::from_secs(60), Severity::Warning)
}

/// Three restarts in five minutes: with the waits between them, an app that does not get up.
fn crash_loop() -> Rule {
    let restarts = above(Metric::Restarts, 2.0, Millis(0), Severity::Critical);
    Rule { over: Millis::from_secs(300), ..restarts }
}

fn disk() -> Rule {
    above(Metric::HostDisk, 80.0, Millis::from_secs(60), Severity::Critical)
}

/// The alerts of a scope: those that are there by themselves, and what somebody made of them.
pub fn effective(scope: Scope, own: BTreeMap<AlertName, Rule>) -> BTreeMap<AlertName, Rule> {
    let mut rules: BTreeMap<_, _> = defaults(scope).into_iter().collect();
    rules.extend(own);
    rules
}
