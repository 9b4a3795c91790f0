//! Alerts: a rule about a metric, and what becomes of it reading by reading.
//!
//! ```text
//!            beyond the threshold            for as long as the rule says
//!     ok ───────────────────────▶ pending ───────────────────────▶ firing
//!      ◀─────── not beyond ──────────┘                               │
//!      ◀──────────────── back inside the clear threshold ────────────┘
//! ```
//!
//! An alert is told twice: when it fires and when it is over. A reading that is missing changes
//! nothing: it neither fires an alert nor ends one, and its time does not count.

mod defaults;
mod measure;
mod status;
#[cfg(test)]
mod tests;
mod wording;

use serde::{Deserialize, Serialize};

use crate::metric::Metric;
use crate::name::ProcessName;
use crate::time::Millis;

pub use defaults::{Scope, defaults, effective};
pub use measure::{LEAST_REQUESTS, Subject, baseline, measure};
pub use status::{Change, LONGEST_STEP, Reading, State, Status, step};
pub use wording::amount;

/// The longest a metric may be taken over: finer samples are kept for an hour.
pub const LONGEST_OVER: Millis = Millis::from_secs(15 * 60);
/// The shortest: a few looks of the monitor.
pub const SHORTEST_OVER: Millis = Millis::from_secs(10);
/// The longest that a value has to stay beyond its threshold.
pub const LONGEST_HOLD: Millis = Millis::from_secs(24 * 3600);
/// How far inside the threshold a firing alert ends, unless the rule says: a tenth.
const INSIDE: f64 = 0.1;

/// On which side of the threshold it is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = AlertDirection))]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Above,
    Below,
}

/// What a threshold is a number of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = AlertAgainst))]
#[serde(rename_all = "snake_case")]
pub enum Against {
    /// The metric's own unit.
    #[default]
    Fixed,
    /// Times the metric's value over the last seven days; unknown before there is a day of them.
    Week,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = AlertSeverity))]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Warning,
    Critical,
}

/// When an alert fires, and when it is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = AlertRule))]
#[serde(deny_unknown_fields)]
pub struct Rule {
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub metric: Metric,
    /// Of one process; without, of the whole app.
    #[serde(default)]
    pub process: Option<ProcessName>,
    pub direction: Direction,
    pub threshold: f64,
    #[serde(default)]
    pub against: Against,
    /// Where a firing alert ends, in the unit of the threshold; a tenth inside it when not given.
    #[serde(default)]
    pub clear: Option<f64>,
    /// How much time each reading is taken over, in milliseconds; a minute when not given.
    #[serde(rename = "over_ms", default = "minute")]
    pub over: Millis,
    /// How long it has to be bad before the alert fires, in milliseconds; 0 fires at once.
    #[serde(rename = "for_ms", default)]
    pub hold: Millis,
    #[serde(default = "warning")]
    pub severity: Severity,
    /// Whether it is looked at at all.
    #[serde(default = "on")]
    pub enabled: bool,
}

/// The numbers a reading is compared with, in the metric's own unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = AlertBounds))]
pub struct Bounds {
    pub threshold: f64,
    pub clear: f64,
}

/// Why a rule cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRule {
    #[error("a threshold is a number from 0 up")]
    Threshold,
    #[error("the clear threshold lies beyond the threshold: the alert would end while it is bad")]
    Clear,
    #[error("a reading is taken over 10 s to 15 min")]
    Over,
    #[error("an alert waits for at most a day")]
    Hold,
    #[error("`{0}` is about the host, and an app has no say in it")]
    OfHost(Metric),
    #[error("`{0}` is about an app, and this alert is about the host")]
    OfApp(Metric),
    #[error("the host has no processes")]
    HostProcess,
    #[error("the host's numbers are not compared with their week")]
    HostWeek,
}

impl InvalidRule {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Threshold => "`slipway metrics` shows what the numbers are like",
            Self::Clear => "leave it out for a tenth inside the threshold",
            Self::Over => "leave it out for a minute",
            Self::Hold => "5 minutes are usual",
            Self::OfHost(_) => "make it an alert of the host: `slipway alerts add --host`",
            Self::OfApp(_) => "leave `--host` out, and name the app",
            Self::HostProcess => "leave `--process` out",
            Self::HostWeek => "give the threshold in the metric's own unit",
        }
    }
}

impl Rule {
    /// Whether the rule makes sense for an app, or for the host.
    ///
    /// # Errors
    /// The first thing that does not.
    pub fn check(&self, scope: Scope) -> Result<(), InvalidRule> {
        let sane = |number: f64| number.is_finite() && number >= 0.0;
        if !sane(self.threshold) {
            return Err(InvalidRule::Threshold);
        }
        let outside = |clear: f64| !sane(clear) || self.is_beyond(clear, self.threshold);
        if self.clear.is_some_and(outside) {
            return Err(InvalidRule::Clear);
        }
        if !(SHORTEST_OVER..=LONGEST_OVER).contains(&self.over) {
            return Err(InvalidRule::Over);
        }
        if self.hold > LONGEST_HOLD {
            return Err(InvalidRule::Hold);
        }
        match (scope, self.metric.is_of_host()) {
            (Scope::App, true) => Err(InvalidRule::OfHost(self.metric.clone())),
            (Scope::Host, false) => Err(InvalidRule::OfApp(self.metric.clone())),
            (Scope::Host, true) if self.process.is_some() => Err(InvalidRule::HostProcess),
            (Scope::Host, true) if self.against == Against::Week => Err(InvalidRule::HostWeek),
            (Scope::App | Scope::Host, _) => Ok(()),
        }
    }

    /// What a reading is compared with; `None` while the week is not known.
    pub fn bounds(&self, week: Option<f64>) -> Option<Bounds> {
        let unit = match self.against {
            Against::Fixed => 1.0,
            // Twice nothing is nothing: any request would be above it.
            Against::Week => week.filter(|value| *value > 0.0)?,
        };
        let inside = match self.direction {
            Direction::Above => 1.0 - INSIDE,
            Direction::Below => 1.0 + INSIDE,
        };
        let clear = self.clear.unwrap_or(self.threshold * inside);
        Some(Bounds { threshold: self.threshold * unit, clear: clear * unit })
    }

    /// Whether a value is bad.
    fn is_beyond(&self, value: f64, threshold: f64) -> bool {
        match self.direction {
            Direction::Above => value > threshold,
            Direction::Below => value < threshold,
        }
    }

    /// Whether a value is good enough for a firing alert to end.
    fn is_clear(&self, value: f64, clear: f64) -> bool {
        match self.direction {
            Direction::Above => value <= clear,
            Direction::Below => value >= clear,
        }
    }

    /// The worse of two values.
    fn worse(&self, one: f64, other: f64) -> f64 {
        match self.direction {
            Direction::Above => one.max(other),
            Direction::Below => one.min(other),
        }
    }
}

fn minute() -> Millis {
    Millis::from_secs(60)
}

fn warning() -> Severity {
    Severity::Warning
}

fn on() -> bool {
    true
}

impl Direction {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Above => "above",
            Self::Below => "below",
        }
    }
}

impl Severity {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}
