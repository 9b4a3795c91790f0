//! A number of the moment with the curve that led to it: a panel at a glance.

use serde::Serialize;
use slipway_core::metric::{Metric, Unit};

use crate::view::curve::Curve;
use crate::view::quantity::quantity;

/// How old the number may be, in points of the curve, to pass for the present one.
const FRESH: usize = 3;

/// A tile.
#[derive(Debug, Serialize)]
pub struct Tile {
    label: &'static str,
    /// `None` when nothing is known of the moment.
    now: Option<String>,
    curve: Option<Curve>,
}

impl Tile {
    /// The tile of values at equal distances, the newest last.
    pub fn new(label: &'static str, unit: Unit, values: &[Option<f64>]) -> Self {
        let fresh = values.iter().rev().take(FRESH).flatten().next();
        Self {
            label,
            now: fresh.map(|value| quantity(unit, *value)),
            curve: Curve::new(label, unit, values),
        }
    }
}

/// One tile for each of these metrics, from whichever series is of it; empty ones included.
pub fn tiles<'a>(
    shown: &[(Metric, &'static str)],
    values: impl Fn(&Metric) -> Option<&'a [Option<f64>]>,
) -> Vec<Tile> {
    let tile = |(metric, label): &(Metric, &'static str)| {
        Tile::new(label, metric.unit(), values(metric).unwrap_or_default())
    };
    shown.iter().map(tile).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_old_is_not_of_the_moment() {
        let tile = Tile::new("p95", Unit::Milliseconds, &[Some(40.0), None, None]);
        assert_eq!(tile.now.as_deref(), Some("40 ms"));
        let tile = Tile::new("p95", Unit::Milliseconds, &[Some(40.0), None, None, None]);
        assert!(tile.now.is_none() && tile.curve.is_some());
    }
}
