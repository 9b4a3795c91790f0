//! Takes a sighting in: rows follow what was observed, effects that were interrupted begin again.

use std::time::Duration;

use slipway_core::event::EventKind;
use slipway_core::health::{Health, Standing, exit_reason};
use slipway_core::instance::{InstanceState, Observed, ObservedState};
use slipway_core::reason::{Reason, ReasonCode};
use slipway_core::release::Release;
use slipway_store::clock;
use slipway_store::instances::{Instance, InstanceUpdate};

use super::Instances;
use super::fleet::Member;
use super::sighting::Sighting;
use crate::context::Host;
use crate::health::Question;

impl<H: Host> Instances<H> {
    /// Brings rows, probes and memory in line with what was seen.
    pub(super) async fn absorb(&mut self, sighting: &Sighting) -> anyhow::Result<()> {
        let members: Vec<Member> = self.fleet.members().cloned().collect();
        for member in &members {
            for row in &member.rows {
                let release = self.fleet.release(&self.context.store, &row.release_id).await?;
                let changed = match sighting.observed.get(&row.id) {
                    Some(observed) => {
                        self.absorb_present(member, row, &release, observed, sighting).await?
                    }
                    None => self.absorb_absent(member, row, &release, sighting).await?,
                };
                if changed {
                    self.fleet.reload(&self.context.store, &member.app.id).await?;
                }
            }
        }
        let rows: std::collections::BTreeSet<_> = members
            .iter()
            .flat_map(|member| member.rows.iter().map(|row| row.id.clone()))
            .collect();
        self.locals.retain(|id| rows.contains(id));
        self.health.retain(|id| rows.contains(id));
        Ok(())
    }

    async fn absorb_absent(
        &mut self,
        member: &Member,
        row: &Instance,
        release: &Release,
        sighting: &Sighting,
    ) -> anyhow::Result<bool> {
        if self.effects.is_busy(&row.id) || !sighting.complete {
            return Ok(false);
        }
        match row.state {
            // Its start was interrupted, or failed for a passing cause.
            InstanceState::Starting if row.endpoint.is_none() && !row.started => {
                let changed = self.note_refusal_of(row).await?;
                self.begin_start(member, row, release);
                Ok(changed)
            }
            InstanceState::Stopping => {
                self.note_stopped(row, release).await?;
                Ok(true)
            }
            InstanceState::Starting
            | InstanceState::Ready
            | InstanceState::Unready
            | InstanceState::Crashed
            | InstanceState::Draining => {
                self.note_vanished(row, release).await?;
                Ok(true)
            }
            InstanceState::Stopped => Ok(false),
        }
    }

    async fn absorb_present(
        &mut self,
        member: &Member,
        row: &Instance,
        release: &Release,
        observed: &Observed,
        sighting: &Sighting,
    ) -> anyhow::Result<bool> {
        if row.state == InstanceState::Stopping {
            self.begin_stop(row, release);
            return Ok(false);
        }
        self.note_crashes(row, observed);
        if matches!(observed.state, ObservedState::Created) {
            self.begin_start(member, row, release);
            return Ok(false);
        }
        if matches!(observed.state, ObservedState::Exited { .. }) && !self.effects.is_busy(&row.id)
        {
            // The engine gave up restarting it, or somebody stopped it by hand.
            return self.replace(row, release, observed).await;
        }
        self.watch(member, row, release, observed);
        self.follow_standing(row, release, observed, sighting).await
    }

    /// Counts ends of the process, and starts its health anew after each.
    fn note_crashes(&mut self, row: &Instance, observed: &Observed) {
        let local = self.locals.of(&row.id, &row.app_id);
        let crashes = match observed.state {
            ObservedState::Exited { .. } => observed.restarts + 1,
            ObservedState::Created
            | ObservedState::Running { .. }
            | ObservedState::Restarting { .. } => observed.restarts,
        };
        if let ObservedState::Restarting { exit } | ObservedState::Exited { exit } = observed.state
        {
            local.last_exit = Some(exit);
        }
        if crashes > local.crashes {
            local.crashes = crashes;
            self.health.reset(&row.id, &Health::booting(clock::now()));
        }
    }

