//! What holds whatever the numbers are.

use proptest::collection::vec;
use proptest::prelude::*;

use super::golden::{NOW, at_loads, input, settings};
use super::replay::{Record, replay};
use super::*;
use crate::metric::Metric;
use crate::sample::{Condition, Level, Sample, Traffic};
use crate::time::{Millis, Timestamp};

fn subject() -> impl Strategy<Value = Subject> {
    (vec(0..400_u64, 0..12), any::<bool>(), prop::option::of(0..60_000_u64)).prop_map(
        |(loads, serves, ready_for)| Subject {
            ready_since: ready_for.map(|ms| NOW - Millis(ms)),
            serves,
            ..at_loads(&loads)
        },
    )
}

fn rollout() -> impl Strategy<Value = Rollout> {
    prop_oneof![
        Just(Rollout::None),
        Just(Rollout::Underway),
        (0..60_000_u64).prop_map(|ms| Rollout::Ended(NOW - Millis(ms))),
    ]
}

fn history() -> impl Strategy<Value = History> {
    (vec((0..400_u64, 1..12_u32), 0..6), vec((0..80_u64, 1..8_u32, 1..8_u32), 0..4)).prop_map(
        |(mut wanted, mut changes)| {
            let mut history = History::default();
            wanted.sort_by_key(|(ago, _)| std::cmp::Reverse(*ago));
            for (ago, count) in wanted {
                history.want(NOW - Millis::from_secs(ago), count, Millis::from_secs(300));
            }
            changes.sort_by_key(|(ago, ..)| std::cmp::Reverse(*ago));
            for (ago, from, to) in changes {
                history.change(Change { at: NOW - Millis::from_secs(ago), from, to });
            }
            history
        },
    )
}

/// The same instances with every load higher by so much.
fn heavier(subjects: &[Subject], by: u64) -> Vec<Subject> {
    let mut subjects = subjects.to_vec();
    for point in subjects.iter_mut().flat_map(|subject| &mut subject.points) {
        for load in point.loads.values_mut() {
            load.0 += by * 1000;
        }
    }
    subjects
}

proptest! {
    #[test]
    fn a_count_is_within_the_bounds(
        subjects in vec(subject(), 0..8),
        (min, more) in (0..4_u32, 1..6_u32),
        current in 0..12_u32,
        room in prop::option::of(0..12_u32),
        rollout in rollout(),
        idle in prop::option::of(0..600_000_u64),
        history in history(),
    ) {
        let settings = settings(min, min + more);
        let idle_since = idle.map(|ms| NOW - Millis(ms));
        let input = Input { rollout, room, idle_since, ..input(&subjects, current) };
        let decision = decide(&settings, &history, &input);
        let held = rollout == Rollout::Underway || decision.verdict == Verdict::Paused;
        let most = if held { settings.max.max(current) } else { settings.max };
        prop_assert!(decision.count <= most, "{decision:?}");
        let none = matches!(decision.verdict, Verdict::Paused | Verdict::Asleep | Verdict::Sleep);
        let fits = room.is_none_or(|room| room >= settings.max);
        prop_assert!(none || !fits || decision.count >= settings.awake_min(), "{decision:?}");
        prop_assert!(room.is_none_or(|room| decision.count <= room.max(current)), "{decision:?}");
        prop_assert_eq!(&decision, &decide(&settings, &history, &input), "it is a function");
    }

    #[test]
    fn more_load_never_makes_fewer(
        subjects in vec(subject(), 0..8),
        by in 1..200_u64,
        current in 1..8_u32,
        rollout in rollout(),
        history in history(),
    ) {
        let settings = settings(1, 8);
        let heavy = heavier(&subjects, by);
        let light = Input { rollout, ..input(&subjects, current) };
        let heavy = Input { rollout, ..input(&heavy, current) };
        let (light, heavy) = (decide(&settings, &history, &light), decide(&settings, &history, &heavy));
        prop_assert!(light.count <= heavy.count, "{light:?}\n{heavy:?}");
    }

    #[test]
    fn noise_within_the_tolerance_changes_nothing(
        loads in vec(vec(54..=66_u64, 10), 1..8),
        silent in 0..3_usize,
        starting in 0..3_u32,
    ) {
        let mut subjects: Vec<Subject> = loads.iter().map(|loads| at_loads(loads)).collect();
        subjects.extend(vec![at_loads(&[]); silent]);
        let current = u32::try_from(subjects.len()).unwrap() + starting;
        // Without anybody starting the count is what it is; with somebody, none are added.
        let decision = decide(&settings(1, 20), &History::starting(NOW, current), &input(&subjects, current));
        prop_assert_eq!(decision.count, current, "{:?}", decision);
    }

    #[test]
    fn a_square_wave_does_not_make_the_count_swing(
        // Shorter ones are averaged, longer ones outlast the window.
        period in 40..250_u64,
        high in 70..300_u64,
        low in 0..50_u64,
    ) {
        let records = wave(period, high, low);
        let settings = AutoscaleSettings::new(
            1, 10, [(Metric::Rps, Amount::whole(50))].into(),
        );
        let outcome = replay(&settings, &records, Millis(2_000));
        let falls = outcome.steps.windows(2).filter(|pair| pair[1].count < pair[0].count).count();
        prop_assert_eq!(falls, 0, "{:?}", outcome.steps);
        prop_assert!(outcome.most > 1, "{:?}", outcome);
    }
}

