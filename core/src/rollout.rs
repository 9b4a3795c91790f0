//! The planner: from the observed world of one app to what to do next.
//!
//! [`plan`] is pure and is asked again and again (on every hint, and at the latest every 15 s).
//! Scaling, crash recovery, deploys, rollbacks and reverts are all the same question: which
//! instances should there be, and which of them should the proxy know? It answers with one careful
//! step; whoever executes it looks at the world anew and asks again, so a crash between two steps
//! loses nothing.
//!
//! New instances come up beside the old ones (start-new-first). Traffic moves in one switch, once
//! every wanted instance is ready. The old set then stays warm, out of the proxy and unsignalled,
//! until the new release was observed stable, so that going back is a switch as well.
//!
//! The order that drops no request is held by construction: an instance is drained only when the
//! proxy was *read back* without it, and stopped only when it is drained.

mod members;
mod outcome;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod simulation;

use std::collections::{BTreeMap, BTreeSet};

use crate::deployment::DeploymentEvent;
use crate::health::Standing;
use crate::id::{InstanceId, ReleaseId};
use crate::name::ProcessName;
use crate::reason::Reason;
use crate::time::{Millis, Timestamp};

/// Most instances of one app that boot at the same time.
pub const BOOT_BURST: usize = 4;
/// How long the instances of a failed first deployment are kept for a look.
pub const LINGER: Millis = Millis::from_secs(10 * 60);

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
    /// Whether engine and proxy were both read in full just now. Otherwise the plan only adds.
    pub complete: bool,
}

/// One thing to do. Each may be repeated without harm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Make one more instance of this process of this release.
    Start { process: ProcessName, release_id: ReleaseId },
    /// Take a draining instance back into service, on behalf of this release.
    Revive { id: InstanceId, release_id: ReleaseId },
    /// Make exactly these the proxy's members.
    Route { members: BTreeSet<InstanceId> },
    /// The proxy no longer has it: let it finish, and keep it warm until then.
    Drain { id: InstanceId, warm_until: Option<Timestamp> },
    /// It is idle and out of the proxy: stop it.
    Stop { id: InstanceId },
}

/// The next step, and what has become of the deployment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    pub actions: Vec<Action>,
    pub event: Option<DeploymentEvent>,
}

/// A release in a role: its instances, less those that count for another release.
#[derive(Clone, Copy)]
struct Part<'a> {
    target: &'a Target,
    except: Option<&'a Target>,
}

/// Which release plays which part at this moment.
#[derive(Default)]
struct Roles<'a> {
    /// Belongs in the proxy.
    front: Option<Part<'a>>,
    /// Comes up beside it.
    incoming: Option<Part<'a>>,
    /// Stays as it is, in case the switch cannot be confirmed.
    held: Option<Part<'a>>,
    /// Goes out of the proxy and stays warm until then.
    warm: Option<(Part<'a>, Timestamp)>,
}

impl Target {
    fn admits(&self, replica: &Replica) -> bool {
        replica.content == self.content
            && replica.created_at >= self.not_before
            && self.processes.contains_key(&replica.process)
    }

    fn proxied(&self, process: &ProcessName) -> bool {
        self.processes.get(process) == Some(&Traffic::Proxied)
    }
}

impl<'a> Part<'a> {
    fn of(target: &'a Target) -> Self {
        Self { target, except: None }
    }

    fn without(target: &'a Target, other: &'a Target) -> Self {
        let same = other.content == target.content && other.not_before == target.not_before;
        Self { target, except: (!same).then_some(other) }
    }

    fn admits(&self, replica: &Replica) -> bool {
        self.target.admits(replica) && !self.except.is_some_and(|other| other.admits(replica))
    }

    /// Its active replicas of one process.
    fn active<'w>(
        self,
        world: &'w World,
        process: &'w ProcessName,
    ) -> impl Iterator<Item = &'w Replica> + use<'w, 'a> {
        world.replicas.iter().filter(move |replica| {
            replica.phase == Phase::Active && replica.process == *process && self.admits(replica)
        })
    }

    /// Whether every process has its wanted count ready.
    fn all_ready(self, world: &World) -> bool {
        self.target.processes.keys().all(|process| {
            let ready = self.active(world, process).filter(|r| r.is_ready()).count();
            ready >= world.wanted(process)
        })
    }
}

impl World {
    fn wanted(&self, process: &ProcessName) -> usize {
        self.wanted.get(process).map_or(0, |count| *count as usize)
    }

    fn roles(&self) -> Roles<'_> {
        let serving = self.serving.as_ref();
        let Some(rollout) = &self.rollout else {
            return Roles { front: serving.map(Part::of), ..Roles::default() };
        };
        let target = &rollout.target;
        let previous = rollout.previous.as_ref();
        match rollout.stage {
            Stage::Starting => Roles {
                front: serving.map(|serving| Part::without(serving, target)),
                incoming: Some(Part::of(target)),
                ..Roles::default()
            },
            Stage::Switching => Roles {
                front: Some(Part::of(target)),
                held: previous.map(|previous| Part::without(previous, target)),
                ..Roles::default()
            },
            Stage::Observing => Roles {
                front: Some(Part::of(target)),
                warm: previous.map(|previous| {
                    (Part::without(previous, target), rollout.since + rollout.observe)
                }),
                ..Roles::default()
            },
            Stage::Reverting => {
                let back = previous.map(|previous| Part::without(previous, target));
                match back {
                    Some(back) if back.all_ready(self) => {
                        Roles { front: Some(back), ..Roles::default() }
                    }
                    back => {
                        Roles { front: Some(Part::of(target)), incoming: back, ..Roles::default() }
                    }
                }
            }
        }
    }
}

