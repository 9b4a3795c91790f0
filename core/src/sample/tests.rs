//! The arithmetic of samples.

use proptest::prelude::*;

use super::*;
use crate::histogram::Histogram;
use crate::metric::Metric;

fn close(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-6 * one.abs().max(other.abs()).max(1.0)
}

fn traffic(requests: u64, ms: u64, in_flight: u64) -> Traffic {
    let latency =
        Histogram::of_counts([(crate::histogram::bucket_of(ms), requests)], requests * ms);
    Traffic {
        responses: [0, requests, 0, 0, 0],
        bytes_out: requests * 100,
        latency,
        in_flight: Level::whole(in_flight),
        ..Traffic::default()
    }
}

fn second(requests: u64, in_flight: u64, used_us: u64) -> Sample {
    Sample::over(Millis(1000))
        .with_traffic(traffic(requests, 20, in_flight))
        .with_cpu(Cpu { used_us, allowed_us: 500_000 })
        .with_memory(Room { used: Level::whole(used_us), limit: Level::whole(1_000_000) })
        .with_condition(Condition { ready: Level::whole(1), restarts: 1, oom_kills: 0 })
        .with_gauge("queue_depth".parse().unwrap(), 3.0)
}

fn appended(one: &Sample, other: &Sample) -> Sample {
    let mut both = one.clone();
    both.append(other);
    both
}

fn joined(one: &Sample, other: &Sample) -> Sample {
    let mut both = one.clone();
    both.join(other);
    both
}

#[test]
fn two_instances_of_one_second_have_twice_the_rate() {
    let both = joined(&second(10, 1, 100_000), &second(30, 3, 300_000));
    assert_eq!(both.span, Millis(1000));
    assert_eq!(Metric::Rps.value(&both), Some(40.0));
    assert_eq!(Metric::Concurrency.value(&both), Some(4.0));
    assert_eq!(Metric::Instances.value(&both), Some(2.0));
    assert_eq!(Metric::Cpu.value(&both), Some(40.0), "400 of 1000 ms");
    let depth = Metric::Custom("queue_depth".parse().unwrap());
    assert_eq!(depth.value(&both), Some(6.0));
}

#[test]
fn two_seconds_of_one_instance_have_their_mean_rate() {
    let both = appended(&second(10, 1, 100_000), &second(30, 3, 300_000));
    assert_eq!(both.span, Millis(2000));
    assert_eq!(Metric::Rps.value(&both), Some(20.0));
    assert_eq!(Metric::Concurrency.value(&both), Some(2.0));
    assert_eq!(both.traffic.as_ref().map(|traffic| traffic.value.in_flight.max), Some(3.0));
    assert_eq!(Metric::Instances.value(&both), Some(1.0));
    assert_eq!(Metric::Restarts.value(&both), Some(2.0));
    assert_eq!(Metric::Memory.value(&both), Some(20.0));
}

#[test]
fn a_reading_that_failed_makes_no_rate_smaller() {
    let blind = Sample::over(Millis(9000));
    let known = appended(&second(10, 1, 100_000), &blind);
    assert_eq!(known.span, Millis(10_000));
    assert_eq!(Metric::Rps.value(&known), Some(10.0));
    assert_eq!(Metric::Cpu.value(&known), Some(20.0));
    assert_eq!(Metric::Rps.value(&blind), None);
}

#[test]
fn gauges_are_bounded() {
    let mut sample = Sample::over(Millis(1000)).with_gauge("nan".parse().unwrap(), f64::NAN);
    assert!(sample.gauges.is_empty());
    for number in 0..MAX_GAUGES + 5 {
        sample = sample.with_gauge(format!("g{number:03}").parse().unwrap(), 1.0);
    }
    assert_eq!(sample.gauges.len(), MAX_GAUGES);
}

#[test]
fn the_stored_form_leaves_out_what_is_absent() {
    let text = serde_json::to_string(&Sample::over(Millis(5000))).unwrap();
    assert_eq!(text, r#"{"ms":5000}"#);
    insta::assert_snapshot!(serde_json::to_string(&second(3, 1, 100_000)).unwrap());
}

#[test]
fn the_host_s_disks_are_kept_apart() {
    let disk = |used| {
        Measured::over(Millis(1000), Room { used: Level::whole(used), limit: Level::whole(100) })
    };
    let mut host = HostSample::over(Millis(1000));
    host.disks.insert("data".to_owned(), disk(50));
    host.disks.insert("docker".to_owned(), disk(90));
    assert_eq!(Metric::HostDisk.host_value(&host), Some(90.0), "the fullest");
    assert_eq!(Metric::HostCpu.host_value(&host), None);
}

prop_compose! {
    fn any_second()(
        requests in 0..500_u64, in_flight in 0..50_u64, used_us in 0..500_000_u64, known in 0..4,
    ) -> Sample {
        let sample = second(requests, in_flight, used_us);
        match known {
            0 => Sample { traffic: None, ..sample },
            1 => Sample { cpu: None, memory: None, ..sample },
            _ => sample,
        }
    }
}

fn alike(one: &Sample, other: &Sample) -> bool {
    one.span == other.span
        && Metric::ALL.iter().all(|metric| match (metric.value(one), metric.value(other)) {
            (Some(one), Some(other)) => close(one, other),
            (one, other) => one.is_none() && other.is_none(),
        })
}

proptest! {
    #[test]
    fn neither_direction_depends_on_grouping(
        a in any_second(), b in any_second(), c in any_second(),
    ) {
        let one = appended(&appended(&a, &b), &c);
        prop_assert!(alike(&one, &appended(&a, &appended(&b, &c))));
        let one = joined(&joined(&a, &b), &c);
        prop_assert!(alike(&one, &joined(&a, &joined(&b, &c))));
    }

    #[test]
    fn subjects_have_no_order(a in any_second(), b in any_second()) {
        prop_assert!(alike(&joined(&a, &b), &joined(&b, &a)));
    }

    #[test]
    fn storing_changes_nothing_to_speak_of(a in any_second(), b in any_second()) {
        let sample = appended(&a, &b);
        let text = serde_json::to_string(&sample).unwrap();
        let read: Sample = serde_json::from_str(&text).unwrap();
        prop_assert!(alike(&read, &sample));
    }
}
