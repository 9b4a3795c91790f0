//! Days and dates of the Gregorian calendar, counted from 1970-01-01.
//!
//! The calendar repeats every 400 years (146 097 days). Counting years from March puts the leap day
//! last, so that month lengths follow one linear formula.

use crate::time::Timestamp;

const DAYS_IN_ERA: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const FROM_0000_03_01: i64 = 719_468;

/// Year, month and day of a day.
pub fn date(day: i64) -> (i64, i64, i64) {
    let shifted = day + FROM_0000_03_01;
    let era = shifted.div_euclid(DAYS_IN_ERA);
    let of_era = shifted.rem_euclid(DAYS_IN_ERA);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

/// The day of a date; one behind its month's end is a day of the next month.
pub fn day(year: i64, month: i64, day: i64) -> i64 {
    let (year, month_from_march) =
        if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month_from_march + 2) / 5 + day - 1;
    era * DAYS_IN_ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year - FROM_0000_03_01
}

/// `2026-01-05T14:03:22.125Z`, as RFC 3339 has it.
pub fn rfc3339(at: Timestamp) -> String {
    let (days, of_day) = (at.0.div_euclid(86_400_000), at.0.rem_euclid(86_400_000));
    let (year, month, day) = date(days);
    let (seconds, millis) = (of_day / 1000, of_day % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_five_centuries_has_a_date_of_its_own_in_order() {
        let mut before = date(-40_000);
        for number in -39_999..150_000 {
            let next = date(number);
            assert!(next > before, "{next:?} after {before:?}");
            assert_eq!(day(next.0, next.1, next.2), number);
            before = next;
        }
    }

    #[test]
    fn times_are_written_to_the_millisecond() {
        assert_eq!(rfc3339(Timestamp(0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(Timestamp(-1)), "1969-12-31T23:59:59.999Z");
        assert_eq!(rfc3339(Timestamp(951_782_400_007)), "2000-02-29T00:00:00.007Z");
    }
}
