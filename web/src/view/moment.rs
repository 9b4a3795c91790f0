//! Points in time: how long ago, with the exact moment behind it.

use serde::Serialize;
use slipway_core::time::{Millis, Timestamp};

const MINUTE_S: u64 = 60;
const HOUR_S: u64 = 60 * MINUTE_S;
const DAY_S: u64 = 24 * HOUR_S;

/// A point in time, shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// For programs: `2026-01-05T12:00:03Z`.
    pub machine: String,
    /// For people who want to know exactly: `2026-01-05 12:00:03 UTC`.
    pub exact: String,
    /// For people: `5 min ago`.
    pub relative: String,
    /// `2026-01-05`, in UTC.
    pub date: String,
    /// `12:00:03`, in UTC.
    pub time: String,
}

impl Moment {
    /// This point in time, seen from `now`.
    pub fn new(at: Timestamp, now: Timestamp) -> Self {
        let (date, time) = (date(at), time_of_day(at));
        Self {
            machine: format!("{date}T{time}Z"),
            exact: format!("{date} {time} UTC"),
            relative: relative(now.since(at), date.clone()),
            date,
            time,
        }
    }
}

fn relative(age: Millis, date: String) -> String {
    let seconds = age.0 / 1000;
    match seconds {
        0..5 => "just now".to_owned(),
        5..MINUTE_S => format!("{seconds} s ago"),
        MINUTE_S..HOUR_S => format!("{} min ago", seconds / MINUTE_S),
        _ if seconds < 2 * DAY_S => format!("{} h ago", seconds / HOUR_S),
        _ if seconds < 60 * DAY_S => format!("{} days ago", seconds / DAY_S),
        _ => date,
    }
}

fn time_of_day(at: Timestamp) -> String {
    let seconds = at.0.div_euclid(1000).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// The date in the Gregorian calendar, after Howard Hinnant, “chrono-Compatible Low-Level Date
/// Algorithms”, `civil_from_days`: years begin in March, so that leap days come last.
fn date(at: Timestamp) -> String {
    let days = at.0.div_euclid(86_400_000) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exact_moment_is_in_utc() {
        for (seconds, expected) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_735_689_599, "2024-12-31 23:59:59 UTC"),
            (1_767_614_403, "2026-01-05 12:00:03 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        ] {
            let at = Timestamp(seconds * 1000);
            assert_eq!(Moment::new(at, at).exact, expected);
        }
    }

    #[test]
    fn ages_read_like_people_say_them() {
        let at = Timestamp(1_767_614_403_000);
        let relative = |age| Moment::new(at, at + Millis::from_secs(age)).relative;
        let ages = [4, 42, 60, 3 * 3600 - 1, 47 * 3600, 2 * 86_400, 59 * 86_400, 60 * 86_400];
        assert_eq!(
            ages.map(relative),
            [
                "just now",
                "42 s ago",
                "1 min ago",
                "2 h ago",
                "47 h ago",
                "2 days ago",
                "59 days ago",
                "2026-01-05"
            ]
        );
    }

    #[test]
    fn a_clock_that_is_behind_shows_no_future() {
        assert_eq!(Moment::new(Timestamp(9_000), Timestamp(0)).relative, "just now");
    }
}
