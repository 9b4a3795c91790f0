//! From rows, sightings and health to the planner's world; and from its actions to effects.

use std::collections::BTreeSet;
use std::sync::Arc;

use slipway_core::deployment::{Deployment, DeploymentKind, DeploymentState};
use slipway_core::health::{Boot, Health, SETTLE, Standing};
use slipway_core::id::InstanceId;
use slipway_core::instance::{InstanceState, ObservedState};
use slipway_core::reason::Reason;
use slipway_core::release::Release;
use slipway_core::rollout::{Phase, Replica, Rollout, Stage, Target, Traffic, World};
use slipway_core::time::Timestamp;
use slipway_store::clock;
use slipway_store::domains::DomainRow;
use slipway_store::instances::Instance;

use super::Instances;
use super::fleet::{ActiveRollout, Member};
use super::sighting::Sighting;
use crate::context::Host;

impl<H: Host> Instances<H> {
    /// The world of one app, as it stands.
    pub(super) async fn world(
        &mut self,
        member: &Member,
        sighting: &Sighting,
    ) -> anyhow::Result<World> {
        let mut replicas = Vec::with_capacity(member.rows.len());
        for row in &member.rows {
            let release = self.fleet.release(&self.context.store, &row.release_id).await?;
            replicas.push(self.replica(row, &release, sighting));
        }
        let rollout = member.rollout.as_ref().map(|rollout| {
            let not_before = not_before(&rollout.deployment, &member.domains);
            self.rollout(rollout, not_before, sighting)
        });
        Ok(World {
            wanted: member.scale.clone(),
            serving: member.live.as_deref().map(|release| target(release, Timestamp(0))),
            rollout,
            replicas,
            routed: sighting.routed(&member.app.id),
            misplaced: sighting.misplaced.contains(&member.app.id),
            complete: sighting.complete,
        })
    }

    fn rollout(
        &self,
        rollout: &ActiveRollout,
        not_before: Timestamp,
        sighting: &Sighting,
    ) -> Rollout {
        let deployment = &rollout.deployment;
        Rollout {
            stage: stage(&deployment.state),
            since: deployment.state_since,
            target: target(&rollout.target, not_before),
            previous: rollout.previous.as_deref().map(|release| target(release, Timestamp(0))),
            observe: rollout.target.formation.rollout.observe_ms,
            vitals: self.rollouts.vitals(&deployment.id, &deployment.app_id, &sighting.traffic),
        }
    }

    fn replica(&mut self, row: &Instance, release: &Arc<Release>, sighting: &Sighting) -> Replica {
        let now = clock::now();
        let (standing, standing_since) = self.standing(row, release, sighting, now);
        let up = sighting.is_up(&row.id);
        let local = self.locals.of(&row.id, &row.app_id);
        local.booting = standing == Standing::Booting
            && row.state == InstanceState::Starting
            && local.verdict.is_none();
        if standing == Standing::Ready && up {
            local.crashes_when_ready.get_or_insert(local.crashes);
            // It became ready after all.
            local.verdict = None;
        }
        let crashes_when_ready = local.crashes_when_ready;
        let crashes = local.crashes;
        let verdict = self.verdict(row, release, sighting, now);
        Replica {
            id: row.id.clone(),
            release_id: row.release_id.clone(),
            content: release.content.clone(),
            process: row.process.clone(),
            phase: phase(row),
            standing,
            standing_since,
            up,
            crashes_since_ready: crashes_when_ready
                .map_or(0, |before| crashes.saturating_sub(before)),
            verdict,
            created_at: row.created_at,
            in_flight: sighting.in_flight(&row.id),
        }
    }

