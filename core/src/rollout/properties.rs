//! What must hold of the planner, whatever happens to the instances.

use proptest::prelude::*;

use super::simulation::{Fate, Simulation, TICK, again, target, web};
use super::*;
use crate::id::Id;
use crate::reason::{Reason, ReasonCode};
use crate::time::Millis;

fn fates() -> impl Strategy<Value = Vec<(usize, Fate, bool)>> {
    let fate = prop_oneof![
        8 => Just(Fate::Ready),
        1 => Just(Fate::Unready),
        1 => Just(Fate::Crash),
        1 => Just(Fate::Condemned),
        1 => Just(Fate::Gone),
        1 => Just(Fate::Busy),
        3 => Just(Fate::Idle),
    ];
    prop::collection::vec((0_usize..12, fate, prop::bool::weighted(0.9)), 0..120)
}

/// What is deployed over release 1.
#[derive(Debug, Clone, Copy)]
enum Change {
    /// Another content.
    Content,
    /// The same, by instances made from now on.
    Restart,
    /// The same, and those that run are new enough already.
    Nothing,
}

impl Change {
    fn target(self, simulation: &Simulation, workers: bool) -> Target {
        match self {
            Self::Content => target(2, workers),
            Self::Restart => again(2, workers, simulation.now + Millis(1)),
            Self::Nothing => again(2, workers, Timestamp(1)),
        }
    }
}

fn changes() -> impl Strategy<Value = Change> {
    prop_oneof![Just(Change::Content), Just(Change::Restart), Just(Change::Nothing)]
}

fn at_rest(wanted: u32, workers: bool) -> Simulation {
    let mut simulation = Simulation::new(wanted, workers);
    simulation.settle();
    assert_eq!(simulation.answering(), wanted as usize);
    simulation
}

proptest! {
    #[test]
    fn a_deploy_through_any_misfortune_ends_with_one_release_serving(
        wanted in 0_u32..6,
        workers: bool,
        change in changes(),
        scale in prop::option::of(0_u32..6),
        fates in fates(),
    ) {
        let mut simulation = at_rest(wanted, workers);
        let target = change.target(&simulation, workers);
        simulation.deploy(target);
        for (tick, (index, fate, complete)) in fates.into_iter().enumerate() {
            if let (10, Some(count)) = (tick, scale) {
                simulation.world.wanted.insert(web(), count);
            }
            simulation.world.complete = complete;
            simulation.fate(index, fate);
            simulation.step();
        }
        simulation.settle();
        let serving = simulation.world.serving.clone().unwrap();
        let wanted = simulation.world.wanted(&web());
        prop_assert_eq!(simulation.answering(), wanted);
        prop_assert!(simulation.world.replicas.iter().all(|r| r.content == serving.content));
        let everyone = wanted + usize::from(workers);
        prop_assert_eq!(simulation.world.replicas.len(), everyone);
    }

    #[test]
    fn a_deploy_that_goes_bad_is_taken_back(
        wanted in 1_u32..6,
        workers: bool,
        change in changes(),
        scale in prop::option::of(1_u32..6),
    ) {
        let mut simulation = at_rest(wanted, workers);
        let target = change.target(&simulation, workers);
        simulation.deploy(target);
        while simulation.world.rollout.as_ref().is_some_and(|r| r.stage != Stage::Observing) {
            simulation.everyone_becomes_ready();
            simulation.step();
        }
        for _ in 0..20 {
            simulation.step();
        }
        if let Some(count) = scale {
            simulation.world.wanted.insert(web(), count);
        }
        simulation.world.rollout.as_mut().unwrap().vitals =
            Vitals { new_requests: 100, new_errors: 100, ..Vitals::default() };
        for _ in 0..100 {
            simulation.everyone_becomes_ready();
            simulation.step();
        }
        prop_assert_eq!(simulation.world.rollout, None);
        prop_assert_eq!(simulation.world.serving.unwrap().release_id, ReleaseId::from_bits(1));
    }

    #[test]
    fn a_calm_deploy_never_dips_and_switches_once(wanted in 1_u32..8, workers: bool) {
        let mut simulation = at_rest(wanted, workers);
        simulation.deploy(target(2, workers));
        let mut switches = 0;
        for _ in 0..400 {
            simulation.everyone_becomes_ready();
            let before = simulation.world.routed.clone();
            simulation.step();
            switches += usize::from(before != simulation.world.routed);
        }
        prop_assert_eq!(switches, 1);
        prop_assert_eq!(simulation.world.serving.unwrap().content, "content 2");
    }
}

#[test]
fn going_back_in_the_warm_window_starts_nothing() {
    let mut simulation = at_rest(3, false);
    simulation.deploy(target(2, false));
    while simulation.world.rollout.as_ref().is_some_and(|r| r.stage != Stage::Observing) {
        simulation.everyone_becomes_ready();
        simulation.step();
    }
    simulation.step();
    let born = simulation.born;
    let mut back = target(3, false);
    back.content = "content 1".to_owned();
    simulation.deploy(back);
    while simulation.world.rollout.as_ref().is_some_and(|r| r.stage != Stage::Observing) {
        simulation.step();
    }
    assert_eq!(simulation.born, born, "a warm rollback is a switch");
    assert_eq!(simulation.answering(), 3);
}

