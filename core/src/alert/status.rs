//! Where an alert stands, and the one step from reading to reading.

use serde::{Deserialize, Serialize};

use super::{Bounds, Rule};
use crate::time::{Millis, Timestamp};

/// The most time that may count between two readings: what lies between readings that are further
/// apart is not known to have been bad.
pub const LONGEST_STEP: Millis = Millis::from_secs(15);

/// Whether it is bad, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = AlertState))]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum State {
    Ok,
    /// Bad, not for long enough yet.
    Pending {
        /// For how long it is known to have been bad.
        #[serde(rename = "held_ms")]
        held: Millis,
    },
    Firing {
        /// The worst value since it fires.
        worst: f64,
    },
}

/// An alert with its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = AlertStatus))]
pub struct Status {
    pub state: State,
    /// Since when it is in this state.
    pub since: Timestamp,
    /// The newest value; `None` while it is not known. Missing data neither fires an alert nor ends
    /// one.
    pub value: Option<f64>,
    /// What it is compared with; `None` while that is not known.
    pub bounds: Option<Bounds>,
    /// When there last was a value.
    pub measured_at: Option<Timestamp>,
}

/// One look at a rule's metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    pub at: Timestamp,
    /// `None` when it is not known.
    pub value: Option<f64>,
    /// The metric's value over the last week, for rules that compare with it.
    pub week: Option<f64>,
}

/// What is told of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// The alert fires.
    Fires { value: f64, bounds: Bounds },
    /// The alert that fired is over.
    Ends { value: f64, bounds: Bounds, worst: f64, fired_at: Timestamp },
}

impl Status {
    /// Of a rule that was never looked at.
    pub fn unknown(now: Timestamp) -> Self {
        Self { state: State::Ok, since: now, value: None, bounds: None, measured_at: None }
    }

    /// Whether it fires.
    pub fn is_firing(&self) -> bool {
        matches!(self.state, State::Firing { .. })
    }
}

/// Takes one reading in.
pub fn step(rule: &Rule, before: &Status, reading: Reading) -> (Status, Option<Change>) {
    let now = reading.at;
    let bounds = rule.bounds(reading.week);
    let (Some(value), Some(bounds)) = (reading.value.filter(|it| it.is_finite()), bounds) else {
        return (Status { value: None, bounds, ..*before }, None);
    };
    let (state, change) = if rule.is_beyond(value, bounds.threshold) {
        worsen(rule, before, now, value, bounds)
    } else {
        recover(rule, before, value, bounds)
    };
    let same = std::mem::discriminant(&state) == std::mem::discriminant(&before.state);
    let since = if same { before.since } else { now };
    let status =
        Status { state, since, value: Some(value), bounds: Some(bounds), measured_at: Some(now) };
    (status, change)
}

fn worsen(
    rule: &Rule,
    before: &Status,
    now: Timestamp,
    value: f64,
    bounds: Bounds,
) -> (State, Option<Change>) {
    let held = match before.state {
        State::Firing { worst } => {
            return (State::Firing { worst: rule.worse(worst, value) }, None);
        }
        State::Ok => Millis(0),
        State::Pending { held } => {
            let passed = before.measured_at.map_or(Millis(0), |at| now.since(at));
            Millis(held.0.saturating_add(passed.min(LONGEST_STEP).0))
        }
    };
    if held >= rule.hold {
        (State::Firing { worst: value }, Some(Change::Fires { value, bounds }))
    } else {
        (State::Pending { held }, None)
    }
}

fn recover(rule: &Rule, before: &Status, value: f64, bounds: Bounds) -> (State, Option<Change>) {
    match before.state {
        State::Ok | State::Pending { .. } => (State::Ok, None),
        State::Firing { worst } if rule.is_clear(value, bounds.clear) => {
            let change = Change::Ends { value, bounds, worst, fired_at: before.since };
            (State::Ok, Some(change))
        }
        firing @ State::Firing { .. } => (firing, None),
    }
}