    fn watch(&mut self, member: &Member, row: &Instance, release: &Release, observed: &Observed) {
        let Some(spec) = release.formation.processes.get(&row.process) else { return };
        let (Some(port), Some(endpoint)) = (spec.port, observed.endpoint) else { return };
        let question = Question {
            address: endpoint.0,
            hostname: self.context.hostname(&member.app.name),
            check: spec.health.clone(),
        };
        let initial = match super::world::initial_standing(row.state) {
            Standing::Ready => Health::assumed_ready(row.ready_at.unwrap_or(row.created_at)),
            Standing::Booting | Standing::Unready => Health::booting(clock::now()),
        };
        self.health.watch(&row.id, question, initial);
        self.health.record_listeners(&row.id, &observed.listeners, port);
    }

    /// Writes down a change of standing, with its event.
    async fn follow_standing(
        &mut self,
        row: &Instance,
        release: &Release,
        observed: &Observed,
        sighting: &Sighting,
    ) -> anyhow::Result<bool> {
        let now = clock::now();
        let (standing, _) = self.standing(row, release, sighting, now);
        let restarting = matches!(observed.state, ObservedState::Restarting { .. });
        let next = match (row.state, standing) {
            (InstanceState::Draining, _) => InstanceState::Draining,
            _ if restarting => InstanceState::Crashed,
            (_, Standing::Ready) => InstanceState::Ready,
            (_, Standing::Unready) => InstanceState::Unready,
            (InstanceState::Crashed, Standing::Booting) => InstanceState::Crashed,
            (_, Standing::Booting) => InstanceState::Starting,
        };
        let endpoint = observed.endpoint.map(|endpoint| endpoint.0);
        let restarts = self.locals.of(&row.id, &row.app_id).crashes;
        if next == row.state && endpoint == row.endpoint && restarts == row.restarts {
            return Ok(false);
        }
        let reason = self.reason_of(row, release, next);
        let event = event_of(row, release, next, reason.clone());
        let update = InstanceUpdate {
            state: Some(next),
            endpoint: Some(endpoint),
            ready_at: (next == InstanceState::Ready && row.ready_at.is_none()).then_some(now),
            restarts: Some(restarts),
            reason: Some(reason),
            started: Some(true),
            ..InstanceUpdate::default()
        };
        self.context.store.update_instance(&row.id, update, event).await?;
        Ok(true)
    }

    fn reason_of(
        &mut self,
        row: &Instance,
        release: &Release,
        next: InstanceState,
    ) -> Option<Reason> {
        let local = self.locals.of(&row.id, &row.app_id).clone();
        let memory = release
            .formation
            .processes
            .get(&row.process)
            .map_or(0, |spec| spec.limits.memory_bytes);
        match next {
            InstanceState::Crashed => {
                let exit = local.last_exit?;
                let reason = exit_reason(exit, local.crashes, memory);
                Some(reason.with_last_lines(self.last_lines(row)))
            }
            InstanceState::Unready => {
                Some(Reason::new(ReasonCode::BadStatus, "it fails its health check"))
            }
            // It became ready after all.
            InstanceState::Ready => None,
            InstanceState::Starting
            | InstanceState::Draining
            | InstanceState::Stopping
            | InstanceState::Stopped => local.verdict,
        }
    }

    /// Writes down why an instance cannot be started, for whoever looks at it.
    async fn note_refusal_of(&mut self, row: &Instance) -> anyhow::Result<bool> {
        let verdict = self.locals.get(&row.id).and_then(|local| local.verdict.clone());
        if verdict.is_none() || verdict == row.reason {
            return Ok(false);
        }
        let update = InstanceUpdate { reason: Some(verdict), ..InstanceUpdate::default() };
        self.context.store.update_instance(&row.id, update, None).await?;
        Ok(true)
    }

