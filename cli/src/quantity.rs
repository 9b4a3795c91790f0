//! Numbers with their units, as people read and write them.

use std::str::FromStr;

use slipway_core::metric::Unit;
use slipway_core::time::Millis;

/// A value with its unit: `1.2k/s`, `12 ms`, `91 %`, `12.3 MB/s`.
pub fn of(unit: Unit, value: f64) -> String {
    match unit {
        Unit::PerSecond => format!("{}/s", scaled(value, "")),
        Unit::Percent => format!("{} %", digits(value)),
        Unit::Milliseconds if value >= 1000.0 => format!("{} s", digits(value / 1000.0)),
        Unit::Milliseconds => format!("{} ms", digits(value)),
        Unit::Bytes => format!("{}B", scaled(value, " ")),
        Unit::BytesPerSecond => format!("{}B/s", scaled(value, " ")),
        Unit::Count | Unit::Number => scaled(value, ""),
    }
}

/// Three digits that matter.
fn digits(value: f64) -> String {
    let text = match value.abs() {
        10.0..100.0 => format!("{value:.1}"),
        0.0..10.0 => format!("{value:.2}"),
        _ => return format!("{value:.0}"),
    };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// With a prefix of thousands.
fn scaled(value: f64, blank: &str) -> String {
    let (divisor, prefix) = match value.abs() {
        1e12.. => (1e12, "T"),
        1e9.. => (1e9, "G"),
        1e6.. => (1e6, "M"),
        1e3.. => (1e3, "k"),
        _ => (1.0, ""),
    };
    format!("{}{blank}{prefix}", digits(value / divisor))
}

/// A span of time as it is typed: `30s`, `5m`, `1h`, `7d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Millis);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a span; write `30s`, `5m`, `1h` or `7d`");
        let unit = text.chars().last().ok_or_else(wrong)?;
        let seconds: u64 = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return Err(wrong()),
        };
        let number: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
        let span = number.checked_mul(seconds).filter(|span| (1..=30 * 86_400).contains(span));
        span.map(|span| Self(Millis::from_secs(span)))
            .ok_or_else(|| format!("`{text}` is out of range; use between `1s` and `30d`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_that_matter() {
        for (unit, value, text) in [
            (Unit::PerSecond, 0.0, "0/s"),
            (Unit::PerSecond, 0.25, "0.25/s"),
            (Unit::PerSecond, 1250.0, "1.25k/s"),
            (Unit::Percent, 91.25, "91.2 %"),
            (Unit::Percent, 100.0, "100 %"),
            (Unit::Milliseconds, 12.0, "12 ms"),
            (Unit::Milliseconds, 2500.0, "2.5 s"),
            (Unit::Bytes, 134_217_728.0, "134 MB"),
            (Unit::BytesPerSecond, 900.0, "900 B/s"),
            (Unit::Count, 3.0, "3"),
        ] {
            assert_eq!(of(unit, value), text);
        }
    }

    #[test]
    fn spans_are_typed_with_their_unit() {
        let span = |text: &str| text.parse::<Span>().ok().map(|span| span.0.0 / 1000);
        assert_eq!(span("30s"), Some(30));
        assert_eq!(span("5m"), Some(300));
        assert_eq!(span("7d"), Some(604_800));
        for wrong in ["", "5", "m", "-1h", "0s", "31d", "5 m", "1w", "5é"] {
            assert_eq!(span(wrong), None, "{wrong}");
        }
    }
}
