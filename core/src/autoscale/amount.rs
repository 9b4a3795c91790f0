//! Numbers in whole thousandths.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number that is not negative, in whole thousandths of its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(pub u64);

impl Amount {
    /// Beyond this nothing is measured, and sums of thousands of them still fit.
    const MOST: f64 = 1e15;

    /// A whole number.
    pub const fn whole(number: u64) -> Self {
        Self(number.saturating_mul(1000))
    }

    /// The nearest thousandth; `None` for what is negative, infinite, no number or beyond 10^15.
    pub fn from_float(number: f64) -> Option<Self> {
        if !(0.0..=Self::MOST).contains(&number) {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
        let thousandths = (number * 1000.0).round() as u64;
        Some(Self(thousandths))
    }

    /// The number, for what calculates with fractions.
    #[expect(clippy::cast_precision_loss, reason = "exact to 2^53 thousandths")]
    pub fn as_float(self) -> f64 {
        self.0 as f64 / 1000.0
    }
}

impl fmt::Display for Amount {
    /// Three digits' worth of a fraction at most: `60`, `0.5`, `12.3`, `1234`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 >= 100_000 || self.0.is_multiple_of(1000) {
            return write!(f, "{}", (self.0 + 500) / 1000);
        }
        let digits = if self.0 >= 10_000 { 1 } else { 2 };
        let text = format!("{:.digits$}", self.as_float());
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(1000) {
            serializer.serialize_u64(self.0 / 1000)
        } else {
            serializer.serialize_f64(self.as_float())
        }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer)?;
        Self::from_float(number).ok_or_else(|| {
            serde::de::Error::custom(format!("`{number}` is not a number from 0 to 10^15"))
        })
    }
}

#[cfg(feature = "schema")]
impl utoipa::PartialSchema for Amount {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        f64::schema()
    }
}

#[cfg(feature = "schema")]
impl utoipa::ToSchema for Amount {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        let shown: Vec<String> =
            [60_000, 500, 12_345, 1_234_567, 0, 1].map(|n| Amount(n).to_string()).into();
        assert_eq!(shown, ["60", "0.5", "12.3", "1235", "0", "0"]);
    }

    #[test]
    fn whole_numbers_travel_as_such() {
        assert_eq!(serde_json::to_string(&Amount::whole(60)).unwrap(), "60");
        assert_eq!(serde_json::to_string(&Amount(500)).unwrap(), "0.5");
        assert_eq!(serde_json::from_str::<Amount>("60").unwrap(), Amount::whole(60));
        for bad in ["-1", "1e16"] {
            assert!(serde_json::from_str::<Amount>(bad).is_err(), "{bad}");
        }
        assert_eq!(Amount::from_float(f64::NAN), None);
    }
}
