//! A part of a sample, with how much of the interval it is known for.

use serde::{Deserialize, Serialize};

use crate::time::Millis;

/// What adds up over time and over subjects.
pub trait Part: Clone {
    /// Adds what came after; `own` and `its` are how long the two were measured.
    fn append(&mut self, own: Millis, later: &Self, its: Millis);

    /// Adds what another subject did at the same time.
    fn join(&mut self, other: &Self);
}

/// A part that was measured for some of the interval. Stored as `[milliseconds, value]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "(Millis, T)", into = "(Millis, T)")]
#[serde(bound(serialize = "T: Clone + Serialize", deserialize = "T: Deserialize<'de>"))]
pub struct Measured<T> {
    /// How long it was measured.
    pub over: Millis,
    pub value: T,
}

impl<T> Measured<T> {
    /// A value that was measured for this long.
    pub fn over(over: Millis, value: T) -> Self {
        Self { over, value }
    }

    /// How much of a count there was in a second; `None` when it was not measured for any time.
    pub fn per_second(&self, count: impl FnOnce(&T) -> u64) -> Option<f64> {
        let seconds = super::level::float(self.over.0) / 1000.0;
        (seconds > 0.0).then(|| super::level::float(count(&self.value)) / seconds)
    }
}

impl<T: Part> Measured<T> {
    /// Adds what came after.
    pub fn append(&mut self, later: &Self) {
        self.value.append(self.over, &later.value, later.over);
        self.over = Millis(self.over.0.saturating_add(later.over.0));
    }

    /// Adds what another subject did at the same time.
    pub fn join(&mut self, other: &Self) {
        self.value.join(&other.value);
        self.over = self.over.max(other.over);
    }
}

impl<T> From<(Millis, T)> for Measured<T> {
    fn from((over, value): (Millis, T)) -> Self {
        Self { over, value }
    }
}

impl<T> From<Measured<T>> for (Millis, T) {
    fn from(measured: Measured<T>) -> Self {
        (measured.over, measured.value)
    }
}

/// Adds what came after to what may be unknown; what is unknown on one side is what the other says.
pub(super) fn append<T: Part>(own: &mut Option<Measured<T>>, later: Option<&Measured<T>>) {
    match (own, later) {
        (Some(own), Some(later)) => own.append(later),
        (own @ None, Some(later)) => *own = Some(later.clone()),
        (_, None) => {}
    }
}

/// The same for another subject.
pub(super) fn join<T: Part>(own: &mut Option<Measured<T>>, other: Option<&Measured<T>>) {
    match (own, other) {
        (Some(own), Some(other)) => own.join(other),
        (own @ None, Some(other)) => *own = Some(other.clone()),
        (_, None) => {}
    }
}
