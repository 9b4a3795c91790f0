//! Times, as people read them. All are UTC: the machine's zone is not the server's.

use std::time::SystemTime;

use slipway_core::calendar;
use slipway_core::time::Timestamp;

/// The time now.
#[expect(clippy::disallowed_methods, reason = "the one clock of the command line")]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// `2026-01-05T14:03:22Z`.
pub fn utc(at: Timestamp) -> String {
    let seconds = at.0.div_euclid(1000);
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = calendar::date(days);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// `14:03:22`.
pub fn of_day(at: Timestamp) -> String {
    utc(at).chars().skip("2026-01-05T".len()).take("14:03:22".len()).collect()
}

/// `2026-01-05`.
pub fn date(at: Timestamp) -> String {
    utc(at).chars().take(10).collect()
}

/// How long ago, in one unit: `42 s ago`, `5 min ago`, `3 h ago`, `2 days ago`; older than a month,
/// the date.
pub fn ago(now: Timestamp, at: Timestamp) -> String {
    let seconds = now.since(at).0 / 1000;
    match seconds {
        0..10 => "just now".to_owned(),
        10..60 => format!("{seconds} s ago"),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..86_400 => format!("{} h ago", seconds / 3_600),
        86_400..172_800 => "1 day ago".to_owned(),
        172_800..2_592_000 => format!("{} days ago", seconds / 86_400),
        _ => date(at),
    }
}

/// How long until a later time: `in 5 days`; `ended` when it has passed.
pub fn until(now: Timestamp, at: Timestamp) -> String {
    let seconds = at.since(now).0 / 1000;
    match seconds {
        0 => "ended".to_owned(),
        1..3_600 => format!("in {} min", seconds.div_ceil(60)),
        3_600..172_800 => format!("in {} h", seconds / 3_600),
        _ => format!("in {} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_767_621_802, "2026-01-05T14:03:22Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(utc(Timestamp(seconds * 1000)), text);
        }
    }

    #[test]
    fn spans_have_one_unit() {
        let now = Timestamp(1_767_621_802_000);
        let back = |seconds: i64| ago(now, Timestamp(now.0 - seconds * 1000));
        assert_eq!(back(-5), "just now");
        assert_eq!(back(42), "42 s ago");
        assert_eq!(back(359), "5 min ago");
        assert_eq!(back(7_300), "2 h ago");
        assert_eq!(back(90_000), "1 day ago");
        assert_eq!(back(5 * 86_400), "5 days ago");
        assert_eq!(back(40 * 86_400), "2025-11-26");
        assert_eq!(until(now, Timestamp(now.0 + 5 * 86_400_000)), "in 5 days");
        assert_eq!(until(now, Timestamp(now.0 - 1)), "ended");
    }
}
