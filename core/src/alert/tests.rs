//! Alerts reading by reading.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::sample::{Condition, Level, Room, Sample, Traffic};
use crate::time::Timestamp;

fn rule() -> Rule {
    let (_, errors) =
        defaults(Scope::App).into_iter().find(|(it, _)| it.as_str() == "errors").unwrap();
    Rule { threshold: 10.0, hold: Millis::from_secs(15), ..errors }
}

fn name(state: State) -> &'static str {
    match state {
        State::Ok => "ok",
        State::Pending { .. } => "pending",
        State::Firing { .. } => "firing",
    }
}

/// What becomes of these values, five seconds apart: one line each.
fn run(rule: &Rule, values: &[Option<f64>]) -> String {
    let mut status = Status::unknown(Timestamp(0));
    let mut lines = String::new();
    for (at, value) in (0..).step_by(5).zip(values) {
        let reading = Reading { at: Timestamp(at * 1000), value: *value, week: None };
        let (after, change) = step(rule, &status, reading);
        let told = match change {
            None => String::new(),
            Some(Change::Fires { value, bounds }) => {
                format!("  {}", rule.firing_sentence(value, bounds))
            }
            Some(Change::Ends { value, worst, fired_at, .. }) => {
                let lasted = reading.at.since(fired_at);
                format!("  {}", rule.resolved_sentence(value, worst, lasted))
            }
        };
        let shown = value.map_or("-".to_owned(), |value| value.to_string());
        let _ = writeln!(lines, "{at:>3} s {shown:>4}  {}{told}", name(after.state));
        status = after;
    }
    lines
}

fn known(values: &[f64]) -> Vec<Option<f64>> {
    values.iter().copied().map(Some).collect()
}

#[test]
fn an_alert_fires_after_its_time_and_ends_inside_its_clear_threshold() {
    let values = known(&[2.0, 12.0, 14.0, 30.0, 12.0, 11.0, 9.5, 10.5, 9.1, 9.0, 12.0]);
    insta::assert_snapshot!(run(&rule(), &values));
}

#[test]
fn one_good_reading_starts_the_time_anew() {
    let values = known(&[12.0, 12.0, 12.0, 10.0, 12.0, 12.0, 12.0, 12.0]);
    insta::assert_snapshot!(run(&rule(), &values));
}

#[test]
fn missing_readings_neither_fire_nor_end_an_alert() {
    let gap = [None; 5];
    let values = [&known(&[12.0, 12.0])[..], &gap, &known(&[12.0, 12.0]), &gap, &known(&[1.0])];
    insta::assert_snapshot!(run(&rule(), &values.concat()));
}

#[test]
fn an_alert_without_a_time_fires_at_once() {
    let at_once = Rule { hold: Millis(0), ..rule() };
    insta::assert_snapshot!(run(&at_once, &known(&[10.0, 10.1, 9.5, 8.0])));
}

#[test]
fn below_is_above_upside_down() {
    let few = Rule {
        metric: Metric::Instances,
        direction: Direction::Below,
        threshold: 2.0,
        hold: Millis(0),
        ..rule()
    };
    insta::assert_snapshot!(run(&few, &known(&[2.0, 1.0, 0.0, 2.0, 2.1, 2.2, 3.0])));
}

#[test]
fn the_defaults_are_what_the_product_promises() {
    let scopes = [Scope::App, Scope::Host];
    let rules = scopes.into_iter().flat_map(|scope| {
        defaults(scope).into_iter().map(move |(name, rule)| {
            rule.check(scope).unwrap();
            format!("{name}: {} ({})\n", rule.condition(), rule.severity.as_str())
        })
    });
    insta::assert_snapshot!(rules.collect::<String>());
}

#[test]
fn a_rule_that_makes_no_sense_is_refused() {
    let host = Rule { metric: Metric::HostDisk, ..rule() };
    for (scope, wrong, why) in [
        (Scope::App, Rule { threshold: f64::NAN, ..rule() }, InvalidRule::Threshold),
        (Scope::App, Rule { threshold: -1.0, ..rule() }, InvalidRule::Threshold),
        (Scope::App, Rule { clear: Some(10.5), ..rule() }, InvalidRule::Clear),
        (Scope::App, Rule { over: Millis(9_999), ..rule() }, InvalidRule::Over),
        (Scope::App, Rule { hold: Millis(u64::MAX), ..rule() }, InvalidRule::Hold),
        (Scope::App, host.clone(), InvalidRule::OfHost(Metric::HostDisk)),
        (Scope::Host, rule(), InvalidRule::OfApp(Metric::Errors)),
        (Scope::Host, Rule { against: Against::Week, ..host }, InvalidRule::HostWeek),
    ] {
        assert_eq!(wrong.check(scope), Err(why));
    }
    assert_eq!(Rule { clear: Some(10.0), ..rule() }.check(Scope::App), Ok(()));
}

#[test]
fn an_unknown_field_of_a_rule_is_refused() {
    let text = r#"{"metric":"errors","direction":"above","threshold":1,"treshold":2}"#;
    assert!(serde_json::from_str::<Rule>(text).is_err());
    let text = r#"{"metric":"errors","direction":"above","threshold":1,"for_ms":5000}"#;
    let rule: Rule = serde_json::from_str(text).unwrap();
    assert_eq!((rule.hold, rule.over, rule.enabled), (Millis(5000), Millis(60_000), true));
}

fn sample(requests: u64, span_s: u64) -> Sample {
    let latency = crate::histogram::Histogram::of_counts(
        [(crate::histogram::bucket_of(100), requests)],
        requests * 100,
    );
    let traffic = Traffic { responses: [0, requests, 0, 0, 0], latency, ..Traffic::default() };
    Sample::over(Millis::from_secs(span_s)).with_traffic(traffic)
}

