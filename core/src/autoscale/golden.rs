//! Inputs and the decisions they must lead to.

use std::collections::BTreeMap;

use super::*;
use crate::metric::Metric;
use crate::time::{Millis, Timestamp};

pub const NOW: Timestamp = Timestamp(1_000_000_000);

pub fn settings(min: u32, max: u32) -> AutoscaleSettings {
    AutoscaleSettings::new(min, max, BTreeMap::from([(Metric::Cpu, Amount::whole(60))]))
}

/// An instance that has been at these loads of its CPU for the whole window, the newest last.
pub fn at_loads(cpu: &[u64]) -> Subject {
    let count = i64::try_from(cpu.len()).unwrap();
    let point = |(index, load): (i64, &u64)| Point {
        at: Timestamp(NOW.0 - (count - 1 - index) * 2_000),
        loads: BTreeMap::from([(Metric::Cpu, Amount::whole(*load))]),
    };
    Subject {
        ready_since: Some(Timestamp(0)),
        serves: true,
        points: (0..).zip(cpu).map(point).collect(),
    }
}

pub fn steady(count: usize, cpu: u64) -> Vec<Subject> {
    vec![at_loads(&[cpu; 10]); count]
}

/// An instance nothing is known about.
fn silent() -> Subject {
    Subject { points: Vec::new(), ..at_loads(&[0]) }
}

pub fn input(subjects: &[Subject], current: u32) -> Input<'_> {
    Input {
        now: NOW,
        current,
        paused: false,
        rollout: Rollout::None,
        room: None,
        idle_since: None,
        subjects,
        tempo: Tempo::LIVE,
    }
}

/// Decides with nothing wanted before.
fn fresh(settings: &AutoscaleSettings, input: &Input<'_>) -> (u32, Verdict) {
    let decision = decide(settings, &History::default(), input);
    assert!(!decision.sentence.is_empty());
    (decision.count, decision.verdict)
}

#[test]
fn load_makes_the_count() {
    for (count, cpu, decided) in [
        (2, 60, (2, Verdict::Steady)),
        (2, 66, (2, Verdict::Steady)),
        (2, 80, (3, Verdict::Up)),
        (2, 120, (4, Verdict::Up)),
        (1, 300, (3, Verdict::Up)), // 5, but at most two more at a time
        (3, 300, (6, Verdict::Up)), // 15, but at most doubled
        (8, 100, (8, Verdict::AtMax)),
        (4, 40, (3, Verdict::Down)),
        (8, 1, (4, Verdict::Down)), // 1, but at most half
        (1, 0, (1, Verdict::Steady)),
    ] {
        let subjects = steady(count, cpu);
        let current = u32::try_from(count).unwrap();
        assert_eq!(fresh(&settings(1, 8), &input(&subjects, current)), decided, "{count} at {cpu}");
    }
}

#[test]
fn a_leap_shows_in_the_newest_three_samples_alone() {
    let leap = [30, 30, 30, 30, 30, 30, 30, 120, 120, 120];
    let subjects = [at_loads(&leap)];
    let decision = decide(&settings(1, 8), &History::default(), &input(&subjects, 1));
    assert_eq!((decision.count, decision.verdict), (2, Verdict::Up));
    assert!(decision.numbers.metrics[0].leap);
    // Less than half above the target is no leap.
    let hill = [30, 30, 30, 30, 30, 30, 30, 88, 88, 88];
    let subjects = [at_loads(&hill)];
    assert_eq!(fresh(&settings(1, 8), &input(&subjects, 1)), (1, Verdict::Steady));
}

#[test]
fn who_is_new_or_silent_is_not_believed() {
    let mut young = at_loads(&[100; 10]);
    young.ready_since = Some(NOW - Millis(29_999));
    let stale = Subject {
        points: at_loads(&[100; 10])
            .points
            .into_iter()
            .map(|point| Point { at: point.at - Millis(7_000), ..point })
            .collect(),
        ..at_loads(&[0])
    };
    let few = at_loads(&[100, 100]);
    let unready = Subject { ready_since: None, ..at_loads(&[100; 10]) };
    let outside = Subject { serves: false, ..at_loads(&[100; 10]) };
    for subject in [young, stale, few, unready, outside, silent()] {
        let subjects = [subject];
        assert_eq!(fresh(&settings(1, 8), &input(&subjects, 1)), (1, Verdict::Blind));
    }
}

#[test]
fn one_unreadable_metric_forbids_fewer_and_not_more() {
    let mut both = settings(1, 8);
    both.targets.insert(Metric::Rps, Amount::whole(100));
    let low = steady(4, 10);
    assert_eq!(fresh(&both, &input(&low, 4)), (4, Verdict::Blind));
    let high = steady(4, 90);
    assert_eq!(fresh(&both, &input(&high, 4)), (6, Verdict::Up));
}

