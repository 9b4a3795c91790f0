//! What one metric says.

use serde::{Deserialize, Serialize};

use super::amount::Amount;
use super::observation::{Subject, Tempo};
use crate::metric::Metric;
use crate::time::{Millis, Timestamp};

/// Within a tenth of its target a load is at its target.
const TOLERANCE_TENTHS: u128 = 1;
/// The newest samples that count by themselves.
const NEWEST: usize = 3;

/// What one metric wants, with the numbers that made it so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct MetricAdvice {
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub metric: Metric,
    pub target: Amount,
    /// The mean of the measured instances; `None` when it could not be read.
    pub value: Option<Amount>,
    /// The instances it wants; `None` when it could not be read.
    pub wants: Option<u32>,
    /// Whether only the newest samples want that many.
    pub leap: bool,
}

/// Who was asked. See [`super`] for the letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Census {
    measured: u32,
    unmeasured: u32,
    starting: u32,
    /// Of the measured, in thousandths.
    sum: u128,
}

/// What all metrics see alike.
pub struct Advice<'a> {
    pub now: Timestamp,
    pub current: u32,
    pub subjects: &'a [Subject],
    pub warm_up: Millis,
    /// Samples before this are not looked at.
    pub from: Timestamp,
    pub tempo: Tempo,
}

impl Advice<'_> {
    /// What a metric with this target says.
    pub fn by(&self, metric: &Metric, target: Amount) -> MetricAdvice {
        let all = self.census(metric, usize::MAX);
        let newest = self.census(metric, NEWEST);
        let steady = wanted(all, target, self.current);
        let leap = is_leap(newest, target).then(|| wanted(newest, target, self.current)).flatten();
        let leaps = leap > steady;
        let shown = if leaps { newest } else { all };
        let mean = (shown.measured > 0).then(|| shown.sum / u128::from(shown.measured));
        MetricAdvice {
            metric: metric.clone(),
            target,
            value: mean.map(|mean| Amount(u64::try_from(mean).unwrap_or(u64::MAX))),
            wants: steady.max(leap),
            leap: leaps,
        }
    }

    fn census(&self, metric: &Metric, newest: usize) -> Census {
        let mut census = Census::default();
        for subject in self.subjects {
            if !subject.is_eligible(self.now, self.warm_up) {
                continue;
            }
            match subject.mean(metric, self.now, self.from, self.tempo, newest) {
                Some(mean) => {
                    census.measured += 1;
                    census.sum += u128::from(mean);
                }
                None => census.unmeasured += 1,
            }
        }
        // Whoever is wanted and not among them is on the way, whether or not there is a trace of it.
        census.starting = self.current.saturating_sub(census.measured + census.unmeasured);
        census
    }

    /// How many instances could be measured by a metric, of how many.
    pub fn measured(&self, metric: &Metric) -> (u32, u32) {
        let census = self.census(metric, usize::MAX);
        (census.measured, census.measured + census.unmeasured + census.starting)
    }
}

/// Whether the mean is half above its target, or more.
fn is_leap(census: Census, target: Amount) -> bool {
    census.measured > 0 && census.sum * 2 >= full(census.measured, target) * 3
}

/// The load of so many instances that are exactly at the target.
fn full(count: u32, target: Amount) -> u128 {
    u128::from(count) * u128::from(target.0)
}

/// How many instances would be at the target; `None` when nothing could be measured.
///
/// An advice to have more never asks for fewer than there are, nor one for fewer for more: so it
/// grows with the load, whoever is missing.
fn wanted(census: Census, target: Amount, current: u32) -> Option<u32> {
    let Census { measured, unmeasured, starting, sum } = census;
    if measured == 0 || target.0 == 0 {
        return None;
    }
    let at_target = full(measured, target);
    let above = sum > at_target;
    let (count, filled) = if unmeasured == 0 && (starting == 0 || !above) {
        (measured, sum)
    } else if above {
        (measured + unmeasured + starting, sum)
    } else if sum < at_target {
        (measured + unmeasured, sum + full(unmeasured, target))
    } else {
        return Some(current);
    };
    let full = full(count, target);
    let turned = (filled > full) != above;
    if filled.abs_diff(full) * 10 <= full * TOLERANCE_TENTHS || turned {
        return Some(current);
    }
    let exact = u32::try_from(filled.div_ceil(u128::from(target.0))).unwrap_or(u32::MAX);
    Some(if above { exact.max(current) } else { exact.min(current) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Measured instances at this load each, unmeasured, starting; the target is 60.
    fn of(measured: u32, each: u64, unmeasured: u32, starting: u32, current: u32) -> Option<u32> {
        let sum = u128::from(measured) * u128::from(each) * 1000;
        let census = Census { measured, unmeasured, starting, sum };
        wanted(census, Amount::whole(60), current)
    }

    #[test]
    fn golden_vectors_with_everybody_measured() {
        for (measured, each, wants) in [
            (2, 60, 2),
            (2, 66, 2), // 1.10: within
            (2, 67, 3), // 1.117: above
            (2, 54, 2), // 0.90: within
            (4, 53, 4), // 0.883: ceil(3.53)
            (4, 45, 3),
            (4, 15, 1),
            (4, 0, 0),
            (3, 120, 6),
            (1, 100, 2),
        ] {
            assert_eq!(of(measured, each, 0, 0, measured), Some(wants), "{measured} at {each}");
        }
    }

    #[test]
    fn golden_vectors_with_somebody_missing() {
        for (measured, each, unmeasured, starting, current, wants) in [
            (0, 0, 2, 0, 2, None),      // nothing is known
            (2, 120, 0, 2, 4, Some(4)), // the two that start will take it: 240/240
            (2, 150, 0, 2, 4, Some(5)), // 300/240 = 1.25: ceil(5)
            (2, 120, 0, 4, 6, Some(6)), // 240/360 turns round
            (2, 30, 0, 2, 4, Some(1)),  // low: the ones that start do not matter
            (2, 30, 2, 0, 4, Some(3)),  // 60 + 2 x 60 = 180: ceil(3)
            (3, 55, 1, 0, 4, Some(4)),  // 0.94 when filled: within
            (2, 60, 1, 0, 3, Some(3)),  // exactly at the target
            (2, 100, 2, 0, 4, Some(4)), // 200/240 turns round
            (2, 200, 2, 0, 4, Some(7)), // 400/240: ceil(6.67)
        ] {
            assert_eq!(
                of(measured, each, unmeasured, starting, current),
                wants,
                "{measured} at {each}"
            );
        }
    }
}
