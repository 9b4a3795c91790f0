//! What has become of a deployment, judged from its instances.

use std::collections::BTreeSet;

use super::{Part, Replica, Roles, Rollout, Stage, Vitals, World};
use crate::deployment::DeploymentEvent;
use crate::health::Standing;
use crate::id::InstanceId;
use crate::reason::{Reason, ReasonCode};
use crate::time::{Millis, Timestamp};

/// Crashes of one instance after the switch that condemn the release.
const CRASHES: u32 = 2;
/// How long more than half may be unready after the switch.
const UNREADY_FOR: Millis = Millis::from_secs(10);
/// Requests needed before error ratios are compared.
const ENOUGH_REQUESTS: u64 = 50;

/// The deployment's next event, if its time has come.
pub(super) fn event(
    world: &World,
    roles: &Roles<'_>,
    members: &BTreeSet<InstanceId>,
    now: Timestamp,
) -> Option<DeploymentEvent> {
    let rollout = world.rollout.as_ref()?;
    let target = &rollout.target;
    let confirmed = world.complete && *members == world.routed && !world.misplaced;
    match rollout.stage {
        Stage::Starting => roles.incoming.and_then(|incoming| starting(world, incoming)),
        Stage::Switching => (confirmed && Part::of(target).all_ready(world))
            .then_some(DeploymentEvent::Switched { observe: rollout.observe > Millis(0) }),
        Stage::Observing => observing(world, rollout, now),
        Stage::Reverting => reverting(world, roles, rollout, confirmed),
    }
}

fn starting(world: &World, incoming: Part<'_>) -> Option<DeploymentEvent> {
    if let Some(reason) = verdict(world, incoming) {
        return Some(DeploymentEvent::Failed { reason });
    }
    incoming.all_ready(world).then_some(DeploymentEvent::AllReady)
}

/// Why a release will not come up, once that is certain of one of its instances.
fn verdict(world: &World, part: Part<'_>) -> Option<Reason> {
    let mut own = world.replicas.iter().filter(|replica| part.admits(replica));
    own.find(|replica| replica.is_condemned())?.verdict.clone()
}

fn observing(world: &World, rollout: &Rollout, now: Timestamp) -> Option<DeploymentEvent> {
    let revert = rollout.previous.is_some();
    if let Some(reason) = misbehaviour(world, rollout, now) {
        return Some(DeploymentEvent::WentBad { reason, revert });
    }
    (now.since(rollout.since) >= rollout.observe).then_some(DeploymentEvent::StayedHealthy)
}

fn misbehaviour(world: &World, rollout: &Rollout, now: Timestamp) -> Option<Reason> {
    let own: Vec<&Replica> =
        world.replicas.iter().filter(|replica| rollout.target.admits(replica)).collect();
    if let Some(crashed) = own.iter().find(|replica| replica.crashes_since_ready >= CRASHES) {
        let sentence = format!(
            "{} instance {} ended by itself {} times after the switch",
            crashed.process,
            crashed.id.short(),
            crashed.crashes_since_ready
        );
        return Some(Reason::new(ReasonCode::Unstable, sentence));
    }
    let proxied: Vec<&&Replica> =
        own.iter().filter(|replica| rollout.target.proxied(&replica.process)).collect();
    let long_unready = |replica: &&&&Replica| {
        replica.standing == Standing::Unready && now.since(replica.standing_since) >= UNREADY_FOR
    };
    let unready = proxied.iter().filter(long_unready).count();
    if unready * 2 > proxied.len() {
        let sentence =
            format!("{unready} of {} instances failed their checks for 10 s", proxied.len());
        return Some(Reason::new(ReasonCode::Unstable, sentence));
    }
    errors(rollout.vitals)
}

/// Server errors of the new instances against the old ones', in per mille.
fn errors(vitals: Vitals) -> Option<Reason> {
    if vitals.new_requests < ENOUGH_REQUESTS {
        return None;
    }
    let ratio = |errors: u64, requests: u64| errors * 1000 / requests.max(1);
    let new = ratio(vitals.new_errors, vitals.new_requests);
    let old = ratio(vitals.old_errors, vitals.old_requests);
    (new > (3 * old).max(50)).then(|| {
        let sentence = format!(
            "{} of {} requests failed after the switch ({}.{} %, before {}.{} %)",
            vitals.new_errors,
            vitals.new_requests,
            new / 10,
            new % 10,
            old / 10,
            old % 10
        );
        Reason::new(ReasonCode::Unstable, sentence)
    })
}

fn reverting(
    world: &World,
    roles: &Roles<'_>,
    rollout: &Rollout,
    confirmed: bool,
) -> Option<DeploymentEvent> {
    let Some(previous) = &rollout.previous else {
        let reason = Reason::new(ReasonCode::Unstable, "there is no earlier release to go back to");
        return Some(DeploymentEvent::PutBackFailed { reason });
    };
    if let Some(reason) = verdict(world, Part::without(previous, &rollout.target)) {
        return Some(DeploymentEvent::PutBackFailed { reason });
    }
    let back = roles.front.is_some_and(|part| part.target == previous) && confirmed;
    back.then_some(DeploymentEvent::PutBack)
}
