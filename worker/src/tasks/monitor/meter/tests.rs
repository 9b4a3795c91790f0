//! What is made of two looks.

use std::time::Duration;

use slipway_core::id::{Id, ReleaseId};
use slipway_core::metric::Metric;
use slipway_core::process::Limits;
use slipway_core::reason::Reason;
use slipway_core::time::Timestamp;
use slipway_store::Instance;

use super::*;

fn app() -> AppId {
    AppId::from_bits(1)
}

fn row(number: u128, state: InstanceState) -> Instance {
    Instance {
        id: InstanceId::from_bits(number),
        app_id: app(),
        release_id: ReleaseId::from_bits(1),
        process: ProcessName::web(),
        state,
        endpoint: None,
        created_at: Timestamp(0),
        started: true,
        ready_at: Some(Timestamp(500)),
        draining_since: None,
        warm_until: None,
        stopped_at: None,
        restarts: 0,
        reason: None,
        in_proxy: true,
    }
}

fn seen(number: u128, moment: Instant, cpu_us: u64) -> Seen {
    let usage = Usage { cpu_us, memory_bytes: 64 << 20, ..Usage::default() };
    let limits = Limits { memory_bytes: 256 << 20, cpu_millis: Some(500), ..Limits::default() };
    let row = row(number, InstanceState::Ready);
    Seen { row, limits, usage: Some((moment, usage)), gauges: [].into() }
}

fn passed(moment: Instant, app_requests: u64, of_first: u64) -> (Instant, Counted, Times) {
    let counters = |requests| Counters {
        responses: [0, requests, 0, 0, 0],
        busy_ms: requests * 100,
        ..Counters::default()
    };
    let mut traffic = Counted::default();
    traffic.apps.insert(app(), counters(app_requests));
    traffic.instances.insert(InstanceId::from_bits(1), counters(of_first));
    (moment, traffic, Times::default())
}

fn sighting(moment: Instant, instances: Vec<Seen>) -> Sighting {
    let processes = vec![(app(), ProcessName::web())];
    Sighting { moment: Some(moment), instances, processes, ..Sighting::default() }
}

fn after(moment: Instant, seconds: u64) -> Instant {
    moment + Duration::from_secs(seconds)
}

#[test]
fn the_first_look_has_nothing_to_compare_with() {
    let start = Instant::now();
    assert!(Meter::default().measure(sighting(start, vec![seen(1, start, 5)])).is_none());
}

#[test]
fn instances_and_their_process_are_measured_side_by_side() {
    let start = Instant::now();
    let later = after(start, 2);
    let mut meter = Meter::default();
    let mut first = sighting(start, vec![seen(1, start, 0), seen(2, start, 0)]);
    first.proxy = Some(passed(start, 100, 50));
    meter.measure(first);
    let mut second = sighting(later, vec![seen(1, later, 500_000), seen(2, later, 100_000)]);
    second.proxy = Some(passed(later, 140, 70));
    let look = meter.measure(second).unwrap();
    let one = &look.instances[0].sample;
    assert_eq!(Metric::Rps.value(one), Some(10.0));
    assert_eq!(Metric::Cpu.value(one), Some(50.0), "0.5 s of the 1 s that half a core has");
    assert_eq!(Metric::Memory.value(one), Some(25.0));
    let process = &look.processes[0].sample;
    assert_eq!(Metric::Rps.value(process), Some(20.0));
    assert_eq!(Metric::Concurrency.value(process), Some(2.0), "4 s of requests in 2 s");
    assert_eq!(Metric::Cpu.value(process), Some(30.0));
    assert_eq!(Metric::Instances.value(process), Some(2.0));
}

