//! Points in time and spans, both in whole milliseconds.

use std::fmt;
use std::ops::{Add, Sub};

use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// A span of milliseconds, never negative.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Millis(pub u64);

impl Timestamp {
    /// How long ago `earlier` was; zero when it lies in the future.
    pub fn since(self, earlier: Self) -> Millis {
        Millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Millis {
    /// The span of this many seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds * 1000)
    }

    /// The same span for the standard library's timers.
    pub const fn as_duration(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0)
    }

    fn signed(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }
}

impl Add<Millis> for Timestamp {
    type Output = Self;

    fn add(self, span: Millis) -> Self {
        Self(self.0.saturating_add(span.signed()))
    }
}

impl Sub<Millis> for Timestamp {
    type Output = Self;

    fn sub(self, span: Millis) -> Self {
        Self(self.0.saturating_sub(span.signed()))
    }
}

impl fmt::Display for Millis {
    /// People's form, to about two digits: `87 ms`, `1.9 s`, `30 s`, `2 min 5 s`, `1 h 30 min`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (self.0 + 50) / 100;
        let seconds = (self.0 + 500) / 1000;
        let minutes = (seconds + 30) / 60;
        match self.0 {
            0..1000 => write!(f, "{} ms", self.0),
            _ if tenths < 600 && tenths.is_multiple_of(10) => write!(f, "{} s", tenths / 10),
            _ if tenths < 600 => write!(f, "{}.{} s", tenths / 10, tenths % 10),
            _ if seconds < 3600 => parts(f, (seconds / 60, "min"), (seconds % 60, "s")),
            _ => parts(f, (minutes / 60, "h"), (minutes % 60, "min")),
        }
    }
}

fn parts(f: &mut fmt::Formatter<'_>, (most, unit): (u64, &str), rest: (u64, &str)) -> fmt::Result {
    write!(f, "{most} {unit}")?;
    if rest.0 > 0 { write!(f, " {} {}", rest.0, rest.1) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_like_people_write_them() {
        let cases = [
            (87, "87 ms"),
            (1_940, "1.9 s"),
            (29_960, "30 s"),
            (59_960, "1 min"),
            (125_000, "2 min 5 s"),
            (3_599_600, "1 h"),
            (5_400_000, "1 h 30 min"),
        ];
        for (ms, shown) in cases {
            assert_eq!(Millis(ms).to_string(), shown);
        }
    }

    #[test]
    fn a_span_to_the_future_is_zero() {
        assert_eq!(Timestamp(5).since(Timestamp(9)), Millis(0));
        assert_eq!(Timestamp(9).since(Timestamp(5)), Millis(4));
    }
}
