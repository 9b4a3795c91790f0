//! A small world to let the planner loose in: instances boot, crash, and fail checks by chance.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::id::Id;
use crate::reason::{Reason, ReasonCode};
use crate::time::Millis;

pub const TICK: u64 = 200;

pub fn web() -> ProcessName {
    ProcessName::web()
}

pub fn target(release: u128, workers: bool) -> Target {
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

/// A release of its own whose content is release 1's, for which only instances from a time on count.
pub fn again(release: u128, workers: bool, not_before: Timestamp) -> Target {
    Target { release_id: ReleaseId::from_bits(release), not_before, ..target(1, workers) }
}

/// The simulated app. `chance` decides what each tick does to its instances.
pub struct Simulation {
    pub world: World,
    pub now: Timestamp,
    pub born: u128,
    pub stopped: usize,
    /// Ready members in the proxy when the rollout began.
    floor: usize,
    /// Whether anything failed by itself, which excuses a dip below the floor.
    failures: bool,
}

impl Simulation {
    pub fn new(wanted: u32, workers: bool) -> Self {
        let wanted = BTreeMap::from([(web(), wanted), ("worker".parse().unwrap(), 1)]);
        let world = World {
            wanted,
            serving: Some(target(1, workers)),
            rollout: None,
            replicas: Vec::new(),
            routed: BTreeSet::new(),
            misplaced: false,
            complete: true,
        };
        Self { world, now: Timestamp(1), born: 0, stopped: 0, floor: 0, failures: false }
    }

    pub fn deploy(&mut self, target: Target) {
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

    pub fn answering(&self) -> usize {
        let routed = |r: &&Replica| self.world.routed.contains(&r.id) && r.is_ready();
        self.world.replicas.iter().filter(routed).count()
    }

    pub fn replica(&mut self, id: &InstanceId) -> &mut Replica {
        self.world.replicas.iter_mut().find(|replica| replica.id == *id).unwrap()
    }

    /// One look, one step; returns whether there was anything to do.
    pub fn step(&mut self) -> bool {
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
            Action::Revive { id, release_id } => {
                let replica = self.replica(&id);
                (replica.phase, replica.release_id) = (Phase::Active, release_id);
            }
            Action::Route { members } => {
                let lost = self.world.routed.difference(&members).count();
                assert!(self.world.complete || lost == 0, "a partial view only adds");
                self.world.routed = members;
                self.world.misplaced = false;
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
            release_id: release_id.clone(),
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
            DeploymentEvent::Switched { observe } => {
                let target = rollout.target.clone();
                self.world.serving = Some(Target { not_before: Timestamp(0), ..target });
                observe.then_some(Stage::Observing)
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

    pub fn fate(&mut self, index: usize, fate: Fate) {
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

    pub fn everyone_becomes_ready(&mut self) {
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
    pub fn settle(&mut self) {
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
pub enum Fate {
    Ready,
    Unready,
    Crash,
    Condemned,
    Gone,
    Busy,
    Idle,
}
