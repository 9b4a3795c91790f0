//! Alerts as sentences.

use super::{Against, Bounds, Rule};
use crate::metric::{Metric, Unit};
use crate::time::Millis;

impl Rule {
    /// What the rule says: `errors above 1 % for 5 min`.
    pub fn condition(&self) -> String {
        let process = self.process.as_ref().map(|it| format!(" of {it}")).unwrap_or_default();
        let threshold = match self.against {
            Against::Fixed => amount(&self.metric, self.threshold),
            Against::Week => format!("{} times its week", number(self.threshold)),
        };
        let (metric, direction) = (&self.metric, self.direction.as_str());
        format!("{metric}{process} {direction} {threshold}{}", self.duration())
    }

    /// What is the matter: `errors is 3.2 %, above 1 % for 5 min`.
    pub fn firing_sentence(&self, value: f64, bounds: Bounds) -> String {
        let process = self.process.as_ref().map(|it| format!(" of {it}")).unwrap_or_default();
        let week = match self.against {
            Against::Fixed => String::new(),
            Against::Week => format!(" ({} times its week)", number(self.threshold)),
        };
        format!(
            "{metric}{process} is {}, {} {}{week}{}",
            amount(&self.metric, value),
            self.direction.as_str(),
            amount(&self.metric, bounds.threshold),
            self.duration(),
            metric = self.metric,
        )
    }

    /// How it ended: `errors is 0.1 % again after 12 min 5 s; at worst it was 7 %`.
    pub fn resolved_sentence(&self, value: f64, worst: f64, lasted: Millis) -> String {
        let process = self.process.as_ref().map(|it| format!(" of {it}")).unwrap_or_default();
        format!(
            "{}{process} is {} again after {lasted}; at worst it was {}",
            self.metric,
            amount(&self.metric, value),
            amount(&self.metric, worst),
        )
    }

    fn duration(&self) -> String {
        let hold = self.hold.0;
        match hold {
            // A count is of the time it is taken over.
            0 if matches!(self.metric, Metric::Restarts | Metric::OomKills) => {
                format!(" in {}", plain(self.over))
            }
            0 => String::new(),
            _ => format!(" for {}", plain(self.hold)),
        }
    }
}

/// A duration in one unit where it has one: `5 min`, `90 s`.
fn plain(span: Millis) -> String {
    match span.0 {
        ms if ms >= 3_600_000 && ms % 3_600_000 == 0 => format!("{} h", ms / 3_600_000),
        ms if ms >= 60_000 && ms % 60_000 == 0 => format!("{} min", ms / 60_000),
        ms if ms % 1000 == 0 => format!("{} s", ms / 1000),
        _ => span.to_string(),
    }
}

/// A metric's value with its unit: `3.2 %`, `480 ms`, `1.5 MB/s`.
pub fn amount(metric: &Metric, value: f64) -> String {
    match metric.unit() {
        Unit::PerSecond => format!("{}/s", number(value)),
        Unit::Percent => format!("{} %", number(value)),
        Unit::Milliseconds => format!("{} ms", number(value)),
        Unit::Bytes => bytes(value),
        Unit::BytesPerSecond => format!("{}/s", bytes(value)),
        Unit::Count | Unit::Number => number(value),
    }
}

fn bytes(value: f64) -> String {
    let units = [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    let found = units.into_iter().find(|(size, _)| value.abs() >= *size);
    found.map_or_else(
        || format!("{} B", number(value)),
        |(size, unit)| format!("{} {unit}", number(value / size)),
    )
}

/// As many digits as say something: `0.12`, `3.2`, `48`, `480`.
fn number(value: f64) -> String {
    let text = match value.abs() {
        size if size < 1.0 => format!("{value:.2}"),
        size if size < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    };
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}
