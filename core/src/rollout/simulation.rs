//! A small world to let the planner loose in: instances boot, crash, and fail checks by chance.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::id::Id;
use crate::reason::ReasonCode;

const TICK: u64 = 200;

fn web() -> ProcessName {
    ProcessName::web()
}

fn target(release: u128, workers: bool) -> Target {
    let mut processes = BTreeMap::from([(web(), Traffic::Proxied)]);
    if workers {
        processes.insert("worker".parse().unwrap(), Traffic::None);
    }
    Target {
        release_id: ReleaseId::from_bits(release),
        content: format!("content {release}"),
        not_before: Timestamp(0),
        processes,
        drain: Millis::from_secs(30),
    }
}

/// The simulated app. `chance` decides what each tick does to its instances.
struct Simulation {
    world: World,
    now: Timestamp,
    born: u128,
    stopped: usize,
    /// Ready members in the proxy when the rollout began.
    floor: usize,
    /// Whether anything failed by itself, which excuses a dip below the floor.
    failures: bool,
}

impl Simulation {
    fn new(wanted: u32, workers: bool) -> Self {
        let wanted = BTreeMap::from([(web(), wanted), ("worker".parse().unwrap(), 1)]);
        let world = World {
            wanted,
            serving: Some(target(1, workers)),
            rollout: None,
            replicas: Vec::new(),
            routed: BTreeSet::new(),
            complete: true,
        };
        Self { world, now: Timestamp(1), born: 0, stopped: 0, floor: 0, failures: false }
    }

    fn deploy(&mut self, target: Target) {
        self.world.rollout = Some(Rollout {
            stage: Stage::Starting,
            since: self.now,
            target,
            previous: self.world.serving.clone(),
            observe: Millis::from_secs(30),
            vitals: Vitals::default(),
        });
        self.floor = self.answering();
        self.failures = false;
    }

    fn answering(&self) -> usize {
        let routed = |r: &&Replica| self.world.routed.contains(&r.id) && r.is_ready();
        self.world.replicas.iter().filter(routed).count()
    }

    fn replica(&mut self, id: &InstanceId) -> &mut Replica {
        self.world.replicas.iter_mut().find(|replica| replica.id == *id).unwrap()
    }

    /// One look, one step; returns whether there was anything to do.
    fn step(&mut self) -> bool {
        self.now = self.now + Millis(TICK);
        let plan = plan(&self.world, self.now);
        assert_eq!(plan, super::plan(&self.world, self.now), "a plan is a function of the world");
        let busy = plan != Plan::default();
        for action in plan.actions {
            self.act(action);
        }
        if let Some(event) = plan.event {
            self.advance(&event);
        }
        self.check();
        busy
    }

    fn act(&mut self, action: Action) {
        let now = self.now;
        if !self.world.complete {
            assert!(
                !matches!(action, Action::Drain { .. } | Action::Stop { .. }),
                "a partial view destroys nothing"
            );
        }
        match action {
            Action::Start { process, release_id } => self.start(process, &release_id),
            Action::Revive { id, .. } => self.replica(&id).phase = Phase::Active,
            Action::Route { members } => {
                let lost = self.world.routed.difference(&members).count();
                assert!(self.world.complete || lost == 0, "a partial view only adds");
                self.world.routed = members;
            }
            Action::Drain { id, warm_until } => {
                assert!(!self.world.routed.contains(&id), "drained while the proxy knows it");
                self.replica(&id).phase = Phase::Draining { since: now, warm_until };
            }
            Action::Stop { id } => {
                assert!(!self.world.routed.contains(&id), "stopped while the proxy knows it");
                assert!(matches!(self.replica(&id).phase, Phase::Draining { .. }));
                self.world.replicas.retain(|replica| replica.id != id);
                self.stopped += 1;
            }
        }
    }

    fn start(&mut self, process: ProcessName, release_id: &ReleaseId) {
        self.born += 1;
        let rollout = self
            .world
            .rollout
            .iter()
            .flat_map(|r| std::iter::once(&r.target).chain(r.previous.as_ref()));
        let content = rollout
            .chain(self.world.serving.as_ref())
            .find(|target| target.release_id == *release_id)
            .map(|target| target.content.clone())
            .unwrap();
        self.world.replicas.push(Replica {
            id: InstanceId::from_bits(self.born),
            content,
            process,
            phase: Phase::Active,
            standing: Standing::Booting,
            standing_since: self.now,
            up: true,
            crashes_since_ready: 0,
            verdict: None,
            created_at: self.now,
            in_flight: Some(0),
        });
    }

