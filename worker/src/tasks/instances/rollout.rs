//! Moves deployments through the stages that concern instances, and writes what people read of it.

use std::collections::BTreeMap;

use slipway_core::deployment::{Deployment, DeploymentEvent, DeploymentState, Receipt};
use slipway_core::event::{Event, EventKind};
use slipway_core::id::{AppId, DeploymentId};
use slipway_core::log::LogSource;
use slipway_core::reason::{Reason, ReasonCode};
use slipway_core::release::Release;
use slipway_core::rollout::Vitals;
use slipway_core::time::{Millis, Timestamp};
use slipway_store::{StoreError, clock};

use super::Instances;
use super::fleet::{ActiveRollout, Member};
use super::sighting::Sighting;
use crate::announce::Announcer;
use crate::context::Host;
use crate::proxy::{Counters, Traffic};

/// Events of an app during a deployment; with more of them its receipt lacks its later stages.
const MOST_EVENTS: u32 = 1000;
/// Refusals of the proxy that fail a switch.
const REFUSALS: u32 = 2;

/// Counters at the turns of each rollout. Lost with the process; then a receipt counts from later.
#[derive(Default)]
pub struct Rollouts {
    marks: BTreeMap<DeploymentId, Marks>,
}

#[derive(Debug, Clone, Default)]
struct Marks {
    /// The app's counters when its instances began to start.
    at_start: Option<Counters>,
    /// The same at the switch.
    at_switch: Option<Counters>,
    refusals: u32,
}

impl Rollouts {
    /// Requests since the switch, and those between the start and the switch.
    pub fn vitals(&self, id: &DeploymentId, app_id: &AppId, traffic: &Traffic) -> Vitals {
        let marks = self.marks.get(id);
        let turns = marks.and_then(|marks| Some((marks.at_start?, marks.at_switch?)));
        let Some((start, switch)) = turns else { return Vitals::default() };
        let before = switch.since(&start);
        let after = traffic.of_app(app_id).since(&switch);
        Vitals {
            new_requests: after.requests(),
            new_errors: after.server_errors(),
            old_requests: before.requests(),
            old_errors: before.server_errors(),
        }
    }

    fn retain(&mut self, alive: impl Fn(&DeploymentId) -> bool) {
        self.marks.retain(|id, _| alive(id));
    }
}

impl<H: Host> Instances<H> {
    /// Notes the counters of a rollout that was not seen before, and says so to its reader.
    pub(super) fn note_rollouts(&mut self, sighting: &Sighting) {
        let rollouts: Vec<(Member, ActiveRollout)> = self
            .fleet
            .members()
            .filter_map(|member| Some((member.clone(), member.rollout.clone()?)))
            .collect();
        self.rollouts.retain(|id| rollouts.iter().any(|(_, r)| r.deployment.id == *id));
        for (member, rollout) in rollouts {
            if self.rollouts.marks.contains_key(&rollout.deployment.id) {
                continue;
            }
            let marks = Marks {
                at_start: Some(sighting.traffic.of_app(&member.app.id)),
                ..Marks::default()
            };
            self.rollouts.marks.insert(rollout.deployment.id.clone(), marks);
            if rollout.deployment.state == DeploymentState::Starting {
                let counts = counts(&member, &rollout.target);
                let version = rollout.target.version;
                self.announcer(&rollout.deployment).step(&format!("Starting v{version}: {counts}"));
            }
        }
    }

    /// The proxy refused the members of a switch.
    pub(super) fn note_refusal(&mut self, member: &Member) {
        if let Some(rollout) = &member.rollout {
            self.rollouts.marks.entry(rollout.deployment.id.clone()).or_default().refusals += 1;
        }
    }

    /// The event that follows from refusals, if there were too many.
    pub(super) fn refused(&self, member: &Member) -> Option<DeploymentEvent> {
        let rollout = member.rollout.as_ref()?;
        let marks = self.rollouts.marks.get(&rollout.deployment.id)?;
        let switching = rollout.deployment.state == DeploymentState::Switching;
        (switching && marks.refusals >= REFUSALS).then(|| DeploymentEvent::Failed {
            reason: Reason::new(
                ReasonCode::ProxyNotConfirmed,
                format!("the proxy did not confirm the switch, {REFUSALS} times"),
            ),
        })
    }