/// Requests a second that are high and low in turn, for half an hour, beginning with high.
fn wave(period_s: u64, high: u64, low: u64) -> Vec<Record> {
    let record = |second: u64| {
        let rps = if (second / period_s).is_multiple_of(2) { high } else { low };
        record(second, rps, 1)
    };
    (0..1800).step_by(2).map(record).collect()
}

fn record(second: u64, rps: u64, instances: u64) -> Record {
    let traffic = Traffic { responses: [0, rps * 2, 0, 0, 0], ..Traffic::default() };
    let condition = Condition { ready: Level::whole(instances), ..Condition::default() };
    let sample = Sample::over(Millis(2_000)).with_traffic(traffic).with_condition(condition);
    Record { at: Timestamp(0) + Millis::from_secs(1_000 + second), sample }
}

#[test]
fn a_replay_follows_the_load_up_and_down_and_counts_the_hours() {
    // A quiet hour, a busy one, a quiet one; there were two instances all the time.
    let rps = |second: u64| if (3600..7200).contains(&second) { 190 } else { 40 };
    let records: Vec<Record> =
        (0..10_800).step_by(2).map(|second| record(second, rps(second), 2)).collect();
    let settings = AutoscaleSettings::new(1, 10, [(Metric::Rps, Amount::whole(50))].into());
    let outcome = replay(&settings, &records, Millis(2_000));
    let counts: Vec<u32> = outcome.steps.iter().map(|step| step.count).collect();
    assert_eq!(
        (counts.first(), counts.last(), outcome.most),
        (Some(&2), Some(&1), 4),
        "{counts:?}"
    );
    assert_eq!(outcome.recorded_instance_hours, Amount::whole(6));
    let hours = outcome.instance_hours.0;
    assert!((5_900..6_900).contains(&hours), "1 + 4 + 1 and the windows: {hours}");
    assert!((1..20).contains(&outcome.over_target_permille), "{outcome:?}");
    assert_eq!(outcome.at_max_permille, 0);
}

#[test]
fn nothing_recorded_is_nothing_simulated() {
    let outcome = replay(&settings(1, 4), &[], Millis(5_000));
    assert_eq!(outcome, replay::Outcome::default());
}

#[test]
fn an_app_that_may_sleep_sleeps_in_a_replay_and_wakes_for_a_request() {
    let settings = AutoscaleSettings::new(0, 3, [(Metric::Rps, Amount::whole(50))].into());
    let rps = |second: u64| u64::from(!(100..1000).contains(&second));
    let records: Vec<Record> =
        (0..1200).step_by(2).map(|second| record(second, rps(second), 1)).collect();
    let counts: Vec<u32> =
        replay(&settings, &records, Millis(2_000)).steps.iter().map(|step| step.count).collect();
    assert_eq!(counts, [1, 0, 1]);
}

#[test]
fn the_first_instance_more_is_asked_for_within_6_s_of_a_step() {
    for step in [2, 3, 5] {
        let reacted = (1..=10).find(|samples| {
            let mut loads = [45; 10];
            loads[10 - samples..].fill(45 * step);
            let subjects = [at_loads(&loads)];
            decide(&settings(1, 8), &History::starting(NOW, 1), &input(&subjects, 1)).count > 1
        });
        assert!(reacted.is_some_and(|samples| samples <= 3), "x{step}: {reacted:?} samples");
    }
}
