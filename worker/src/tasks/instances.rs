//! The reconciler of instances: look, plan, act, and look again.
//!
//! ```text
//!   engine.list ─┐
//!   store rows  ─┼─▶ World ─▶ core::rollout::plan ─▶ actions ─▶ engine, proxy, store
//!   proxy read  ─┘                    └────────────▶ deployment event ─▶ store
//! ```
//!
//! Rows are written before their effect, so whatever is interrupted is found again: a row that is
//! starting and has no container is started, a row that is stopping is stopped. What runs without a
//! row is an orphan, and goes after a while.

mod absorb;
mod act;
mod effects;
mod failures;
mod fleet;
mod local;
mod orphans;
mod rollout;
mod sighting;
mod statics;
mod world;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use slipway_core::deployment::DeploymentState;
use slipway_core::instance::InstanceState;
use slipway_core::rollout::{Action, plan};
use slipway_store::wakes::Topic;
use slipway_store::{Instance, clock};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use self::effects::Effects;
use self::failures::Failures;
use self::fleet::{ActiveRollout, Fleet, Member};
use self::local::Locals;
use self::orphans::Orphans;
use self::rollout::Rollouts;
use self::sighting::Sighting;
use crate::context::{Host, Shared};
use crate::health::HealthBoard;
use crate::proxy::{ProxyConfig, Traffic};
use crate::rounds::Task;

/// How often the world is looked at while a release is observed, or while an instance drains or
/// waits for its next start. While all is as it should be, the store decides.
const POLL: Duration = Duration::from_secs(2);
/// How often while something boots or switches.
const BUSY_POLL: Duration = Duration::from_millis(250);
/// Steps of one app that follow each other without looking at the engine again.
const STEPS: usize = 6;

/// The reconciler with what it remembers between looks; all of it can be lost.
pub struct Instances<H: Host> {
    context: Shared<H>,
    health: HealthBoard,
    fleet: Fleet,
    locals: Locals,
    rollouts: Rollouts,
    orphans: Orphans,
    effects: Effects,
    failures: Failures,
    last_traffic: Traffic,
    /// What the proxy's files say now.
    applied: Option<ProxyConfig>,
}

impl<H: Host> Instances<H> {
    /// A reconciler that has not looked yet.
    pub fn new(context: Shared<H>) -> Self {
        let health = HealthBoard::new(context.store.wakes().clone());
        Self {
            context,
            health,
            fleet: Fleet::default(),
            locals: Locals::default(),
            rollouts: Rollouts::default(),
            orphans: Orphans::default(),
            effects: Effects::default(),
            failures: Failures::default(),
            last_traffic: Traffic::default(),
            applied: None,
        }
    }

    /// Reconciles until told to stop; then lets effects under way come to their next safe point.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut wake = self.context.store.wakes().subscribe(Topic::Instances);
        let mut engine_events = self.context.host.events();
        let mut pause = Duration::ZERO;
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = wake.wait(pause) => {}
                event = engine_events.next() => {
                    if event.is_none() {
                        engine_events = self.context.host.events();
                    }
                }
            }
            let context = self.shared();
            pause = match context.rounds.watch(Task::Instances, self.look_and_act()).await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::warn!(error = format!("{error:#}"), "could not reconcile instances");
                    POLL
                }
            };
        }
        self.effects.finish(Duration::from_secs(5)).await;
    }

    /// One look at everything, and the steps that follow from it. Says when the next is due.
    async fn look_and_act(&mut self) -> anyhow::Result<Duration> {
        // Rows before the engine: what a row calls started and the later listing lacks is gone.
        self.fleet.load(&self.context.store).await?;
        let mut sighting = self.sight().await;
        self.failures.settle(&mut self.locals);
        self.absorb(&sighting).await?;
        self.sync_sites().await;
        self.note_rollouts(&sighting);
        let mut pause = if sighting.complete { self.context.store.resync() } else { BUSY_POLL };
        if self.applied.is_none() {
            pause = pause.min(POLL);
        }
        for app_id in self.fleet.app_ids() {
            match self.reconcile(&app_id, &mut sighting).await {
                Ok(due) => pause = pause.min(due),
                Err(error) => {
                    pause = pause.min(POLL);
                    let error = format!("{error:#}");
                    tracing::warn!(%app_id, error, "could not reconcile an app");
                }
            }
        }
        self.remove_orphans(&sighting).await;
        Ok(pause)
    }

    /// Plans and acts for one app until nothing follows at once. Says when to look at it again.
    async fn reconcile(
        &mut self,
        app_id: &slipway_core::id::AppId,
        sighting: &mut Sighting,
    ) -> anyhow::Result<Duration> {
        for _ in 0..STEPS {
            let Some(member) = self.fleet.member(app_id) else { return Ok(POLL) };
            let world = self.world(&member, sighting).await?;
            let next = plan(&world, clock::now());
            if next.actions.is_empty() && next.event.is_none() {
                return Ok(self.pause(&member));
            }
            // These change the world at once, so that the next step can follow at once.
            let goes_on = next.event.is_some()
                || next
                    .actions
                    .iter()
                    .any(|action| matches!(action, Action::Revive { .. } | Action::Route { .. }));
            let mut acted = Ok(());
            for action in next.actions {
                acted = acted.and(self.act(&member, action, sighting).await);
            }
            if let Some(event) = self.refused(&member).or(next.event) {
                self.advance(&member, event, sighting).await?;
            }
            self.fleet.reload(&self.context.store, app_id).await?;
            acted?;
            if !goes_on {
                return Ok(BUSY_POLL);
            }
        }
        Ok(BUSY_POLL)
    }

    /// When to look at an app again of which nothing is to be done now. What happens in containers
    /// is told by the engine and by probes; what comes with time, as the end of observing, is not.
    fn pause(&self, member: &Member) -> Duration {
        let rolls =
            |rollout: &ActiveRollout| rollout.deployment.state != DeploymentState::Observing;
        if member.rollout.as_ref().is_some_and(rolls) || self.locals.any_booting(&member.app.id) {
            return BUSY_POLL;
        }
        let is_steady = |row: &Instance| row.state == InstanceState::Ready;
        if member.rollout.is_none() && member.rows.iter().all(is_steady) {
            self.context.store.resync()
        } else {
            POLL
        }
    }

    fn shared(&self) -> Shared<H> {
        Arc::clone(&self.context)
    }
}

/// Bounds a call to a part that may hang.
async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    timeout(limit, work).await.ok()
}
