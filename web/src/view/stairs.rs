//! Two counts over time as stairs (SVG) on one scale: what was, and what would have been.

use std::fmt::Write as _;

use serde::Serialize;

/// How wide and high the drawing is, in its own units.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 120.0;

/// The stairs, drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stairs {
    /// The `d` of a path each; a gap where nothing is known.
    was: String,
    would: String,
    /// What the upper edge stands for; the lower one is 0.
    high: u32,
}

impl Stairs {
    /// Draws values at equal distances. `None` when there is nothing to draw.
    pub fn new(was: &[Option<f64>], would: &[Option<f64>]) -> Option<Self> {
        let known = was.iter().chain(would).flatten();
        let highest = known
            .copied()
            .fold(None, |high: Option<f64>, one| Some(high.map_or(one, |high| high.max(one))))?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
        let high = highest.ceil().clamp(1.0, 1000.0) as u32;
        Some(Self { was: path(was, high), would: path(would, high), high })
    }
}

fn path(values: &[Option<f64>], high: u32) -> String {
    let steps = u32::try_from(values.len()).unwrap_or(u32::MAX).max(1);
    let mut path = String::new();
    let mut before: Option<f64> = None;
    for (at, value) in (0_u32..).zip(values) {
        let from = WIDTH * f64::from(at) / f64::from(steps);
        let until = WIDTH * f64::from(at + 1) / f64::from(steps);
        if let Some(value) = value {
            let y = HEIGHT - 1.0 - (HEIGHT - 2.0) * value / f64::from(high);
            let written = match before {
                None => write!(path, "M{from:.1} {y:.1}H{until:.1}"),
                Some(last) if last.to_bits() == value.to_bits() => write!(path, "H{until:.1}"),
                Some(_) => write!(path, "V{y:.1}H{until:.1}"),
            };
            written.expect("memory takes what is written to it");
        }
        before = *value;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_stairs_share_a_scale_and_gaps_stay_open() {
        let was = [Some(1.0), Some(1.0), None, Some(2.0)];
        let stairs = Stairs::new(&was, &[None, Some(4.0), Some(2.0), Some(2.0)]).unwrap();
        assert_eq!(stairs.high, 4);
        assert_eq!(stairs.was, "M0.0 89.5H150.0H300.0M450.0 60.0H600.0");
        assert_eq!(stairs.would, "M150.0 1.0H300.0V60.0H450.0H600.0");
        assert_eq!(Stairs::new(&[None], &[None]), None);
    }
}
