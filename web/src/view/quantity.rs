//! Numbers with their units, as people read them.

use slipway_core::metric::Unit;

/// A value with its unit: `1.2k/s`, `12 ms`, `91 %`, `12.3 MB/s`.
pub fn quantity(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Percent => format!("{} %", digits(value)),
        Unit::Milliseconds if value >= 1000.0 => format!("{} s", digits(value / 1000.0)),
        Unit::Milliseconds => format!("{} ms", digits(value)),
        Unit::PerSecond => format!("{}/s", thousands(value, "")),
        Unit::Bytes => format!("{}B", thousands(value, " ")),
        Unit::BytesPerSecond => format!("{}B/s", thousands(value, " ")),
        Unit::Count | Unit::Number => thousands(value, ""),
    }
}

/// Three digits that matter.
fn digits(value: f64) -> String {
    let places = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{value:.places$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

fn thousands(value: f64, blank: &str) -> String {
    let mut scaled = value;
    for prefix in ["", "k", "M", "G"] {
        if scaled.abs() < 1000.0 {
            return format!("{}{blank}{prefix}", digits(scaled));
        }
        scaled /= 1000.0;
    }
    format!("{}{blank}T", digits(scaled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (unit, value, text) in [
            (Unit::PerSecond, 1234.0, "1.23k/s"),
            (Unit::PerSecond, 0.0, "0/s"),
            (Unit::Percent, 91.25, "91.2 %"),
            (Unit::Milliseconds, 12.0, "12 ms"),
            (Unit::Milliseconds, 2500.0, "2.5 s"),
            (Unit::Bytes, 100.0, "100 B"),
            (Unit::BytesPerSecond, 12_300_000.0, "12.3 MB/s"),
            (Unit::Count, 100.0, "100"),
            (Unit::Bytes, 5e15, "5000 TB"),
        ] {
            assert_eq!(quantity(unit, value), text);
        }
    }
}
