//! Times, as people read them. All are UTC: the machine's zone is not the server's.

use std::time::SystemTime;

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
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
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

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar.
///
/// The calendar repeats every 400 years (146 097 days). Counting years from March puts the leap
/// day last, so that month lengths follow one linear formula.
fn civil(days: i64) -> (i64, i64, i64) {
    const DAYS_IN_ERA: i64 = 146_097;
    const FROM_0000_03_01: i64 = 719_468;
    let shifted = days + FROM_0000_03_01;
    let era = shifted.div_euclid(DAYS_IN_ERA);
    let of_era = shifted.rem_euclid(DAYS_IN_ERA);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
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
