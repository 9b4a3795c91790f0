//! Spans of time, as people type and read them.

use slipway_core::time::Millis;

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Reads `90s`, `5m`, `5 min`, `1h` or `2d`; `None` for anything else.
pub fn parse(text: &str) -> Option<Millis> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim_start() {
        "s" => SECOND,
        "m" | "min" => MINUTE,
        "h" => HOUR,
        "d" => DAY,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor).map(Millis)
}

/// As it is typed: `5m`. What [`parse`] cannot read back is rounded to a second.
pub fn typed(span: Millis) -> String {
    match span.0 {
        ms if ms >= HOUR && ms % HOUR == 0 => format!("{}h", ms / HOUR),
        ms if ms >= MINUTE && ms % MINUTE == 0 => format!("{}m", ms / MINUTE),
        ms => format!("{}s", (ms + SECOND / 2) / SECOND),
    }
}

/// In one unit, for reading: `42 s`, `12 min`, `6.5 h`, `7 days`.
pub fn rough(span: Millis) -> String {
    let tenths = |unit: u64, name: &str| {
        let tenths = (span.0 * 10 + unit / 2) / unit;
        match tenths % 10 {
            0 => format!("{} {name}", tenths / 10),
            rest => format!("{}.{rest} {name}", tenths / 10),
        }
    };
    match span.0 {
        ms if ms < MINUTE => format!("{} s", ms / SECOND),
        ms if ms < HOUR => format!("{} min", ms / MINUTE),
        ms if ms < 2 * DAY => tenths(HOUR, "h"),
        _ => tenths(DAY, "days"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_read_back() {
        for text in ["0s", "90s", "5m", "1h", "24h"] {
            assert_eq!(typed(parse(text).unwrap()), text);
        }
        assert_eq!(parse(" 5 min "), parse("5m"));
        for bad in ["", "5", "m", "-5m", "1.5h", "5w", "99999999999999999999h"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn spans_read_in_one_unit() {
        let shown = [42, 12 * 60 + 5, 6 * 3600 + 1800, 7 * 86_400, 80 * 3600]
            .map(|seconds| rough(Millis::from_secs(seconds)));
        assert_eq!(shown, ["42 s", "12 min", "6.5 h", "7 days", "3.3 days"]);
    }
}
