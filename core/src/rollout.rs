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
mod roles;
#[cfg(test)]
mod simulation;
mod world;

pub use world::{Phase, Replica, Rollout, Stage, Target, Traffic, Vitals, World};

use std::collections::BTreeSet;

use self::roles::{Part, Roles};
use crate::deployment::DeploymentEvent;
use crate::health::Standing;
use crate::id::{InstanceId, ReleaseId};
use crate::name::ProcessName;
use crate::time::Timestamp;

/// Most instances of one app that boot at the same time.
pub const BOOT_BURST: usize = 4;

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

/// What to do next for one app.
///
/// # Guarantees
/// - Nothing is stopped that the proxy may still send requests to.
/// - With an incomplete view nothing is drained, stopped or taken out of the proxy.
/// - When the world is as wanted, the plan is empty.
pub fn plan(world: &World, now: Timestamp) -> Plan {
    let roles = Roles::of(world);
    let mut actions = Vec::new();
    let (mut kept, mut spare) = (BTreeSet::new(), BTreeSet::new());
    for part in [roles.front, roles.incoming].into_iter().flatten() {
        fill(world, part, &mut actions, &mut kept, &mut spare);
    }
    let surplus: BTreeSet<InstanceId> = spare.difference(&kept).cloned().collect();
    let members = members::wanted(world, &roles, &surplus);
    let differs = members != world.routed || world.misplaced;
    if differs && (world.complete || members.is_superset(&world.routed)) {
        actions.push(Action::Route { members: members.clone() });
    }
    if world.complete {
        let revived: BTreeSet<InstanceId> = actions.iter().filter_map(Action::revived).collect();
        let others = world.replicas.iter().filter(|replica| !revived.contains(&replica.id));
        actions.extend(others.filter_map(|r| retirement(world, &roles, &surplus, r, now)));
    }
    Plan { actions, event: outcome::event(world, &roles, &members, now) }
}

/// Brings a release to its wanted counts: revives, starts, and names what it keeps and what it can
/// spare. Of two releases of equal content one may spare what the other keeps.
fn fill(
    world: &World,
    part: Part<'_>,
    actions: &mut Vec<Action>,
    kept: &mut BTreeSet<InstanceId>,
    spare: &mut BTreeSet<InstanceId>,
) {
    let release_id = &part.target.release_id;
    for process in part.target.processes.keys() {
        let mut have: Vec<&Replica> = part.active(world, process).collect();
        let want = world.wanted(process);
        have.sort_by_key(|replica| replica.expendability(release_id));
        kept.extend(have.iter().take(want).map(|replica| replica.id.clone()));
        spare.extend(have.iter().skip(want).map(|replica| replica.id.clone()));
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