#[test]
fn a_week_counts_once_there_is_a_day_and_some_traffic() {
    let ten_minutes = |number: usize, requests| vec![sample(requests, 600); number];
    assert_eq!(baseline(&Metric::P95Ms, ten_minutes(143, 100)), None, "not a day");
    assert_eq!(baseline(&Metric::P95Ms, ten_minutes(144, 6)), None, "no traffic to speak of");
    let known = baseline(&Metric::P95Ms, ten_minutes(144, 10)).unwrap();
    assert!((90.0..=110.0).contains(&known), "{known}");
    assert_eq!(baseline(&Metric::P95Ms, []), None);
}

#[test]
fn a_comparison_with_the_week_needs_requests_on_both_sides() {
    let twice = Rule { metric: Metric::P95Ms, threshold: 2.0, against: Against::Week, ..rule() };
    assert_eq!(measure(&twice, &[sample(LEAST_REQUESTS - 1, 60)]), None);
    assert!(measure(&twice, &[sample(LEAST_REQUESTS, 60)]).is_some());
    assert_eq!(twice.bounds(None), None);
    assert_eq!(twice.bounds(Some(50.0)), Some(Bounds { threshold: 100.0, clear: 90.0 }));
}

#[test]
fn memory_is_that_of_the_fullest_instance() {
    let instance = |used| {
        let room = Room { used: Level::whole(used), limit: Level::whole(100) };
        Sample::over(Millis(5000)).with_memory(room)
    };
    let memory = Rule { metric: Metric::Memory, ..rule() };
    assert_eq!(measure(&memory, &[instance(20), instance(95)]), Some(95.0));
    assert_eq!(measure(&memory, &[]), None);
}

#[test]
fn restarts_add_up_over_processes() {
    let process = |restarts| {
        let condition = Condition { ready: Level::whole(1), restarts, oom_kills: 0 };
        Sample::over(Millis(300_000)).with_condition(condition)
    };
    let restarts = Rule { metric: Metric::Restarts, ..rule() };
    assert_eq!(measure(&restarts, &[process(1), process(2)]), Some(3.0));
}

prop_compose! {
    /// Readings at uneven times, some of them missing.
    fn any_readings()(
        steps in prop::collection::vec((1_000..60_000_i64, prop::option::weighted(0.8, 0.0..20.0_f64)), 1..200),
    ) -> Vec<Reading> {
        let mut now = 0;
        let reading = |(passed, value)| {
            now += passed;
            Reading { at: Timestamp(now), value, week: None }
        };
        steps.into_iter().map(reading).collect()
    }
}

proptest! {
    #[test]
    fn firing_and_ending_take_turns(readings in any_readings(), hold_s in 0..120_u64) {
        let rule = Rule { hold: Millis::from_secs(hold_s), ..rule() };
        let mut status = Status::unknown(Timestamp(0));
        for reading in readings {
            let before = status;
            let (after, change) = step(&rule, &before, reading);
            match change {
                Some(Change::Fires { value, bounds }) => {
                    prop_assert!(!before.is_firing() && after.is_firing());
                    prop_assert!(value > bounds.threshold);
                }
                Some(Change::Ends { value, bounds, fired_at, .. }) => {
                    prop_assert!(before.is_firing() && !after.is_firing());
                    prop_assert!(value <= bounds.clear);
                    prop_assert_eq!(fired_at, before.since);
                }
                // No repeat, and no silent change.
                None => prop_assert_eq!(before.is_firing(), after.is_firing()),
            }
            status = after;
        }
    }

    #[test]
    fn inside_the_band_nothing_is_told(values in prop::collection::vec(9.01..10.0_f64, 1..100), firing: bool) {
        let rule = Rule { hold: Millis(0), ..rule() };
        let state = if firing { State::Firing { worst: 12.0 } } else { State::Ok };
        let mut status = Status { state, ..Status::unknown(Timestamp(0)) };
        for (at, value) in (5_000..).step_by(5_000).zip(values) {
            let reading = Reading { at: Timestamp(at), value: Some(value), week: None };
            let (after, change) = step(&rule, &status, reading);
            prop_assert_eq!(change, None);
            prop_assert_eq!(after.is_firing(), firing);
            status = after;
        }
    }

    #[test]
    fn a_missing_reading_changes_no_state(readings in any_readings()) {
        let rule = rule();
        let mut status = Status::unknown(Timestamp(0));
        for reading in readings {
            let (blind, change) = step(&rule, &status, Reading { value: None, ..reading });
            prop_assert_eq!((blind.state, blind.since, change), (status.state, status.since, None));
            status = step(&rule, &status, reading).0;
        }
    }

    #[test]
    fn an_alert_fires_only_after_that_much_known_badness(readings in any_readings(), hold_s in 1..120_u64) {
        let rule = Rule { hold: Millis::from_secs(hold_s), ..rule() };
        let mut status = Status::unknown(Timestamp(0));
        let mut began = None;
        for reading in readings {
            let (after, change) = step(&rule, &status, reading);
            match after.state {
                State::Pending { held } => {
                    let began = *began.get_or_insert(reading.at);
                    prop_assert!(held <= reading.at.since(began));
                }
                State::Ok => began = None,
                State::Firing { .. } => {}
            }
            if matches!(change, Some(Change::Fires { .. })) {
                prop_assert!(reading.at.since(began.unwrap_or(reading.at)) >= rule.hold);
                began = None;
            }
            status = after;
        }
    }
}
