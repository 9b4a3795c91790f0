//! Something that has a height at every moment, and is not counted.

use serde::{Deserialize, Serialize};

use super::measured::Part;
use crate::time::Millis;

/// A level over an interval. Stored as `[mean, max]`, to a thousandth.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "(f64, f64)", into = "(f64, f64)")]
pub struct Level {
    /// The mean by time.
    pub mean: f64,
    /// The highest. Of joined subjects the sum of their own, which they need not have had at one
    /// moment: no more than this.
    pub max: f64,
}

impl Level {
    /// One that did not change.
    pub fn steady(height: f64) -> Self {
        Self { mean: height, max: height }
    }

    /// One that did not change, from a whole number.
    pub fn whole(height: u64) -> Self {
        Self::steady(float(height))
    }
}

impl Part for Level {
    fn append(&mut self, own: Millis, later: &Self, its: Millis) {
        let both = float(own.0) + float(its.0);
        if both > 0.0 {
            self.mean += (later.mean - self.mean) * (float(its.0) / both);
        }
        self.max = self.max.max(later.max);
    }

    fn join(&mut self, other: &Self) {
        self.mean += other.mean;
        self.max += other.max;
    }
}

impl From<(f64, f64)> for Level {
    fn from((mean, max): (f64, f64)) -> Self {
        Self { mean, max }
    }
}

impl From<Level> for (f64, f64) {
    fn from(level: Level) -> Self {
        let thousandth = |height: f64| (height * 1000.0).round() / 1000.0;
        (thousandth(level.mean), thousandth(level.max))
    }
}

/// A count as a number to calculate with.
#[expect(clippy::cast_precision_loss, reason = "exact to 2^53: 9 PB, 285 years in microseconds")]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}
