//! Who the proxy should send requests to.

use std::collections::BTreeSet;

use super::{Part, Phase, Replica, Roles, Stage, World};
use crate::health::Standing;
use crate::id::InstanceId;
use crate::name::ProcessName;

/// The members the proxy should have.
///
/// Ready instances of the front release. When more than half of those that are routed would go
/// because they fail their checks, all stay: the checks are more likely wrong than the whole set,
/// and the last member never goes for failing a check.
pub(super) fn wanted(
    world: &World,
    roles: &Roles<'_>,
    surplus: &BTreeSet<InstanceId>,
) -> BTreeSet<InstanceId> {
    let Some(front) = roles.front else { return BTreeSet::new() };
    if is_switching(world) && !front.all_ready(world) {
        return world.routed.clone();
    }
    let proxied = front.target.processes.keys().filter(|process| front.target.proxied(process));
    proxied.flat_map(|process| of_process(world, front, process, surplus)).collect()
}

fn is_switching(world: &World) -> bool {
    world.rollout.as_ref().is_some_and(|rollout| rollout.stage == Stage::Switching)
}

fn of_process(
    world: &World,
    front: Part<'_>,
    process: &ProcessName,
    surplus: &BTreeSet<InstanceId>,
) -> BTreeSet<InstanceId> {
    let candidates: Vec<&Replica> = front
        .active(world, process)
        .filter(|replica| replica.up && !surplus.contains(&replica.id))
        .collect();
    let failing = |replica: &&Replica| {
        replica.standing == Standing::Unready && world.routed.contains(&replica.id)
    };
    let ready = candidates.iter().filter(|replica| replica.standing == Standing::Ready).count();
    let sick = candidates.iter().filter(|replica| failing(replica)).count();
    let keep_sick = sick > 0 && (ready == 0 || sick > ready);
    let mut members: BTreeSet<InstanceId> = candidates
        .iter()
        .filter(|replica| replica.standing == Standing::Ready || (keep_sick && failing(replica)))
        .map(|replica| replica.id.clone())
        .collect();
    // What is surplus leaves only when somebody else answers, unless none is wanted at all.
    if members.is_empty() && world.wanted(process) > 0 {
        members.extend(last_resort(world, front, process));
    }
    members
}

/// Routed instances that still run, whatever was decided about them: better than nobody.
fn last_resort(world: &World, front: Part<'_>, process: &ProcessName) -> BTreeSet<InstanceId> {
    world
        .replicas
        .iter()
        .filter(|replica| {
            replica.up
                && replica.process == *process
                && front.admits(replica)
                && replica.phase != Phase::Stopping
                && world.routed.contains(&replica.id)
        })
        .map(|replica| replica.id.clone())
        .collect()
}
