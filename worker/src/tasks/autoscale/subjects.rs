//! From the monitor's readings to what the autoscaler looks at.

use std::collections::{BTreeMap, BTreeSet};

use slipway_core::autoscale::{Amount, Point, Subject, loads};
use slipway_core::metric::Metric;
use slipway_core::name::ProcessName;
use slipway_core::sample::Sample;
use slipway_core::time::Timestamp;

use crate::metrics::live::InstanceSeries;

/// Intervals that a wait is taken over: few enough to be quick, many enough for a quantile.
const POOLED: usize = 3;

/// The instances of a process. `proxied`: whether it gets its work from the proxy.
///
/// Load is each instance's own. A wait is not: a quantile of one instance's few requests says
/// little and the mean of several says nothing, so it is taken of all requests to all instances
/// together, and is the same for each.
pub(super) fn of(
    series: &[InstanceSeries],
    process: &ProcessName,
    targets: &BTreeMap<Metric, Amount>,
    proxied: bool,
) -> Vec<Subject> {
    let own: Vec<&InstanceSeries> =
        series.iter().filter(|series| series.process == *process).collect();
    let serves = |series: &InstanceSeries| series.in_proxy || !proxied;
    let (waits, others): (Vec<&Metric>, Vec<&Metric>) =
        targets.keys().partition(|metric| is_wait(metric));
    let pooled = if waits.is_empty() {
        BTreeMap::new()
    } else {
        pool(own.iter().copied().filter(|series| serves(series)), &waits)
    };
    let subject = |series: &&InstanceSeries| Subject {
        ready_since: series.ready_since,
        serves: serves(series),
        points: points(series, &others, &pooled),
    };
    own.iter().map(subject).collect()
}

fn is_wait(metric: &Metric) -> bool {
    matches!(metric, Metric::P95Ms | Metric::QueueMs)
}

fn points(
    series: &InstanceSeries,
    metrics: &[&Metric],
    pooled: &BTreeMap<Timestamp, BTreeMap<Metric, Amount>>,
) -> Vec<Point> {
    let point = |at: Timestamp, sample: &Sample| {
        let mut loads = loads(sample, metrics.iter().copied());
        loads.extend(pooled.get(&at).cloned().unwrap_or_default());
        Point { at, loads }
    };
    series.readings.iter().map(|reading| point(reading.at, &reading.sample)).collect()
}

/// The waits of all instances together, at every look.
fn pool<'a>(
    series: impl Iterator<Item = &'a InstanceSeries>,
    waits: &[&Metric],
) -> BTreeMap<Timestamp, BTreeMap<Metric, Amount>> {
    let mut joined: BTreeMap<Timestamp, Sample> = BTreeMap::new();
    let mut blind = BTreeSet::new();
    for reading in series.flat_map(|series| &series.readings) {
        if reading.sample.traffic.is_none() {
            blind.insert(reading.at);
        }
        joined
            .entry(reading.at)
            .and_modify(|sample| sample.join(&reading.sample))
            .or_insert_with(|| reading.sample.clone());
    }
    let looks: Vec<(Timestamp, Sample)> =
        joined.into_iter().filter(|(at, _)| !blind.contains(at)).collect();
    let upto = |end: usize| {
        let first = end.saturating_sub(POOLED - 1);
        let mut sum = looks[first].1.clone();
        looks[first + 1..=end].iter().for_each(|(_, later)| sum.append(later));
        (looks[end].0, loads(&sum, waits.iter().copied()))
    };
    (0..looks.len()).map(upto).collect()
}

#[cfg(test)]
mod tests {
    use slipway_core::id::{Id, InstanceId};
    use slipway_core::sample::Traffic;
    use slipway_core::time::Millis;

    use super::*;
    use crate::metrics::live::Reading;

    fn series(number: u128, latency_ms: u64, requests: u64) -> InstanceSeries {
        let mut traffic = Traffic { responses: [0, requests, 0, 0, 0], ..Traffic::default() };
        (0..requests).for_each(|_| traffic.latency.record(latency_ms));
        let sample = Sample::over(Millis(2000)).with_traffic(traffic);
        InstanceSeries {
            id: InstanceId::from_bits(number),
            process: ProcessName::web(),
            ready_since: Some(Timestamp(0)),
            in_proxy: true,
            readings: vec![Reading { at: Timestamp(2000), sample }],
        }
    }

    #[test]
    fn a_wait_is_that_of_all_requests_and_a_load_is_each_instances_own() {
        let targets =
            BTreeMap::from([(Metric::P95Ms, Amount::whole(300)), (Metric::Rps, Amount::whole(10))]);
        let all = [series(1, 10, 98), series(2, 1000, 2)];
        let subjects = of(&all, &ProcessName::web(), &targets, true);
        let load = |index: usize, metric| subjects[index].points[0].loads[&metric];
        assert_eq!(load(0, Metric::P95Ms), Amount::whole(10));
        assert_eq!(load(1, Metric::P95Ms), Amount::whole(10), "2 of 100 do not make the p95");
        assert_eq!(load(0, Metric::Rps), Amount::whole(49));
        assert_eq!(load(1, Metric::Rps), Amount::whole(1));
    }
}
