//! How long requests took and waited, by app, as the proxy's workers counted it.

use std::collections::BTreeMap;

use slipway_core::histogram::{Histogram, middle_of};
use slipway_core::id::AppId;
use slipway_core::name::AppName;
use slipway_core::telemetry::{Buckets, Family, catalogue};

use super::number;
use crate::proxy::TimesSince;

/// Upper bounds in milliseconds. Powers of two, where the proxy's own buckets meet: each of those
/// is in one of these whole.
const BOUNDS_MS: [u32; 14] =
    [4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 65_536];

/// Latency and waiting, since each of nginx's workers began.
pub fn families(totals: &TimesSince, names: &BTreeMap<&AppId, &AppName>) -> [Family; 2] {
    let mut took = Family::of(&catalogue::APP_REQUEST_DURATION);
    let mut waited = Family::of(&catalogue::APP_QUEUE_DURATION);
    for (id, timing) in &totals.apps {
        if let Some(name) = names.get(id) {
            took.add_buckets(&[("app", name.as_str())], buckets(&timing.latency));
            waited.add_buckets(&[("app", name.as_str())], buckets(&timing.queue));
        }
    }
    [took, waited]
}

fn buckets(histogram: &Histogram) -> Buckets {
    let mut counts = BOUNDS_MS.map(|bound| (f64::from(bound) / 1000.0, 0));
    let mut above = 0;
    for (bucket, count) in histogram.counts() {
        let middle = middle_of(*bucket);
        match BOUNDS_MS.iter().position(|bound| middle < u64::from(*bound)) {
            Some(place) => counts[place].1 += count,
            None => above += count,
        }
    }
    Buckets { counts: counts.to_vec(), above, sum: number(histogram.sum_ms()) / 1000.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_is_in_the_bucket_of_its_time() {
        let mut histogram = Histogram::default();
        for ms in [0, 3, 5, 100, 40_000, 70_000] {
            histogram.record(ms);
        }
        let found = buckets(&histogram);
        let counts: Vec<u64> = found.counts.iter().map(|(_, count)| *count).collect();
        assert_eq!(counts, [2, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!((found.above, found.count()), (1, 6));
        assert!((found.sum - 110.108).abs() < 1e-9);
    }
}
