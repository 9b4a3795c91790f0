//! Changes wanted counts to what the load asks for.
//!
//! ```text
//!   live readings ─┐
//!   scale, rollout ┼─▶ core::autoscale::decide ─▶ store (count, event, decision) ─▶ reconciler
//!   memory limits ─┘
//! ```
//!
//! It decides at every look of the monitor, and a while after the last one when those fail to come:
//! then everything holds, and says so. What it remembers between looks can be lost: a count then
//! stays up for one down window longer.

mod idleness;
mod memory;
mod room;
mod subjects;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use slipway_core::autoscale::{Decision, Input, Tempo, Verdict, decide};
use slipway_core::id::{AppId, ReleaseId};
use slipway_core::name::ProcessName;
use slipway_core::release::Release;
use slipway_core::time::{Millis, Timestamp};
use slipway_store::{Autoscaled, FleetEntry, StoreError, clock};
use tokio_util::sync::CancellationToken;

use self::memory::Memory;
use self::room::Demand;
use crate::context::{Host, Shared};
use crate::rounds::Task;

/// How long the next look is waited for.
const PATIENCE: Duration = Duration::from_secs(4);
/// How often it is said how a process is when nothing changes.
const REPEAT: Millis = Millis::from_secs(15);

/// The autoscaler with what it remembers.
pub struct Autoscaler<H> {
    context: Shared<H>,
    memories: BTreeMap<(AppId, ProcessName), Memory>,
    /// Releases never change, so one that was read stays read.
    releases: BTreeMap<ReleaseId, Arc<Release>>,
}

/// What all decisions of one round are made from.
struct Round {
    now: Timestamp,
    fleet: BTreeMap<AppId, FleetEntry>,
    rolling: BTreeSet<AppId>,
    demand: Demand,
}

impl<H: Host> Autoscaler<H> {
    /// One that remembers nothing.
    pub fn new(context: Shared<H>) -> Self {
        Self { context, memories: BTreeMap::new(), releases: BTreeMap::new() }
    }

    /// Scales until told to stop.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut looks = self.context.live.subscribe();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = tokio::time::timeout(PATIENCE, looks.changed()) => {}
            }
            let context = Shared::clone(&self.context);
            if let Err(error) = context.rounds.watch(Task::Autoscaler, self.round()).await {
                tracing::warn!(%error, "could not decide about the number of instances");
            }
        }
    }

    async fn round(&mut self) -> Result<(), StoreError> {
        let scaled = self.context.store.all_autoscaled().await?;
        self.memories.retain(|(app_id, process), _| {
            scaled.iter().any(|one| one.app_id == *app_id && one.process == *process)
        });
        if scaled.is_empty() {
            return Ok(());
        }
        let round = self.look().await?;
        for one in scaled {
            match self.scale(&one, &round).await {
                // Somebody else changed the count: the next look starts from theirs.
                Ok(()) | Err(StoreError::Stale | StoreError::AppMissing) => {}
                Err(error) => tracing::warn!(app_id = %one.app_id, %error, "could not scale"),
            }
        }
        Ok(())
    }

    async fn look(&mut self) -> Result<Round, StoreError> {
        let store = &self.context.store;
        let rollouts = store.rollouts().await?;
        let fleet = store.fleet().await?;
        let live = fleet.iter().filter_map(|entry| entry.app.live_release_id.clone());
        let live: BTreeSet<ReleaseId> = live.collect();
        self.releases.retain(|id, _| live.contains(id));
        for id in live {
            if !self.releases.contains_key(&id)
                && let Some(release) = store.release(&id).await?
            {
                self.releases.insert(id, Arc::new(release));
            }
        }
        let demand = Demand::of(&fleet, &self.releases, self.context.live.host().as_ref());
        Ok(Round {
            now: clock::now(),
            rolling: rollouts.into_iter().map(|deployment| deployment.app_id).collect(),
            fleet: fleet.into_iter().map(|entry| (entry.app.id.clone(), entry)).collect(),
            demand,
        })
    }

    async fn scale(&mut self, one: &Autoscaled, round: &Round) -> Result<(), StoreError> {
        let Some(entry) = round.fleet.get(&one.app_id) else { return Ok(()) };
        let Some(current) = entry.scale.get(&one.process).copied() else { return Ok(()) };
        let release = entry.app.live_release_id.as_ref().and_then(|id| self.releases.get(id));
        let spec = release.and_then(|release| release.formation.processes.get(&one.process));
        // Before its first release, and in one that lacks the process, there is nothing to scale.
        let Some(spec) = spec else { return Ok(()) };
        let proxied = one.process.is_web() && spec.port.is_some();
        let now = round.now;
        let live = &self.context.live;
        let key = (one.app_id.clone(), one.process.clone());
        let memory = self.memories.entry(key).or_insert_with(|| Memory::starting(now, current));
        memory.see_count(now, current, one.settings.down_window_ms);
        memory.see_rollout(now, round.rolling.contains(&one.app_id));
        memory.idleness.see(now, &live.processes_of(&one.app_id), &one.process);
        let subjects =
            subjects::of(&live.of_app(&one.app_id), &one.process, &one.settings.targets, proxied);
        let input = Input {
            now,
            current,
            paused: one.paused,
            rollout: memory.rollout,
            room: round.demand.room(&one.app_id, &one.process),
            idle_since: memory.idleness.since().filter(|_| proxied),
            subjects: &subjects,
            tempo: Tempo::LIVE,
        };
        let decision = decide(&one.settings, &memory.history, &input);
        memory.history.note(&decision, &one.settings, now);
        self.tell(one, current, &decision, now).await
    }

    /// Carries a decision out, or says how things are, and not more often than anybody looks.
    async fn tell(
        &mut self,
        one: &Autoscaled,
        current: u32,
        decision: &Decision,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let store = &self.context.store;
        let before = one.present.as_ref();
        let same = before.is_some_and(|(_, before)| before.verdict == decision.verdict);
        if decision.count == current && (same || decision.verdict.is_ordinary()) {
            if before.is_none_or(|(at, _)| now.since(*at) >= REPEAT) {
                store.explain(&one.app_id, &one.process, decision).await?;
            }
            return Ok(());
        }
        store.carry_out(&one.app_id, &one.process, current, decision).await?;
        if decision.count != current {
            let (app_id, process) = (&one.app_id, &one.process);
            tracing::info!(%app_id, %process, decision = decision.sentence, "scaled");
            let key = (one.app_id.clone(), one.process.clone());
            if let Some(memory) = self.memories.get_mut(&key) {
                memory.step(now, decision.count);
                if decision.verdict == Verdict::Sleep {
                    memory.idleness.forget();
                }
            }
        }
        Ok(())
    }
}
