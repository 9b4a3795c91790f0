//! What settings would have done: the counts they would have wanted beside those there were, as a
//! drawing and as numbers.

use serde::Serialize;
use slipway_core::autoscale::Amount;
use slipway_core::autoscale::replay::Step;
use slipway_core::time::{Millis, Timestamp};
use slipway_core::wire::autoscale::Simulation;
use slipway_core::wire::metrics::AppMetrics;

use crate::view::moment::Moment;
use crate::view::span::rough;
use crate::view::stairs::Stairs;

/// How far back one can look: a name, how it reads, and days.
const RANGES: [(&str, &str, u64); 3] =
    [("1d", "day", 1), ("7d", "7 days", 7), ("30d", "30 days", 30)];

/// How long a range is; a week, when it is none.
pub fn back(range: &str) -> Millis {
    let (_, _, days) = named(range);
    Millis::from_secs(days * 24 * 3600)
}

fn named(range: &str) -> (&'static str, &'static str, u64) {
    RANGES.into_iter().find(|(name, _, _)| *name == range).unwrap_or(RANGES[1])
}

/// A simulation, shown.
#[derive(Debug, Serialize)]
pub struct Simulated {
    /// How far back it was asked to go: `7 days`.
    range: String,
    /// How much of that was measured; `None` for nothing.
    covered: Option<String>,
    stairs: Option<Stairs>,
    /// Where the drawing begins.
    from: Moment,
    facts: Vec<Fact>,
}

/// A number of the settings, beside that of what was.
#[derive(Debug, Serialize)]
struct Fact {
    label: &'static str,
    value: String,
    was: Option<String>,
}

impl Simulated {
    pub fn new(simulation: &Simulation, metrics: &AppMetrics) -> Self {
        let outcome = &simulation.outcome;
        let covered = (outcome.covered_ms.0 > 0).then(|| rough(outcome.covered_ms));
        let was = metrics.series.first().map(|series| series.values.clone()).unwrap_or_default();
        let would = counts(&outcome.steps, &metrics.times, metrics.step_ms);
        let most_there_were = was.iter().flatten().copied().fold(0.0, f64::max);
        let begin = metrics.times.first().copied().unwrap_or(simulation.since);
        let fact = |label, value: String, was: Option<String>| Fact { label, value, was };
        let facts = vec![
            fact(
                "Instance hours",
                hours(outcome.instance_hours),
                Some(hours(outcome.recorded_instance_hours)),
            ),
            fact(
                "Most at once",
                outcome.most.to_string(),
                Some(most_there_were.round().to_string()),
            ),
            fact("Above a target", share(outcome.over_target_permille), None),
            fact("At the maximum", share(outcome.at_max_permille), None),
        ];
        Self {
            range: rough(simulation.until.since(simulation.since)),
            stairs: covered.as_ref().and_then(|_| Stairs::new(&was, &would)),
            covered,
            from: Moment::new(begin, simulation.until),
            facts,
        }
    }
}

/// The count that was held at the end of each interval; `None` before the first.
fn counts(steps: &[Step], times: &[Timestamp], interval: Millis) -> Vec<Option<f64>> {
    let mut upcoming = steps.iter().peekable();
    let mut held = None;
    let at_end = times.iter().map(|time| {
        while let Some(step) = upcoming.next_if(|step| step.at <= *time + interval) {
            held = Some(f64::from(step.count));
        }
        held
    });
    at_end.collect()
}

fn hours(amount: Amount) -> String {
    amount.to_string()
}

fn share(permille: u32) -> String {
    format!("{}.{} %", permille / 10, permille % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_holds_from_its_step_on() {
        let step = |seconds: i64, count| Step { at: Timestamp(seconds * 1000), count };
        let steps = [step(70, 2), step(130, 5), step(150, 3)];
        let times: Vec<Timestamp> = (0..4).map(|minute| Timestamp(minute * 60_000)).collect();
        let counts = counts(&steps, &times, Millis::from_secs(60));
        assert_eq!(counts, [None, Some(2.0), Some(3.0), Some(3.0)]);
    }

    #[test]
    fn a_range_that_is_none_is_a_week() {
        assert_eq!(back("1d"), Millis::from_secs(86_400));
        assert_eq!(back("a fortnight"), back("7d"));
    }
}
