//! What was seen of the instances, and how much of it is believed.

use std::collections::BTreeMap;

use super::amount::Amount;
use crate::metric::Metric;
use crate::sample::Sample;
use crate::time::{Millis, Timestamp};

/// How often there is a sample, and how far back they are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tempo {
    pub interval: Millis,
    pub window: Millis,
}

impl Tempo {
    /// That of the worker.
    pub const LIVE: Self = Self { interval: Millis::from_secs(2), window: Millis::from_secs(20) };

    /// How old the newest sample of an instance may be for any of them to count.
    pub(super) fn stale_after(self) -> Millis {
        Millis(self.interval.0.saturating_mul(3))
    }
}

impl Default for Tempo {
    fn default() -> Self {
        Self::LIVE
    }
}

/// One sample of one instance. What could not be read is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    pub at: Timestamp,
    pub loads: BTreeMap<Metric, Amount>,
}

/// One instance that is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subject {
    /// Since when it is ready; `None` while it starts or fails its checks.
    pub ready_since: Option<Timestamp>,
    /// Whether it gets its share of the work: it is in the proxy, or needs none.
    pub serves: bool,
    /// Oldest first.
    pub points: Vec<Point>,
}

impl Subject {
    /// Whether it belongs to E.
    pub(super) fn is_eligible(&self, now: Timestamp, warm_up: Millis) -> bool {
        self.serves && self.ready_since.is_some_and(|since| now.since(since) >= warm_up)
    }

    /// The mean of its valid samples of a metric since `from`, with at most `newest` of them;
    /// `None` with fewer than three.
    pub(super) fn mean(
        &self,
        metric: &Metric,
        now: Timestamp,
        from: Timestamp,
        tempo: Tempo,
        newest: usize,
    ) -> Option<u64> {
        let known = self.points.iter().rev().filter(|point| point.at >= from && point.at <= now);
        let mut known = known.filter_map(|point| Some((point.at, point.loads.get(metric)?.0)));
        let (at, first) = known.next()?;
        if now.since(at) > tempo.stale_after() {
            return None;
        }
        let loads: Vec<u64> =
            std::iter::once(first).chain(known.map(|(_, load)| load)).take(newest).collect();
        let count = u64::try_from(loads.len()).ok()?;
        (count >= 3).then(|| loads.iter().sum::<u64>() / count)
    }
}

/// The loads of a sample by these metrics. What is unknown is left out; no request is a latency and
/// a wait of 0, because nobody waits.
pub fn loads<'a>(
    sample: &Sample,
    metrics: impl IntoIterator<Item = &'a Metric>,
) -> BTreeMap<Metric, Amount> {
    let idle = |metric: &Metric| {
        let waits = matches!(metric, Metric::P95Ms | Metric::QueueMs);
        let traffic = sample.traffic.as_ref().filter(|_| waits)?;
        (traffic.value.requests() == 0).then_some(0.0)
    };
    metrics
        .into_iter()
        .filter_map(|metric| {
            let value = metric.value(sample).or_else(|| idle(metric))?;
            Some((metric.clone(), Amount::from_float(value)?))
        })
        .collect()
}
