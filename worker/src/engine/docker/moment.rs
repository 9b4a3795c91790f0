//! Points in time as Docker writes them: RFC 3339 in UTC, to the nanosecond.

use slipway_core::time::Timestamp;

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// Nanoseconds since the Unix epoch, by the daemon's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(i64);

impl Moment {
    /// Reads `2026-01-31T23:59:59.123456789Z`. `None` for any other form, and for the year 1, which
    /// is how Docker writes "never".
    pub fn parse(text: &str) -> Option<Self> {
        let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
        let [year, month, day] = numbers(date, '-')?;
        let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
        let [hour, minute, second] = numbers(clock, ':')?;
        if year < 1970 || fraction.is_empty() || fraction.len() > 9 {
            return None;
        }
        let nanos: i64 = format!("{fraction:0<9}").parse().ok()?;
        let days = days_since_epoch(year, month, day);
        let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
        seconds.checked_mul(NANOS_PER_SECOND)?.checked_add(nanos).map(Self)
    }

    /// From a count of nanoseconds since the epoch.
    pub fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Whole seconds since the epoch.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(NANOS_PER_SECOND)
    }

    /// The same moment in whole milliseconds.
    pub fn timestamp(self) -> Timestamp {
        Timestamp(self.0.div_euclid(1_000_000))
    }
}

fn numbers(text: &str, separator: char) -> Option<[i64; 3]> {
    let numbers: Option<Vec<i64>> = text.split(separator).map(|part| part.parse().ok()).collect();
    numbers?.try_into().ok()
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, after Howard Hinnant's
/// `days_from_civil`: years start in March, so that the leap day comes last.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_to_the_nanosecond() {
        let nanos = |text: &str| Moment::parse(text).map(|moment| moment.0);
        assert_eq!(nanos("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(nanos("2000-02-29T12:00:00.5Z"), Some(951_825_600_500_000_000));
        assert_eq!(nanos("2026-11-23T20:52:20.297848058Z"), Some(1_795_467_140_297_848_058));
        assert_eq!(
            Moment::parse("2024-12-31T23:59:59.999999999Z").unwrap().timestamp(),
            Timestamp(1_735_689_599_999)
        );
    }

    #[test]
    fn never_and_nonsense_are_no_moments() {
        for text in ["0001-01-01T00:00:00Z", "", "2024-01-01", "2024-01-01T00:00:00+01:00", "aTbZ"]
        {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }
}
