//! A curve as a small drawing (SVG), with the numbers that a person would read from it.

use std::fmt::Write as _;

use serde::Serialize;
use slipway_core::metric::Unit;

use crate::view::quantity::quantity;

/// How wide and high the drawing is, in its own units.
const WIDTH: f64 = 240.0;
const HEIGHT: f64 = 40.0;
const WRITTEN: &str = "memory takes what is written to it";

/// A curve, drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Curve {
    label: String,
    now: String,
    low: String,
    high: String,
    /// The `d` of a path; a gap where nothing is known.
    path: String,
    /// The same, closed down to 0.
    area: String,
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
            area: area(values, high),
        })
    }
}

/// The runs of known values, as points.
fn runs(values: &[Option<f64>], high: f64) -> Vec<Vec<(f64, f64)>> {
    let steps = u32::try_from(values.len().saturating_sub(1)).unwrap_or(u32::MAX).max(1);
    let high = if high > 0.0 { high } else { 1.0 };
    let mut runs = vec![Vec::new()];
    for (at, value) in (0_u32..).zip(values) {
        match (value, runs.last_mut()) {
            (Some(value), Some(run)) => {
                let x = WIDTH * f64::from(at) / f64::from(steps);
                run.push((x, HEIGHT - (HEIGHT - 2.0) * value / high - 1.0));
            }
            _ => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

fn path(values: &[Option<f64>], high: f64) -> String {
    let mut path = String::new();
    for run in runs(values, high) {
        for (at, (x, y)) in run.iter().enumerate() {
            let verb = if at == 0 { 'M' } else { 'L' };
            write!(path, "{verb}{x:.1} {y:.1}").expect(WRITTEN);
        }
        if run.len() == 1 {
            // A line to itself: its round ends make a dot.
            path.push_str("h0");
        }
    }
    path
}

fn area(values: &[Option<f64>], high: f64) -> String {
    let mut area = String::new();
    for run in runs(values, high) {
        let (Some((first, _)), Some((last, _))) = (run.first(), run.last()) else { continue };
        write!(area, "M{first:.1} {HEIGHT}").expect(WRITTEN);
        for (x, y) in &run {
            write!(area, "L{x:.1} {y:.1}").expect(WRITTEN);
        }
        write!(area, "L{last:.1} {HEIGHT}Z").expect(WRITTEN);
    }
    area
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
            curve.area,
            "M0.0 40L0.0 39.0L60.0 1.0L60.0 40ZM180.0 40L180.0 20.0L240.0 20.0L240.0 40Z"
        );
        assert_eq!(
            (curve.now.as_str(), curve.low.as_str(), curve.high.as_str()),
            ("5 ms", "0 ms", "10 ms")
        );
        assert_eq!(Curve::new("p95", Unit::Milliseconds, &[None, None]), None);
        let dot = Curve::new("p95", Unit::Milliseconds, &[None, Some(5.0), None]).unwrap();
        assert_eq!(dot.path, "M120.0 1.0h0");
    }
}
