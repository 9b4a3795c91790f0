//! A point in time as somebody types it.

use std::str::FromStr;

use slipway_core::calendar;
use slipway_core::time::{Millis, Timestamp};

/// A span before now, or a time of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// `90s`, `30m`, `1h`, `2d` ago.
    Ago(Millis),
    /// `2026-01-05T14:03:22Z`, or the beginning of a day: `2026-01-05`.
    At(Timestamp),
}

impl Moment {
    /// The time it means, asked for at `now`.
    pub fn before(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(span) => Timestamp(now.0.saturating_sub_unsigned(span.0)),
            Self::At(at) => at,
        }
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let moment = span(text).map(Self::Ago).or_else(|| at(text).map(Self::At));
        moment.ok_or_else(|| {
            "use a span like `90s`, `30m`, `1h`, `2d`, or a time like `2026-01-05T14:03:22Z`"
                .to_owned()
        })
    }
}

fn span(text: &str) -> Option<Millis> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    digits(number)?.checked_mul(seconds * 1000).map(Millis)
}

fn at(text: &str) -> Option<Timestamp> {
    let (date, of_day) = match text.split_once('T') {
        Some((date, of_day)) => (date, of_day.strip_suffix('Z')?),
        None => (text, "00:00:00"),
    };
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(of_day, ':')?;
    let possible = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    let seconds = hour * 3_600 + minute * 60 + second;
    possible.then(|| Timestamp((calendar::day(year, month, day) * 86_400 + seconds) * 1000))
}

fn numbers(text: &str, between: char) -> Option<[i64; 3]> {
    let mut parts = text.split(between).map(|part| i64::try_from(digits(part)?).ok());
    let three = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(three)
}

fn digits(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time;

    #[test]
    fn spans_count_back_from_now_and_times_do_not() {
        let now = Timestamp(1_767_621_802_000);
        let meant = |text: &str| text.parse::<Moment>().map(|moment| time::utc(moment.before(now)));
        for (text, time) in [
            ("22s", "2026-01-05T14:03:00Z"),
            ("3m", "2026-01-05T14:00:22Z"),
            ("1h", "2026-01-05T13:03:22Z"),
            ("5d", "2025-12-31T14:03:22Z"),
            ("2024-02-29", "2024-02-29T00:00:00Z"),
            ("2025-12-31T23:59:59Z", "2025-12-31T23:59:59Z"),
        ] {
            assert_eq!(meant(text).as_deref(), Ok(time));
        }
        for bad in [
            "",
            "h",
            "1",
            "1w",
            "-1h",
            "+1h",
            "2026-13-01",
            "2026-01-05T24:00:00Z",
            "é",
            "2026-01-05T14:03:22",
            "2026-1",
            "99999999999999999999d",
            "2026-01-05-06",
        ] {
            assert!(meant(bad).is_err(), "{bad}");
        }
    }
}