    fn advance(&mut self, event: &DeploymentEvent) {
        let rollout = self.world.rollout.as_mut().unwrap();
        let next = match event {
            DeploymentEvent::AllReady => Some(Stage::Switching),
            DeploymentEvent::Switched { .. } => {
                self.world.serving = Some(rollout.target.clone());
                Some(Stage::Observing)
            }
            DeploymentEvent::WentBad { revert: true, .. } => Some(Stage::Reverting),
            DeploymentEvent::PutBack => {
                self.world.serving.clone_from(&rollout.previous);
                None
            }
            DeploymentEvent::Failed { .. }
            | DeploymentEvent::StayedHealthy
            | DeploymentEvent::WentBad { revert: false, .. }
            | DeploymentEvent::PutBackFailed { .. } => None,
            DeploymentEvent::Begun { .. }
            | DeploymentEvent::ImageReady
            | DeploymentEvent::CommandDone
            | DeploymentEvent::Superseded { .. }
            | DeploymentEvent::Canceled { .. } => panic!("not the planner's: {event:?}"),
        };
        match next {
            Some(stage) => (rollout.stage, rollout.since) = (stage, self.now),
            None => self.world.rollout = None,
        }
    }

    /// What must hold after every single step.
    fn check(&self) {
        let wanted = self.world.wanted(&web());
        let active = self.world.replicas.iter().filter(|r| r.phase == Phase::Active);
        let web_active = active.filter(|r| r.process == web()).count();
        assert!(web_active <= 2 * wanted.max(self.floor) + 1, "{web_active} are too many");
        if !self.failures && self.world.rollout.is_some() {
            let least = wanted.min(self.floor);
            assert!(self.answering() >= least, "{} answer, {least} must", self.answering());
        }
    }

    fn fate(&mut self, index: usize, fate: Fate) {
        let now = self.now;
        let count = self.world.replicas.len();
        if count == 0 {
            return;
        }
        let replica = &mut self.world.replicas[index % count];
        match fate {
            Fate::Ready => {
                (replica.standing, replica.standing_since) = (Standing::Ready, now);
                replica.up = true;
            }
            Fate::Unready if replica.standing == Standing::Ready => {
                (replica.standing, replica.standing_since) = (Standing::Unready, now);
                self.failures = true;
            }
            Fate::Crash => {
                replica.up = false;
                self.failures = true;
                if replica.standing == Standing::Ready {
                    replica.crashes_since_ready += 1;
                }
            }
            Fate::Condemned if replica.standing == Standing::Booting => {
                replica.verdict = Some(Reason::new(ReasonCode::Exited, "exited with 1"));
            }
            Fate::Gone => {
                let id = replica.id.clone();
                self.world.replicas.retain(|replica| replica.id != id);
                self.failures = true;
            }
            Fate::Busy => replica.in_flight = Some(3),
            Fate::Idle => replica.in_flight = Some(0),
            Fate::Unready | Fate::Condemned => {}
        }
    }

    fn everyone_becomes_ready(&mut self) {
        let now = self.now;
        for replica in &mut self.world.replicas {
            if !replica.is_ready() {
                (replica.standing, replica.standing_since, replica.up) =
                    (Standing::Ready, now, true);
            }
            replica.verdict = None;
            replica.in_flight = Some(0);
        }
    }

    /// Lets a calm world come to rest; panics when it does not within ten simulated minutes.
    fn settle(&mut self) {
        self.world.complete = true;
        let mut quiet = 0;
        for _ in 0..3_000 {
            self.everyone_becomes_ready();
            quiet = if self.step() { 0 } else { quiet + 1 };
            if quiet > 200 && self.world.rollout.is_none() {
                return;
            }
        }
        panic!("still busy: {:#?}", super::plan(&self.world, self.now));
    }
}

#[derive(Debug, Clone, Copy)]
enum Fate {
    Ready,
    Unready,
    Crash,
    Condemned,
    Gone,
    Busy,
    Idle,
}

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
        scale in prop::option::of(0_u32..6),
        fates in fates(),
    ) {
        let mut simulation = at_rest(wanted, workers);
        simulation.deploy(target(2, workers));
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
fn a_restart_replaces_every_instance_by_a_fresh_one() {
    let mut simulation = at_rest(2, true);
    let old: Vec<InstanceId> = simulation.world.replicas.iter().map(|r| r.id.clone()).collect();
    let mut fresh = target(1, true);
    fresh.not_before = simulation.now + Millis(1);
    simulation.deploy(fresh);
    for _ in 0..400 {
        simulation.everyone_becomes_ready();
        simulation.step();
    }
    assert!(simulation.world.replicas.iter().all(|replica| !old.contains(&replica.id)));
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
