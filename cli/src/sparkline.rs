//! A curve in one line of text.

/// From low to high, an eighth of a line each.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// One character a value, from 0 at the bottom to the highest at the top; a blank where there is
/// none. The bottom is always 0: a curve that only trembles looks calm.
pub fn sparkline(values: &[Option<f64>]) -> String {
    let highest = values.iter().flatten().copied().fold(0.0, f64::max);
    let bar = |value: &Option<f64>| value.map_or(' ', |value| bar_of(value, highest));
    values.iter().map(bar).collect()
}

fn bar_of(value: f64, highest: f64) -> char {
    let thresholds = (1..=7_u32).map(|bar| highest * f64::from(bar) / 8.0);
    let above = thresholds.filter(|threshold| highest > 0.0 && value > *threshold).count();
    BARS[above]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_is_full_and_zero_is_flat() {
        let values = [Some(0.0), Some(1.0), None, Some(50.0), Some(100.0)];
        assert_eq!(sparkline(&values), "▁▁ ▄█");
        assert_eq!(sparkline(&[Some(0.0), Some(0.0)]), "▁▁");
        assert_eq!(sparkline(&[None]), " ");
        assert_eq!(sparkline(&[Some(98.0), Some(100.0), Some(99.0)]), "███");
    }
}
