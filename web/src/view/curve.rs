//! A curve as a small drawing (SVG), with the numbers that a person would read from it.

use std::fmt::Write as _;

use serde::Serialize;
use slipway_core::metric::Unit;

use crate::view::quantity::quantity;

/// How wide and high the drawing is, in its own units.
const WIDTH: f64 = 240.0;
const HEIGHT: f64 = 40.0;

/// A curve, drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Curve {
    label: String,
    now: String,
    low: String,
    high: String,
    /// The `d` of a path; a gap where nothing is known.
    path: String,
}

impl Curve {
    /// Draws values at equal distances, with 0 at the bottom. `None` when none is known.
    pub fn new(label: &str, unit: Unit, values: &[Option<f64>]) -> Option<Self> {
        let known = || values.iter().flatten().copied();
        let now = known().next_back()?;
        let (low, high) = (known().fold(f64::INFINITY, f64::min), known().fold(0.0, f64::max));
        Some(Self {
            label: label.to_owned(),
            now: quantity(unit, now),
            low: quantity(unit, low),
            high: quantity(unit, high),
            path: path(values, high),
        })
    }
}

fn path(values: &[Option<f64>], high: f64) -> String {
    let steps = u32::try_from(values.len().saturating_sub(1)).unwrap_or(u32::MAX).max(1);
    let high = if high > 0.0 { high } else { 1.0 };
    let mut path = String::new();
    let mut is_gap = true;
    for (at, value) in (0_u32..).zip(values) {
        let Some(value) = value else {
            is_gap = true;
            continue;
        };
        let x = WIDTH * f64::from(at) / f64::from(steps);
        let y = HEIGHT - (HEIGHT - 2.0) * value / high - 1.0;
        let verb = if is_gap { 'M' } else { 'L' };
        write!(path, "{verb}{x:.1} {y:.1}").expect("memory takes what is written to it");
        is_gap = false;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_not_bridged_and_nothing_is_no_curve() {
        let values = [Some(0.0), Some(10.0), None, Some(5.0), Some(5.0)];
        let curve = Curve::new("p95", Unit::Milliseconds, &values).unwrap();
        assert_eq!(curve.path, "M0.0 39.0L60.0 1.0M180.0 20.0L240.0 20.0");
        assert_eq!(
            (curve.now.as_str(), curve.low.as_str(), curve.high.as_str()),
            ("5 ms", "0 ms", "10 ms")
        );
        assert_eq!(Curve::new("p95", Unit::Milliseconds, &[None, None]), None);
    }
}
