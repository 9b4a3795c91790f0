//! How long things took, as counts by bucket.
//!
//! A quantile cannot be averaged: the mean of two instances' p95 is nobody's p95. What is kept of a
//! span is therefore how many requests fell into each bucket of one fixed layout. Counts of any two
//! spans or instances add up, and a quantile is only ever taken of the sum.
//!
//! The layout is the log-linear one of HDR histograms (Gil Tene, <https://hdrhistogram.org>) at
//! three bits of precision: every power of two is cut into eight buckets of equal width, so a
//! bucket is at most an eighth of its values wide, and its middle is within 1/16 of each of them.
//!
//! ```text
//!   ms      0 1 2 … 15   16-17 18-19 … 30-31   32-35 …   57344-61439 61440-65535   65536 …
//!   bucket  0 1 2 … 15   16    17    … 23      24    …   110         111           112
//! ```

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Buckets below the last one cut each power of two into 2^3.
const PRECISION_BITS: u32 = 3;
const PER_OCTAVE: u64 = 1 << PRECISION_BITS;
/// The last bucket: everything from [`OVERFLOW_MS`] on.
const OVERFLOW: u8 = 112;

/// Buckets of the layout; the last one is open.
pub const BUCKETS: u8 = OVERFLOW + 1;
/// Values from here on, in milliseconds, are only known to be at least this.
pub const OVERFLOW_MS: u64 = 65_536;

/// The bucket of a value in milliseconds.
pub fn bucket_of(ms: u64) -> u8 {
    if ms >= OVERFLOW_MS {
        return OVERFLOW;
    }
    if ms < PER_OCTAVE {
        return u8::try_from(ms).unwrap_or(OVERFLOW);
    }
    let shift = ms.ilog2() - PRECISION_BITS;
    // `ms >> shift` is between 8 and 15: the octave's own eight buckets follow those before it.
    let index = u64::from(shift) * PER_OCTAVE + (ms >> shift);
    u8::try_from(index).unwrap_or(OVERFLOW)
}

/// The value a bucket stands for, in milliseconds: its middle, or where the last one begins.
pub fn middle_of(bucket: u8) -> u64 {
    let bucket = u64::from(bucket.min(OVERFLOW));
    if bucket < 2 * PER_OCTAVE {
        return bucket;
    }
    if bucket == u64::from(OVERFLOW) {
        return OVERFLOW_MS;
    }
    let shift = bucket / PER_OCTAVE - 1;
    let lowest = (bucket % PER_OCTAVE + PER_OCTAVE) << shift;
    lowest + (1 << shift) / 2
}

/// Counts by bucket, and the exact sum of what was counted. Stored and sent as one flat list: the
/// sum, then a bucket and its count for each bucket that has one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Histogram {
    sum_ms: u64,
    /// Ascending by bucket, no count of 0: most histograms have few buckets in use.
    counts: Vec<(u8, u64)>,
}

impl Histogram {
    /// One of counts that were kept elsewhere in the same layout, in any order.
    pub fn of_counts(counts: impl IntoIterator<Item = (u8, u64)>, sum_ms: u64) -> Self {
        let mut histogram = Self { sum_ms, counts: Vec::new() };
        for (bucket, count) in counts {
            histogram.add(bucket.min(OVERFLOW), count);
        }
        histogram
    }

    /// Counts one value, in milliseconds.
    pub fn record(&mut self, ms: u64) {
        self.add(bucket_of(ms), 1);
        self.sum_ms = self.sum_ms.saturating_add(ms);
    }

    /// Adds what another one counted.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in &other.counts {
            self.add(*bucket, *count);
        }
        self.sum_ms = self.sum_ms.saturating_add(other.sum_ms);
    }

    /// What was counted since an earlier reading of the same counters. Counters that started again
    /// count from 0.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let shrunk = |(bucket, count): &(u8, u64)| self.count_in(*bucket) < *count;
        if self.sum_ms < earlier.sum_ms || earlier.counts.iter().any(shrunk) {
            return self.clone();
        }
        let grown = self.counts.iter().map(|(b, count)| (*b, count - earlier.count_in(*b)));
        Self {
            sum_ms: self.sum_ms - earlier.sum_ms,
            counts: grown.filter(|(_, count)| *count > 0).collect(),
        }
    }

    /// How many values were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// How many values one bucket has.
    pub fn count_in(&self, bucket: u8) -> u64 {
        let found = self.counts.binary_search_by_key(&bucket, |(bucket, _)| *bucket);
        found.map_or(0, |at| self.counts[at].1)
    }

    /// The buckets that have values, ascending, with their counts.
    pub fn counts(&self) -> &[(u8, u64)] {
        &self.counts
    }

    /// The sum of the values, in milliseconds: exact, unlike the quantiles.
    pub fn sum_ms(&self) -> u64 {
        self.sum_ms
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// The value, in milliseconds, that `permille` of 1000 values do not exceed; within 1/16 of the
    /// true one, and no more than [`OVERFLOW_MS`]. `None` when nothing was counted.
    pub fn quantile(&self, permille: u32) -> Option<u64> {
        let total = u128::from(self.count());
        let rank = (total * u128::from(permille.min(1000))).div_ceil(1000).max(1);
        let mut seen = 0;
        for (bucket, count) in &self.counts {
            seen += u128::from(*count);
            if seen >= rank {
                return Some(middle_of(*bucket));
            }
        }
        None
    }

    fn add(&mut self, bucket: u8, count: u64) {
        if count == 0 {
            return;
        }
        match self.counts.binary_search_by_key(&bucket, |(bucket, _)| *bucket) {
            Ok(at) => self.counts[at].1 = self.counts[at].1.saturating_add(count),
            Err(at) => self.counts.insert(at, (bucket, count)),
        }
    }
}

