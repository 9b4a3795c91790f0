//! A rule, as it is typed.

use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use slipway_core::alert::{Against, Direction, Rule, Severity};
use slipway_core::metric::Metric;
use slipway_core::name::ProcessName;
use slipway_core::time::Millis;

/// When an alert fires, and when it is over.
#[derive(Debug, clap::Args)]
pub struct RuleArgs {
    /// What is watched: `errors`, `p95_ms`, `memory`, `rps` and whatever else is measured
    #[arg(long)]
    metric: Metric,
    /// Fire when it is above this, in the metric's unit: % or ms or a number a second
    #[arg(long, value_name = "NUMBER", required_unless_present = "below")]
    above: Option<f64>,
    /// Fire when it is below this
    #[arg(long, value_name = "NUMBER", conflicts_with = "above")]
    below: Option<f64>,
    /// The number is a multiple of the metric's value over the last seven days
    #[arg(long)]
    of_week: bool,
    /// How long it has to be so: `90s`, `5m`, `1h`; at once when not given
    #[arg(long = "for", value_name = "TIME", default_value = "0s")]
    hold: Span,
    /// The time that each reading is taken over
    #[arg(long, value_name = "TIME", default_value = "1m")]
    over: Span,
    /// End when it is back at this; a tenth inside the threshold when not given
    #[arg(long, value_name = "NUMBER")]
    clear: Option<f64>,
    /// Only this process; without, the whole app
    #[arg(long, value_name = "NAME")]
    process: Option<ProcessName>,
    /// How bad it is
    #[arg(long, value_parser = severities(), default_value = "warning")]
    severity: Severity,
}

impl RuleArgs {
    /// The rule that was typed.
    pub fn rule(self) -> Rule {
        let (direction, threshold) = match (self.above, self.below) {
            (_, Some(below)) => (Direction::Below, below),
            (above, None) => (Direction::Above, above.unwrap_or_default()),
        };
        Rule {
            metric: self.metric,
            process: self.process,
            direction,
            threshold,
            against: if self.of_week { Against::Week } else { Against::Fixed },
            clear: self.clear,
            over: self.over.0,
            hold: self.hold.0,
            severity: self.severity,
            enabled: true,
        }
    }
}

fn severities() -> impl TypedValueParser<Value = Severity> {
    PossibleValuesParser::new([Severity::Warning.as_str(), Severity::Critical.as_str()]).map(
        |name| {
            if name == Severity::Critical.as_str() { Severity::Critical } else { Severity::Warning }
        },
    )
}

/// A duration: `90s`, `5m`, `1h`.
#[derive(Debug, Clone, Copy)]
struct Span(Millis);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a time; write it as `90s`, `5m` or `1h`");
        let unit = text.chars().next_back().ok_or_else(wrong)?;
        let seconds: u64 = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            _ => return Err(wrong()),
        };
        let number: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
        let ms = number.checked_mul(seconds * 1000).ok_or_else(wrong)?;
        Ok(Self(Millis(ms)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        for (text, ms) in [("90s", 90_000), ("5m", 300_000), ("1h", 3_600_000), ("0s", 0)] {
            assert_eq!(text.parse::<Span>().unwrap().0, Millis(ms));
        }
        for bad in ["", "5", "m", "-5m", "5 m", "5d", "1.5h", "5mü", "99999999999999999999h"] {
            assert!(bad.parse::<Span>().is_err(), "{bad}");
        }
    }
}