    /// Takes a deployment on, after telling its reader what happened.
    pub(super) async fn advance(
        &mut self,
        member: &Member,
        event: DeploymentEvent,
        sighting: &Sighting,
    ) -> anyhow::Result<()> {
        let Some(rollout) = &member.rollout else { return Ok(()) };
        let id = &rollout.deployment.id;
        if matches!(event, DeploymentEvent::Switched { .. }) {
            let moves = self.moves(rollout).await?;
            let receipt = self.receipt(member, rollout, sighting).with_stages(&moves);
            self.context.store.set_receipt(id, &receipt).await?;
            self.announce_live(member, rollout, &receipt);
        } else {
            self.announce(member, rollout, &event);
        }
        let name = format!("{event:?}");
        match self.context.store.advance(id, event, None).await {
            Ok(deployment) => {
                let state = deployment.state.name();
                tracing::info!(app = %member.app.name, deployment_id = %id, state, "deployment moved");
                Ok(())
            }
            // Somebody else moved it meanwhile, for instance a newer push: look again.
            Err(StoreError::Stale | StoreError::Illegal(_)) => {
                tracing::debug!(deployment_id = %id, event = name, "a deployment moved by itself");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn receipt(
        &mut self,
        member: &Member,
        rollout: &ActiveRollout,
        sighting: &Sighting,
    ) -> Receipt {
        let now = clock::now();
        let deployment = &rollout.deployment;
        let traffic = sighting.traffic.of_app(&member.app.id);
        let marks = self.rollouts.marks.entry(deployment.id.clone()).or_default();
        let served = marks.at_start.map(|start| traffic.since(&start));
        marks.at_switch = Some(traffic);
        Receipt {
            requests_served: served.map_or(0, |counts| counts.requests()),
            requests_dropped: served.map_or(0, |counts| counts.dropped),
            switch_ms: now.since(deployment.state_since),
            total_ms: now.since(deployment.created_at),
            ..Receipt::default()
        }
    }

    /// Which states the deployment came into so far, and when.
    async fn moves(
        &self,
        rollout: &ActiveRollout,
    ) -> Result<Vec<(&'static str, Timestamp)>, StoreError> {
        let Deployment { id, app_id, created_at, .. } = &rollout.deployment;
        let until = clock::now() + Millis(1);
        let events =
            self.context.store.events_between(app_id, *created_at, until, MOST_EVENTS).await?;
        let moved = |event: &Event| {
            let EventKind::DeploymentMoved { deployment_id, state, .. } = &event.kind else {
                return None;
            };
            (deployment_id == id).then_some((state.name(), event.at))
        };
        Ok(events.iter().filter_map(moved).collect())
    }

    fn announce_live(&self, member: &Member, rollout: &ActiveRollout, receipt: &Receipt) {
        let announcer = self.announcer(&rollout.deployment);
        let app = &member.app.name;
        announcer.step(&format!(
            "Switched: {} requests served meanwhile, {} dropped",
            receipt.requests_served, receipt.requests_dropped
        ));
        let version = rollout.target.version;
        let mut lines =
            vec![format!("=====> {app} v{version} is live at {}", self.context.url(app))];
        if let Some(previous) = &rollout.previous {
            lines.push(format!("       Undo: slipway rollback v{}", previous.version));
        }
        // In one piece: a reader may leave as soon as the first of them is there.
        announcer.output(LogSource::Platform, lines);
    }

    fn announce(&self, member: &Member, rollout: &ActiveRollout, event: &DeploymentEvent) {
        let announcer = self.announcer(&rollout.deployment);
        let app = &member.app.name;
        let version = rollout.target.version;
        match event {
            DeploymentEvent::AllReady => {
                let took = clock::now().since(rollout.deployment.state_since);
                let ready: u32 = wanted(member, &rollout.target).map(|(_, count)| count).sum();
                announcer.detail(&format!("{ready} ready in {took}"));
            }
            DeploymentEvent::Failed { reason } => {
                let headline = match &rollout.previous {
                    Some(live) => format!("v{version} failed; v{} serves as before", live.version),
                    None => format!("v{version} failed; {app} has no earlier release to serve"),
                };
                announcer.failure(&headline, reason);
            }
            DeploymentEvent::WentBad { reason, revert } => {
                let next = if *revert { "going back" } else { "there is nothing to go back to" };
                announcer.failure(&format!("v{version} went bad after the switch; {next}"), reason);
            }
            DeploymentEvent::PutBack => {
                let back = rollout.previous.as_ref().map_or(0, |release| release.version);
                announcer.conclusion(&format!("{app} v{back} serves again"));
            }
            DeploymentEvent::PutBackFailed { reason } => {
                announcer.failure("the earlier release could not be put back", reason);
            }
            DeploymentEvent::StayedHealthy
            | DeploymentEvent::Begun { .. }
            | DeploymentEvent::ImageReady
            | DeploymentEvent::CommandDone
            | DeploymentEvent::Switched { .. }
            | DeploymentEvent::Superseded { .. }
            | DeploymentEvent::Canceled { .. } => {}
        }
    }

    fn announcer(&self, deployment: &Deployment) -> Announcer {
        let logs = self.context.logs.clone();
        Announcer::new(logs, deployment.app_id.clone(), deployment.id.clone())
    }
}

fn wanted<'a>(
    member: &'a Member,
    release: &'a Release,
) -> impl Iterator<Item = (&'a slipway_core::name::ProcessName, u32)> {
    release
        .formation
        .processes
        .keys()
        .map(|process| (process, member.scale.get(process).copied().unwrap_or(0)))
}

fn counts(member: &Member, release: &Release) -> String {
    let counts: Vec<String> =
        wanted(member, release).map(|(process, count)| format!("{process}={count}")).collect();
    counts.join(" ")
}
