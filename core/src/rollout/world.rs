//! What the planner may know: what is wanted, what runs, and what the proxy has.

use std::collections::{BTreeMap, BTreeSet};

use crate::health::Standing;
use crate::id::{InstanceId, ReleaseId};
use crate::name::ProcessName;
use crate::reason::Reason;
use crate::time::{Millis, Timestamp};

/// What a release wants to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub release_id: ReleaseId,
    /// The release's content digest: an instance of any release with this content will do.
    pub content: String,
    /// Only instances made at or after this time count; a restart asks for fresh ones.
    pub not_before: Timestamp,
    /// The process types, and whether each is behind the proxy.
    pub processes: BTreeMap<ProcessName, Traffic>,
    pub drain: Millis,
}

/// Whether a process type receives requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    Proxied,
    None,
}

/// A deployment on its way, as far as instances are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    pub stage: Stage,
    pub since: Timestamp,
    pub target: Target,
    /// What served before, and what a revert goes back to.
    pub previous: Option<Target>,
    /// How long the target is watched after the switch; zero is off.
    pub observe: Millis,
    /// Requests since the switch, of the new and the old instances.
    pub vitals: Vitals,
}

/// The stages of a rollout; the names are the deployment's states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Starting,
    Switching,
    Observing,
    Reverting,
}

/// Request counts to judge a switched release by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Vitals {
    pub new_requests: u64,
    pub new_errors: u64,
    pub old_requests: u64,
    pub old_errors: u64,
}

/// One instance as observed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replica {
    pub id: InstanceId,
    /// The release that it was started for, or taken over by.
    pub release_id: ReleaseId,
    pub content: String,
    pub process: ProcessName,
    pub phase: Phase,
    pub standing: Standing,
    pub standing_since: Timestamp,
    /// Whether its process runs at this moment.
    pub up: bool,
    /// How often it ended by itself since it first was ready.
    pub crashes_since_ready: u32,
    /// Why it will not become ready, once that is certain.
    pub verdict: Option<Reason>,
    pub created_at: Timestamp,
    /// Requests the proxy has under way at it; `None` when that is unknown.
    pub in_flight: Option<u64>,
}

/// What Slipway has decided about an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Wanted, as far as decided.
    Active,
    /// Out of the proxy. Kept running until `warm_until`, then until its requests are done.
    Draining { since: Timestamp, warm_until: Option<Timestamp> },
    /// Signalled.
    Stopping,
}

/// Everything the planner may know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct World {
    /// Wanted counts by process.
    pub wanted: BTreeMap<ProcessName, u32>,
    /// The live release.
    pub serving: Option<Target>,
    pub rollout: Option<Rollout>,
    pub replicas: Vec<Replica>,
    /// What the proxy has, read back from it.
    pub routed: BTreeSet<InstanceId>,
    /// Whether it has one of them at another address than it is at.
    pub misplaced: bool,
    /// Whether engine and proxy were both read in full just now. Otherwise the plan only adds.
    pub complete: bool,
}

impl Target {
    pub(super) fn admits(&self, replica: &Replica) -> bool {
        replica.content == self.content
            && replica.created_at >= self.not_before
            && self.processes.contains_key(&replica.process)
    }

    pub(super) fn proxied(&self, process: &ProcessName) -> bool {
        self.processes.get(process) == Some(&Traffic::Proxied)
    }
}

impl World {
    pub(super) fn wanted(&self, process: &ProcessName) -> usize {
        self.wanted.get(process).map_or(0, |count| *count as usize)
    }
}

impl Replica {
    pub(super) fn is_ready(&self) -> bool {
        self.up && self.standing == Standing::Ready
    }

    /// Whether it is wanted, and will not become ready. One that is ready after all has proved the
    /// verdict wrong.
    pub(super) fn is_condemned(&self) -> bool {
        self.phase == Phase::Active && self.verdict.is_some() && !self.is_ready()
    }

    /// Ascending from the one to keep longest to the one to give up first, among those of equal
    /// content. A restart makes a release of that content too, and its own instances are to stay.
    pub(super) fn expendability(&self, release_id: &ReleaseId) -> (bool, bool, bool, Timestamp) {
        let is_foreign = self.release_id != *release_id;
        (!self.up, self.standing != Standing::Ready, is_foreign, self.created_at)
    }
}