    async fn note_stopped(&mut self, row: &Instance, release: &Release) -> anyhow::Result<()> {
        let event = EventKind::InstanceStopped {
            process: row.process.to_string(),
            instance: row.id.short().to_owned(),
            version: release.version,
        };
        self.context.store.update_instance(&row.id, stopped(), Some(event)).await?;
        Ok(())
    }

    /// Somebody removed it behind our back; the planner makes another.
    async fn note_vanished(&mut self, row: &Instance, release: &Release) -> anyhow::Result<()> {
        tracing::warn!(instance_id = %row.id, "an instance is gone that nobody stopped");
        let reason = Reason::new(ReasonCode::Exited, "it was removed from outside Slipway");
        let event = failed(row, release, reason.clone());
        let update = InstanceUpdate { reason: Some(Some(reason)), ..stopped() };
        self.context.store.update_instance(&row.id, update, Some(event)).await?;
        Ok(())
    }

    async fn replace(
        &mut self,
        row: &Instance,
        release: &Release,
        observed: &Observed,
    ) -> anyhow::Result<bool> {
        let exit = match observed.state {
            ObservedState::Exited { exit } => exit,
            ObservedState::Created
            | ObservedState::Running { .. }
            | ObservedState::Restarting { .. } => return Ok(false),
        };
        let memory = release
            .formation
            .processes
            .get(&row.process)
            .map_or(0, |spec| spec.limits.memory_bytes);
        let reason = exit_reason(exit, 1, memory).with_last_lines(self.last_lines(row));
        let event = failed(row, release, reason.clone());
        let update = InstanceUpdate {
            state: Some(InstanceState::Stopping),
            reason: Some(Some(reason)),
            ..InstanceUpdate::default()
        };
        self.context.store.update_instance(&row.id, update, Some(event)).await?;
        self.begin_stop(row, release);
        Ok(true)
    }

    /// Stops an instance in the background; its row is closed when it is seen to be gone.
    pub(super) fn begin_stop(&mut self, row: &Instance, release: &Release) {
        let context = self.shared();
        let id = row.id.clone();
        let grace = Duration::from_millis(release.formation.rollout.grace_ms.0);
        self.effects.begin(&row.id, async move {
            if let Err(error) = context.host.stop(&id, grace).await {
                tracing::warn!(instance_id = %id, %error, "could not stop an instance");
            }
            context.store.wakes().notify(slipway_store::wakes::Topic::Instances);
        });
    }
}

fn stopped() -> InstanceUpdate {
    InstanceUpdate {
        state: Some(InstanceState::Stopped),
        stopped_at: Some(clock::now()),
        in_proxy: Some(false),
        ..InstanceUpdate::default()
    }
}

fn failed(row: &Instance, release: &Release, reason: Reason) -> EventKind {
    EventKind::InstanceFailed {
        process: row.process.to_string(),
        instance: row.id.short().to_owned(),
        version: release.version,
        reason,
    }
}

/// The event of a change of state, if it is one that people want to see.
fn event_of(
    row: &Instance,
    release: &Release,
    next: InstanceState,
    reason: Option<Reason>,
) -> Option<EventKind> {
    let process = row.process.to_string();
    let instance = row.id.short().to_owned();
    let version = release.version;
    match (row.state, next) {
        (before, after) if before == after => None,
        (InstanceState::Starting, InstanceState::Ready) if row.ready_at.is_none() => {
            Some(EventKind::InstanceReady { process, instance, version })
        }
        (_, InstanceState::Ready) => {
            Some(EventKind::InstanceRecovered { process, instance, version })
        }
        (_, InstanceState::Crashed | InstanceState::Unready) => {
            reason.map(|reason| failed(row, release, reason))
        }
        _ => None,
    }
}