#[test]
fn an_apps_own_gauges_are_in_its_sample_and_added_up_for_its_process() {
    let start = Instant::now();
    let mut meter = Meter::default();
    meter.measure(sighting(start, vec![seen(1, start, 0), seen(2, start, 0)]));
    let later = after(start, 2);
    let waiting = |number, depth| {
        let gauges = [("depth".parse().unwrap(), depth)].into();
        Seen { gauges, ..seen(number, later, 0) }
    };
    let look = meter.measure(sighting(later, vec![waiting(1, 3.0), waiting(2, 4.0)])).unwrap();
    let depth: Metric = "custom:depth".parse().unwrap();
    assert_eq!(depth.value(&look.instances[0].sample), Some(3.0));
    assert_eq!(depth.value(&look.processes[0].sample), Some(7.0));
}

#[test]
fn what_could_not_be_read_is_unknown_and_made_up_for_later() {
    let start = Instant::now();
    let mut meter = Meter::default();
    let mut first = sighting(start, vec![seen(1, start, 0)]);
    first.proxy = Some(passed(start, 0, 0));
    meter.measure(first);
    let mut blind = seen(1, after(start, 2), 0);
    blind.usage = None;
    let look = meter.measure(sighting(after(start, 2), vec![blind])).unwrap();
    let sample = &look.instances[0].sample;
    for metric in [Metric::Rps, Metric::Cpu, Metric::Memory, Metric::NetIn] {
        assert_eq!(metric.value(sample), None, "{metric}");
    }
    let end = after(start, 4);
    let mut third = sighting(end, vec![seen(1, end, 1_000_000)]);
    third.proxy = Some(passed(end, 40, 40));
    let sample = meter.measure(third).unwrap().instances.remove(0).sample;
    assert_eq!(Metric::Rps.value(&sample), Some(10.0), "40 in 4 s");
    assert_eq!(Metric::Cpu.value(&sample), Some(50.0));
}

#[test]
fn a_process_without_instances_has_none_and_no_usage() {
    let start = Instant::now();
    let mut meter = Meter::default();
    meter.measure(sighting(start, Vec::new()));
    let look = meter.measure(sighting(after(start, 2), Vec::new())).unwrap();
    let sample = &look.processes[0].sample;
    assert_eq!(Metric::Instances.value(sample), Some(0.0));
    assert_eq!(Metric::Memory.value(sample), None);
}

#[test]
fn an_instance_that_is_kept_warm_does_not_thin_out_its_process() {
    let start = Instant::now();
    let later = after(start, 2);
    let mut meter = Meter::default();
    let warm = |moment| {
        let mut seen = seen(2, moment, 0);
        seen.row.state = InstanceState::Draining;
        seen
    };
    meter.measure(sighting(start, vec![seen(1, start, 0), warm(start)]));
    let second = sighting(later, vec![seen(1, later, 800_000), warm(later)]);
    let look = meter.measure(second).unwrap();
    assert_eq!(Metric::Cpu.value(&look.processes[0].sample), Some(80.0));
    assert_eq!(look.instances.len(), 2);
    assert_eq!(look.instances[1].ready_since, None);
}

#[test]
fn a_kill_for_lack_of_memory_counts_once() {
    let start = Instant::now();
    let kills = |moment, count, restarts: u32| {
        let mut seen = seen(1, moment, 0);
        seen.usage.as_mut().unwrap().1.oom_kills = Some(count);
        seen.row.restarts = restarts;
        seen.row.reason = Some(Reason::new(ReasonCode::OomKilled, "killed"));
        seen
    };
    let mut meter = Meter::default();
    meter.measure(sighting(start, vec![kills(start, 0, 0)]));
    let mut counted = Vec::new();
    // A child; the main process, whose control group is new afterwards; nothing.
    for (second, count, restarts) in [(2, 1, 0), (4, 0, 1), (6, 0, 1)] {
        let moment = after(start, second);
        let look = meter.measure(sighting(moment, vec![kills(moment, count, restarts)])).unwrap();
        let sample = &look.instances[0].sample;
        counted.push((Metric::OomKills.value(sample), Metric::Restarts.value(sample)));
    }
    assert_eq!(counted, [(Some(1.0), Some(0.0)), (Some(1.0), Some(1.0)), (Some(0.0), Some(0.0))]);
}