#[test]
fn the_metric_that_wants_most_decides() {
    let mut both = settings(1, 8);
    both.targets.insert(Metric::Rps, Amount::whole(100));
    let mut subjects = steady(2, 10);
    for point in subjects.iter_mut().flat_map(|subject| &mut subject.points) {
        point.loads.insert(Metric::Rps, Amount::whole(150));
    }
    let decision = decide(&both, &History::default(), &input(&subjects, 2));
    assert_eq!(decision.count, 3);
    let told = "up from 2 to 3: rps is at 150/s against 100/s, which asks for 3";
    assert_eq!(decision.sentence, told);
}

#[test]
fn the_hosts_memory_bounds_what_is_added_and_takes_nothing() {
    let subjects = steady(2, 300);
    let with_room = |room| Input { room: Some(room), ..input(&subjects, 2) };
    assert_eq!(fresh(&settings(1, 8), &with_room(3)), (3, Verdict::Up));
    assert_eq!(fresh(&settings(1, 8), &with_room(2)), (2, Verdict::AtHostCapacity));
    assert_eq!(fresh(&settings(1, 8), &with_room(0)), (2, Verdict::AtHostCapacity));
}

#[test]
fn by_hand_zero_is_a_pause_and_idle_zero_is_sleep() {
    let nobody = [];
    assert_eq!(fresh(&settings(1, 8), &input(&nobody, 0)), (0, Verdict::Paused));
    assert_eq!(fresh(&settings(0, 8), &input(&nobody, 0)), (0, Verdict::Asleep));
    let by_hand = Input { paused: true, ..input(&nobody, 0) };
    assert_eq!(fresh(&settings(0, 8), &by_hand), (0, Verdict::Paused));
    let busy = steady(2, 60);
    let idle = |ms| Input { idle_since: Some(NOW - Millis(ms)), ..input(&busy, 2) };
    assert_eq!(fresh(&settings(0, 8), &idle(300_000)), (0, Verdict::Sleep));
    assert_eq!(fresh(&settings(0, 8), &idle(299_999)), (2, Verdict::Steady));
    assert_eq!(fresh(&settings(1, 8), &idle(300_000)), (2, Verdict::Steady));
}

#[test]
fn a_rollout_takes_nobody_away_and_its_numbers_are_left_aside() {
    let low = steady(4, 10);
    let rolling = |rollout, subjects| Input { rollout, ..input(subjects, 4) };
    let settings = settings(0, 8);
    assert_eq!(fresh(&settings, &rolling(Rollout::Underway, &low)), (4, Verdict::RollingOut));
    let idle = Input { idle_since: Some(Timestamp(0)), ..rolling(Rollout::Underway, &low) };
    assert_eq!(fresh(&settings, &idle), (4, Verdict::RollingOut));
    let high = steady(4, 100);
    assert_eq!(fresh(&settings, &rolling(Rollout::Underway, &high)), (7, Verdict::Up));
    let just = Rollout::Ended(NOW - Millis(29_999));
    assert_eq!(fresh(&settings, &rolling(just, &high)), (4, Verdict::Settling));
    let over = Rollout::Ended(NOW - Millis(30_000));
    assert_eq!(fresh(&settings, &rolling(over, &high)), (7, Verdict::Up));
}

#[test]
fn fewer_come_when_nothing_wanted_more_for_the_window() {
    let low = steady(4, 30);
    let settings = settings(1, 8);
    let mut history = History::starting(NOW - Millis(300_000), 4);
    let kept = decide(&settings, &history, &input(&low, 4));
    assert_eq!((kept.count, kept.verdict), (4, Verdict::CoolingDown));
    history.note(&kept, &settings, NOW);
    let later = Input { now: NOW + Millis(1), ..input(&low, 4) };
    let gone = decide(&settings, &history, &later);
    assert_eq!((gone.count, gone.verdict), (2, Verdict::Down));
}

#[test]
fn new_bounds_hold_at_once() {
    let fine = steady(6, 60);
    let history = History::starting(NOW, 6);
    let fewer = decide(&settings(1, 4), &history, &input(&fine, 6));
    assert_eq!((fewer.count, fewer.verdict), (4, Verdict::Down));
    let one = steady(1, 60);
    let more = decide(&settings(5, 8), &History::starting(NOW, 1), &input(&one, 1));
    assert_eq!((more.count, more.verdict), (5, Verdict::Up));
    let blind = [silent()];
    let more = decide(&settings(5, 8), &History::starting(NOW, 1), &input(&blind, 1));
    assert_eq!((more.count, more.verdict), (5, Verdict::Up));
}