    /// How an instance stands: by its probes, or, without a port, by having run a while.
    pub(super) fn standing(
        &self,
        row: &Instance,
        release: &Release,
        sighting: &Sighting,
        now: Timestamp,
    ) -> (Standing, Timestamp) {
        let before = (initial_standing(row.state), row.ready_at.unwrap_or(row.created_at));
        let proxied = release.formation.processes.get(&row.process).and_then(|spec| spec.port);
        if proxied.is_some() {
            return self
                .health
                .health(&row.id)
                .map_or(before, |health| (health.standing, health.since));
        }
        match sighting.observed.get(&row.id).map(|observed| observed.state) {
            Some(ObservedState::Running { since }) if now.since(since) >= SETTLE => {
                (Standing::Ready, since)
            }
            Some(
                ObservedState::Running { .. }
                | ObservedState::Created
                | ObservedState::Restarting { .. }
                | ObservedState::Exited { .. },
            )
            | None => before,
        }
    }

    /// Why a booting instance will not become ready, once that is certain. Decided once.
    fn verdict(
        &mut self,
        row: &Instance,
        release: &Release,
        sighting: &Sighting,
        now: Timestamp,
    ) -> Option<Reason> {
        let local = self.locals.of(&row.id, &row.app_id);
        if let Some(verdict) = &local.verdict {
            return Some(verdict.clone());
        }
        let observed = sighting.observed.get(&row.id)?;
        let spec = release.formation.processes.get(&row.process)?;
        let running_since = match observed.state {
            ObservedState::Running { since } => since,
            ObservedState::Created
            | ObservedState::Restarting { .. }
            | ObservedState::Exited { .. } => now,
        };
        let started = *local.started.get_or_insert(running_since);
        let boot = Boot {
            started,
            deadline: spec.health.boot_deadline_ms,
            port: spec.port,
            path: spec.health.path(),
            crashes: local.crashes,
            last_exit: local.last_exit,
            listeners: &observed.listeners,
            memory_bytes: spec.limits.memory_bytes,
        };
        if local.crashes_when_ready.is_some() {
            return None;
        }
        let health = self.health.health(&row.id).unwrap_or_else(|| Health::booting(row.created_at));
        let verdict = health.boot_verdict(&boot, now)?;
        let reason = verdict.with_last_lines(self.last_lines(row));
        self.locals.of(&row.id, &row.app_id).verdict = Some(reason.clone());
        Some(reason)
    }

    /// The last lines an instance printed.
    pub(super) fn last_lines(&self, row: &Instance) -> Vec<String> {
        let filter = slipway_store::logs::LogFilter {
            instance: Some(row.id.short().to_owned()),
            sources: vec![slipway_core::log::LogSource::App],
            ..Default::default()
        };
        match self.context.logs.last_words(&row.app_id, 20, &filter) {
            Ok(lines) => lines.into_iter().map(|line| line.text).collect(),
            Err(error) => {
                tracing::warn!(%error, "could not read an instance's last lines");
                Vec::new()
            }
        }
    }
}

/// The time from which on instances must have been made to count for a deployment.
///
/// A restart wants new ones. Every other deployment takes over what has its content; but of what an
/// instance is told at its start, the app's names are in no release's content. One that was made
/// before a name was added has not heard of it: so it is with what is still warm from before, and
/// when the deployment that was to tell of the name was superseded by this one.
fn not_before(deployment: &Deployment, domains: &[DomainRow]) -> Timestamp {
    match deployment.kind {
        DeploymentKind::Restart => deployment.created_at,
        DeploymentKind::Config
        | DeploymentKind::Push
        | DeploymentKind::Upload
        | DeploymentKind::Image
        | DeploymentKind::Rollback => {
            // A name that is added later has a deployment of its own. It must not change what counts
            // while this one is under way.
            let added = domains.iter().map(|row| row.added_at);
            added.filter(|at| *at <= deployment.created_at).max().unwrap_or(Timestamp(0))
        }
    }
}