impl Serialize for Histogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let pairs = self.counts.iter().flat_map(|(bucket, count)| [u64::from(*bucket), *count]);
        serializer.collect_seq(std::iter::once(self.sum_ms).chain(pairs))
    }
}

impl<'de> Deserialize<'de> for Histogram {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let numbers = Vec::<u64>::deserialize(deserializer)?;
        let Some((sum_ms, pairs)) = numbers.split_first() else {
            return Err(D::Error::custom("a histogram begins with its sum"));
        };
        if pairs.len() % 2 != 0 {
            return Err(D::Error::custom("a histogram's bucket has no count"));
        }
        let mut histogram = Self { sum_ms: *sum_ms, counts: Vec::with_capacity(pairs.len() / 2) };
        for pair in pairs.chunks_exact(2) {
            let bucket = u8::try_from(pair[0]).ok().filter(|bucket| *bucket < BUCKETS);
            let bucket =
                bucket.ok_or_else(|| D::Error::custom("a histogram has no such bucket"))?;
            histogram.add(bucket, pair[1]);
        }
        Ok(histogram)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        for ms in values {
            histogram.record(*ms);
        }
        histogram
    }

    fn merged(one: &Histogram, other: &Histogram) -> Histogram {
        let mut sum = one.clone();
        sum.merge(other);
        sum
    }

    fn times() -> impl Strategy<Value = Vec<u64>> {
        prop::collection::vec(prop_oneof![0..20_u64, 0..2_000_u64, 0..OVERFLOW_MS], 1..80)
    }

    #[test]
    fn buckets_follow_each_other_without_a_hole() {
        for ms in 1..OVERFLOW_MS {
            let step = bucket_of(ms) - bucket_of(ms - 1);
            assert!(step <= 1, "at {ms} ms");
        }
        assert_eq!(bucket_of(OVERFLOW_MS - 1), OVERFLOW - 1);
        assert_eq!(bucket_of(u64::MAX), OVERFLOW);
    }

    #[test]
    fn up_to_15_ms_every_millisecond_has_its_own_bucket() {
        for ms in 0..16 {
            assert_eq!(of(&[ms]).quantile(500), Some(ms));
        }
    }

    #[test]
    fn the_last_bucket_says_at_least() {
        assert_eq!(of(&[1_000_000]).quantile(500), Some(OVERFLOW_MS));
        assert_eq!(of(&[1_000_000]).sum_ms(), 1_000_000);
    }

    #[test]
    fn nothing_has_no_quantile() {
        assert_eq!(Histogram::default().quantile(950), None);
    }

    #[test]
    fn the_stored_form_is_short_and_strict() {
        let text = serde_json::to_string(&of(&[1, 1, 40])).unwrap();
        assert_eq!(text, "[42,1,2,26,1]");
        assert_eq!(serde_json::from_str::<Histogram>(&text).unwrap(), of(&[1, 1, 40]));
        for broken in ["[]", "[1,2]", "[1,113,1]", "[-1]"] {
            assert!(serde_json::from_str::<Histogram>(broken).is_err(), "{broken}");
        }
    }

    proptest! {
        #[test]
        fn a_quantile_is_within_a_sixteenth(mut values in times(), permille in 1..=1000_u32) {
            let found = of(&values).quantile(permille).unwrap();
            values.sort_unstable();
            let rank = (values.len() * permille as usize).div_ceil(1000);
            let true_one = values[rank - 1];
            prop_assert!(found.abs_diff(true_one) * 16 <= true_one, "{found} for {true_one}");
        }

        #[test]
        fn merging_has_no_order(a in times(), b in times(), c in times()) {
            let (a, b, c) = (of(&a), of(&b), of(&c));
            prop_assert_eq!(merged(&a, &b), merged(&b, &a));
            prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
        }

        #[test]
        fn merging_is_counting_everything_in_one(a in times(), b in times()) {
            let both: Vec<u64> = a.iter().chain(&b).copied().collect();
            prop_assert_eq!(merged(&of(&a), &of(&b)), of(&both));
        }

        #[test]
        fn what_came_since_is_what_was_added(a in times(), b in times()) {
            let (earlier, added) = (of(&a), of(&b));
            let now = merged(&earlier, &added);
            prop_assert_eq!(now.since(&earlier), added);
            // An emptier reading than before: everything in it is new.
            prop_assert_eq!(earlier.since(&now), earlier);
        }

        #[test]
        fn storing_changes_nothing(values in times()) {
            let text = serde_json::to_string(&of(&values)).unwrap();
            prop_assert_eq!(serde_json::from_str::<Histogram>(&text).unwrap(), of(&values));
        }
    }
}