impl Replica {
    fn is_ready(&self) -> bool {
        self.up && self.standing == Standing::Ready
    }

    /// Ascending from the one to keep longest to the one to give up first, among those of equal
    /// content. A restart makes a release of that content too, and its own instances are to stay.
    fn expendability(&self, release_id: &ReleaseId) -> (bool, bool, bool, Timestamp) {
        let is_foreign = self.release_id != *release_id;
        (!self.up, self.standing != Standing::Ready, is_foreign, self.created_at)
    }
}

/// What to do next for one app.
///
/// # Guarantees
/// - Nothing is stopped that the proxy may still send requests to.
/// - With an incomplete view nothing is drained, stopped or taken out of the proxy.
/// - When the world is as wanted, the plan is empty.
pub fn plan(world: &World, now: Timestamp) -> Plan {
    let roles = world.roles();
    let mut actions = Vec::new();
    let mut surplus = BTreeSet::new();
    for part in [roles.front, roles.incoming].into_iter().flatten() {
        fill(world, part, &mut actions, &mut surplus);
    }
    let members = members::wanted(world, &roles, &surplus);
    if members != world.routed && (world.complete || members.is_superset(&world.routed)) {
        actions.push(Action::Route { members: members.clone() });
    }
    if world.complete {
        let revived: BTreeSet<InstanceId> = actions.iter().filter_map(Action::revived).collect();
        let others = world.replicas.iter().filter(|replica| !revived.contains(&replica.id));
        actions.extend(others.filter_map(|r| retirement(world, &roles, &surplus, r, now)));
    }
    Plan { actions, event: outcome::event(world, &roles, &members, now) }
}

/// Brings a release to its wanted counts: revives, starts, and names what is too much.
fn fill(
    world: &World,
    part: Part<'_>,
    actions: &mut Vec<Action>,
    surplus: &mut BTreeSet<InstanceId>,
) {
    let release_id = &part.target.release_id;
    for process in part.target.processes.keys() {
        let mut have: Vec<&Replica> = part.active(world, process).collect();
        let want = world.wanted(process);
        have.sort_by_key(|replica| replica.expendability(release_id));
        surplus.extend(have.iter().skip(want).map(|replica| replica.id.clone()));
        let missing = want.saturating_sub(have.len());
        let revivable = world.replicas.iter().filter(|replica| {
            matches!(replica.phase, Phase::Draining { .. })
                && replica.process == *process
                && part.admits(replica)
                && replica.is_ready()
        });
        let revived: Vec<InstanceId> = revivable.take(missing).map(|r| r.id.clone()).collect();
        let booting = have.iter().filter(|r| r.standing == Standing::Booting).count();
        let starts = (missing - revived.len()).min(BOOT_BURST.saturating_sub(booting));
        let revive = |id| Action::Revive { id, release_id: release_id.clone() };
        actions.extend(revived.into_iter().map(revive));
        let start = Action::Start { process: process.clone(), release_id: release_id.clone() };
        actions.extend(std::iter::repeat_n(start, starts));
    }
}

/// Moves an instance that nobody wants one step towards its end.
fn retirement(
    world: &World,
    roles: &Roles<'_>,
    surplus: &BTreeSet<InstanceId>,
    replica: &Replica,
    now: Timestamp,
) -> Option<Action> {
    if world.routed.contains(&replica.id) {
        return None;
    }
    let id = replica.id.clone();
    match replica.phase {
        Phase::Active => {
            let wanted = roles.serves(replica) && !surplus.contains(&replica.id);
            let stays = wanted || roles.lingers(replica, now);
            (!stays).then(|| Action::Drain { id, warm_until: roles.warm_until(replica) })
        }
        Phase::Draining { since, warm_until } => {
            let warm = warm_until.is_some_and(|until| now < until) && !roles.cuts_short(replica);
            let idle = replica.in_flight == Some(0) || !replica.process.is_web();
            let patience_ends = now.since(since) >= roles.drain_limit(replica);
            (!warm && (idle || patience_ends)).then_some(Action::Stop { id })
        }
        Phase::Stopping => None,
    }
}

impl Action {
    fn revived(&self) -> Option<InstanceId> {
        if let Self::Revive { id, .. } = self { Some(id.clone()) } else { None }
    }
}

impl Roles<'_> {
    fn serves(&self, replica: &Replica) -> bool {
        [self.front, self.incoming, self.held].iter().flatten().any(|part| part.admits(replica))
    }

    /// A failed first deployment's instances stay for a look until something else is deployed.
    fn lingers(&self, replica: &Replica, now: Timestamp) -> bool {
        let alone = self.front.is_none() && self.incoming.is_none();
        alone && now.since(replica.created_at) < LINGER
    }

    /// Only what answers requests is worth keeping warm: a second set of workers would work.
    fn warm_until(&self, replica: &Replica) -> Option<Timestamp> {
        let (part, until) = self.warm?;
        let proxied = part.target.proxied(&replica.process);
        (part.admits(replica) && proxied && replica.is_ready()).then_some(until)
    }

    /// A newer rollout that has no use for a warm instance needs its memory.
    fn cuts_short(&self, replica: &Replica) -> bool {
        self.incoming.is_some_and(|incoming| !incoming.admits(replica))
    }

    fn drain_limit(&self, replica: &Replica) -> Millis {
        let parts = [self.front, self.incoming, self.held, self.warm.map(|(part, _)| part)];
        let mut targets = parts.into_iter().flatten().map(|part| part.target);
        let own = targets.find(|target| target.content == replica.content);
        own.or(self.front.map(|part| part.target)).map_or(Millis::from_secs(30), |t| t.drain)
    }
}