/// A release as the planner wants it.
pub(super) fn target(release: &Release, not_before: Timestamp) -> Target {
    let processes = release.formation.processes.iter().map(|(name, spec)| {
        let proxied = name.is_web() && spec.port.is_some();
        (name.clone(), if proxied { Traffic::Proxied } else { Traffic::None })
    });
    Target {
        release_id: release.id.clone(),
        content: release.content.clone(),
        not_before,
        processes: processes.collect(),
        drain: release.formation.rollout.drain_ms,
    }
}

fn stage(state: &DeploymentState) -> Stage {
    match state {
        DeploymentState::Switching => Stage::Switching,
        DeploymentState::Observing => Stage::Observing,
        DeploymentState::Reverting { .. } => Stage::Reverting,
        // The fleet admits no others.
        DeploymentState::Starting
        | DeploymentState::Queued
        | DeploymentState::Building
        | DeploymentState::Releasing
        | DeploymentState::Succeeded
        | DeploymentState::Failed { .. }
        | DeploymentState::Superseded { .. }
        | DeploymentState::Canceled { .. }
        | DeploymentState::Reverted { .. }
        | DeploymentState::RevertFailed { .. } => Stage::Starting,
    }
}

fn phase(row: &Instance) -> Phase {
    match row.state {
        InstanceState::Starting
        | InstanceState::Ready
        | InstanceState::Unready
        | InstanceState::Crashed => Phase::Active,
        InstanceState::Draining => Phase::Draining {
            since: row.draining_since.unwrap_or(row.created_at),
            warm_until: row.warm_until,
        },
        InstanceState::Stopping | InstanceState::Stopped => Phase::Stopping,
    }
}

/// How an instance stands before its first probe in this run of Slipway: as it was last seen, so
/// that a restart of Slipway takes nobody out of the proxy.
pub(super) fn initial_standing(state: InstanceState) -> Standing {
    match state {
        InstanceState::Ready | InstanceState::Draining => Standing::Ready,
        InstanceState::Unready => Standing::Unready,
        InstanceState::Starting
        | InstanceState::Crashed
        | InstanceState::Stopping
        | InstanceState::Stopped => Standing::Booting,
    }
}

/// Ids of a set for a log message.
pub(super) fn shown(ids: &BTreeSet<InstanceId>) -> String {
    ids.iter().map(InstanceId::short).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use slipway_core::id::Id;

    use super::*;

    fn deployment(kind: DeploymentKind, created_at: i64) -> Deployment {
        Deployment {
            id: Id::from_bits(1),
            app_id: Id::from_bits(2),
            sequence: 3,
            kind,
            state: DeploymentState::Starting,
            state_since: Timestamp(created_at),
            deadline: None,
            release_id: None,
            previous_release_id: None,
            target_release_id: None,
            source: None,
            description: String::new(),
            created_by: "ada".to_owned(),
            created_at: Timestamp(created_at),
            finished_at: None,
            log_start: 0,
            receipt: None,
        }
    }

    fn named_at(added_at: i64) -> DomainRow {
        let domain = format!("shop{added_at}.example.com").parse().unwrap();
        DomainRow { domain, added_at: Timestamp(added_at), added_by: "ada".to_owned() }
    }

    #[test]
    fn a_deployment_takes_over_no_instance_that_has_not_heard_of_a_name() {
        let names = [named_at(10), named_at(20), named_at(50)];
        let rollback = deployment(DeploymentKind::Rollback, 40);
        assert_eq!(not_before(&rollback, &names), Timestamp(20), "50 has a deployment of its own");
        assert_eq!(not_before(&rollback, &names[2..]), Timestamp(0));
        assert_eq!(not_before(&rollback, &[]), Timestamp(0), "what is warm is as good as new");
        let tells = deployment(DeploymentKind::Config, 50);
        assert_eq!(not_before(&tells, &names), Timestamp(50));
    }

    #[test]
    fn a_restart_takes_over_nothing() {
        assert_eq!(not_before(&deployment(DeploymentKind::Restart, 40), &[]), Timestamp(40));
    }
}