#[test]
fn a_release_that_crashes_after_the_switch_is_reverted_without_a_start() {
    let mut simulation = at_rest(2, false);
    simulation.deploy(target(2, false));
    while simulation.world.rollout.as_ref().is_some_and(|r| r.stage != Stage::Observing) {
        simulation.everyone_becomes_ready();
        simulation.step();
    }
    simulation.step();
    let born = simulation.born;
    for replica in simulation.world.replicas.iter_mut().filter(|r| r.content == "content 2") {
        replica.crashes_since_ready = 2;
    }
    for _ in 0..20 {
        simulation.step();
    }
    assert_eq!(simulation.world.serving.as_ref().unwrap().content, "content 1");
    assert_eq!(simulation.world.rollout, None);
    assert_eq!(simulation.born, born);
    assert_eq!(simulation.answering(), 2);
}

#[test]
fn a_restart_replaces_every_instance_by_a_fresh_one_watched_or_not() {
    for observe in [Millis::from_secs(30), Millis(0)] {
        let mut simulation = at_rest(2, true);
        let old: Vec<InstanceId> = simulation.world.replicas.iter().map(|r| r.id.clone()).collect();
        let fresh = again(2, true, simulation.now + Millis(1));
        simulation.deploy(fresh);
        simulation.world.rollout.as_mut().unwrap().observe = observe;
        for _ in 0..400 {
            simulation.everyone_becomes_ready();
            simulation.step();
        }
        assert_eq!(simulation.world.rollout, None);
        assert!(simulation.world.replicas.iter().all(|replica| !old.contains(&replica.id)));
        assert_eq!(simulation.answering(), 2);
    }
}

#[test]
fn a_restart_that_is_scaled_while_it_boots_starts_no_more_than_that() {
    let mut simulation = at_rest(2, false);
    let target = again(2, false, simulation.now + Millis(1));
    simulation.deploy(target);
    simulation.step();
    simulation.world.wanted.insert(web(), 3);
    let born = simulation.born;
    for _ in 0..50 {
        simulation.step();
    }
    assert_eq!(simulation.born, born + 2, "one for those that serve, one for those that will");
}

#[test]
fn what_was_condemned_before_counts_for_no_new_deployment_of_the_same_content() {
    let mut simulation = at_rest(2, false);
    // As after a first deployment that failed.
    simulation.world.serving = None;
    simulation.world.routed.clear();
    for replica in &mut simulation.world.replicas {
        replica.standing = Standing::Booting;
        replica.verdict = Some(Reason::new(ReasonCode::Exited, "no database"));
    }
    let target = again(2, false, Timestamp(0));
    simulation.deploy(target);
    simulation.step();
    assert!(simulation.world.rollout.is_some(), "it has not failed");
    simulation.settle();
    assert_eq!(simulation.world.serving.unwrap().release_id, ReleaseId::from_bits(2));
}

#[test]
fn a_verdict_that_proved_wrong_does_not_keep_an_instance_from_serving_again() {
    let mut simulation = at_rest(2, false);
    for replica in &mut simulation.world.replicas {
        replica.verdict = Some(Reason::new(ReasonCode::BootTimeout, "not ready for 60 s"));
    }
    simulation.deploy(target(2, false));
    while simulation.world.rollout.as_ref().is_some_and(|r| r.stage != Stage::Observing) {
        for replica in simulation.world.replicas.iter_mut().filter(|r| r.content == "content 2") {
            replica.standing = Standing::Ready;
        }
        simulation.step();
    }
    for replica in simulation.world.replicas.iter_mut().filter(|r| r.content == "content 2") {
        replica.crashes_since_ready = 2;
    }
    for _ in 0..20 {
        simulation.step();
    }
    assert_eq!(simulation.world.serving.as_ref().unwrap().content, "content 1");
    assert_eq!(simulation.answering(), 2);
}

#[test]
fn a_condemned_instance_fails_the_deployment_and_leaves_routing_as_it_was() {
    let mut simulation = at_rest(2, false);
    let routed = simulation.world.routed.clone();
    simulation.deploy(target(2, false));
    simulation.step();
    for replica in &mut simulation.world.replicas {
        if replica.content == "content 2" {
            replica.verdict = Some(Reason::new(ReasonCode::PortNotBound, "nothing listens"));
        }
    }
    for _ in 0..20 {
        simulation.step();
    }
    assert_eq!(simulation.world.rollout, None);
    assert_eq!(simulation.world.routed, routed);
    assert_eq!(simulation.world.replicas.len(), 2, "the failed instances are cleared away");
}

#[test]
fn an_address_that_changed_is_told_the_proxy_once() {
    let mut simulation = at_rest(2, false);
    let routed = simulation.world.routed.clone();
    simulation.world.misplaced = true;
    assert!(simulation.step());
    assert!(!simulation.step());
    assert_eq!(simulation.world.routed, routed);
}

#[test]
fn a_busy_old_instance_is_stopped_when_its_requests_are_done_or_its_time_is_up() {
    let mut simulation = at_rest(1, false);
    let id = simulation.world.replicas[0].id.clone();
    simulation.world.wanted.insert(web(), 0);
    simulation.replica(&id).in_flight = Some(1);
    for _ in 0..(29_000 / TICK) {
        simulation.step();
    }
    assert_eq!(simulation.stopped, 0);
    for _ in 0..20 {
        simulation.step();
    }
    assert_eq!(simulation.stopped, 1);
}

#[test]
fn when_most_members_fail_their_checks_at_once_all_stay() {
    let mut simulation = at_rest(4, false);
    for replica in &mut simulation.world.replicas {
        replica.standing = Standing::Unready;
    }
    simulation.step();
    assert_eq!(simulation.world.routed.len(), 4);
    simulation.everyone_becomes_ready();
    simulation.world.replicas[0].standing = Standing::Unready;
    simulation.step();
    assert_eq!(simulation.world.routed.len(), 3);
}
