//! Deployments: accepted, begun, moved from state to state, and always brought to an end.
//!
//! Which state follows from which event, and who gives way to whom, is decided by
//! [`slipway_core::deployment`]; this module says what else is written with it. Everything that
//! moves a deployment holds its app's row first, so an app's deployments move one after the other.

mod moving;
mod row;
mod tallies;

use slipway_core::deployment::{
    Deployment, DeploymentEvent, DeploymentKind, DeploymentState, Receipt,
};
use slipway_core::id::{AppId, DeploymentId, Id, ReleaseId};
use slipway_core::process::RolloutSettings;
use slipway_core::reason::{Reason, ReasonCode};
use slipway_core::release::Source;
use slipway_core::time::Timestamp;

pub(crate) use self::moving::load;
pub use self::tallies::DeploymentTally;
use crate::apps::{App, AppState, lock_app};
use crate::db::{Columns, Store, WriteTx, json};
use crate::error::StoreError;
use crate::jobs::{self, JobKind};
use crate::{clock, mint};

/// A deployment that somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDeployment {
    pub app_id: AppId,
    pub kind: DeploymentKind,
    /// Where the code comes from, for kinds that build.
    pub source: Option<Source>,
    pub description: String,
    pub by: String,
    /// Where its lines will begin in the app's log.
    pub log_start: u64,
    /// What a rollback goes back to.
    pub target_release: Option<ReleaseId>,
}

/// What became of beginning a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "made once a job, and taken apart at once")]
pub enum Begun {
    /// It is this deployment's turn, or it was begun already.
    Started(Deployment),
    /// Another one of the app goes first.
    Busy,
    /// It has ended, or its app is gone.
    Gone,
}

impl Store {
    /// Accepts a deployment with the app's next sequence, and enqueues its job. What gives way to
    /// it ends in the same transaction ([`DeploymentKind::supersedes`]).
    ///
    /// # Errors
    /// [`StoreError::AppDeleting`], [`StoreError::AppMissing`].
    pub async fn accept(&self, new: NewDeployment) -> Result<Deployment, StoreError> {
        let mut tx = self.begin_write().await?;
        let app = lock_app(&mut tx, &new.app_id).await?;
        let deployment = accept(&mut tx, &app, new).await?;
        tx.commit().await?;
        Ok(deployment)
    }

    /// Begins a queued deployment if it is its turn; continues one that was begun before.
    ///
    /// # Errors
    /// [`StoreError::LostLease`] when `fence` is not that of the deployment's job.
    pub async fn begin(&self, id: &DeploymentId, fence: i64) -> Result<Begun, StoreError> {
        let Some(found) = self.deployment(id).await? else { return Ok(Begun::Gone) };
        let mut tx = self.begin_write().await?;
        let app = match lock_app(&mut tx, &found.app_id).await {
            Err(StoreError::AppMissing) => return Ok(Begun::Gone),
            app => app?,
        };
        jobs::hold(&mut tx, id, fence).await?;
        let unfinished = moving::unfinished(&mut tx, &app.id).await?;
        let Some(deployment) = unfinished.iter().find(|deployment| deployment.id == *id) else {
            return Ok(Begun::Gone);
        };
        if deployment.state.is_active() {
            return Ok(Begun::Started(deployment.clone()));
        }
        for older in unfinished.iter().filter(|older| older.sequence < deployment.sequence) {
            if !deployment.kind.supersedes(older.kind, &older.state) {
                return Ok(Begun::Busy);
            }
            let by = deployment.sequence;
            moving::apply(&mut tx, older, DeploymentEvent::Superseded { by }).await?;
        }
        let begun = DeploymentEvent::Begun { builds: deployment.kind.builds() };
        let mut started = moving::apply(&mut tx, deployment, begun).await?;
        started.previous_release_id = app.live_release_id;
        let previous = started.previous_release_id.as_ref().map(Id::as_str);
        statement!("deployments/set_previous_release", id.as_str(), previous)
            .execute(tx.connection())
            .await?;
        tx.commit().await?;
        Ok(Begun::Started(started))
    }

    /// Takes a deployment on by an event, with everything that follows from it: which release is
    /// live or stable, the next deadline, whose turn it is.
    ///
    /// # Errors
    /// [`StoreError::Illegal`] when its state does not admit the event, and
    /// [`StoreError::LostLease`] when there is a `fence` and it is not that of the deployment's job.
    pub async fn advance(
        &self,
        id: &DeploymentId,
        event: DeploymentEvent,
        fence: Option<i64>,
    ) -> Result<Deployment, StoreError> {
        let missing = || StoreError::DeploymentMissing(id.clone());
        let found = self.deployment(id).await?.ok_or_else(missing)?;
        let mut tx = self.begin_write().await?;
        lock_app(&mut tx, &found.app_id).await?;
        if let Some(fence) = fence {
            jobs::hold(&mut tx, id, fence).await?;
        }
        let deployment = moving::load(&mut tx, id).await?.ok_or_else(missing)?;
        let moved = moving::apply(&mut tx, &deployment, event).await?;
        tx.commit().await?;
        Ok(moved)
    }

    /// Writes down what a switch did.
    pub async fn set_receipt(
        &self,
        id: &DeploymentId,
        receipt: &Receipt,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let set = statement!("deployments/set_receipt", id.as_str(), json(receipt));
        if set.execute(tx.connection()).await?.rows_affected() == 0 {
            return Err(StoreError::DeploymentMissing(id.clone()));
        }
        tx.commit().await
    }

    pub async fn deployment(&self, id: &DeploymentId) -> Result<Option<Deployment>, StoreError> {
        let row = statement!("deployments/by_id", id.as_str());
        row.fetch_optional(self.reader()).await?.as_ref().map(row::deployment).transpose()
    }

    /// Deployments of an app, newest first, from below the sequence `before`.
    pub async fn deployments(
        &self,
        app_id: &AppId,
        limit: u32,
        before: Option<u32>,
    ) -> Result<Vec<Deployment>, StoreError> {
        let before = before.map_or(i64::MAX, i64::from);
        let rows = statement!("deployments/of_app", app_id.as_str(), before, i64::from(limit));
        rows.fetch_all(self.reader()).await?.iter().map(row::deployment).collect()
    }

    /// The deployment of the app that is under way.
    pub async fn active_deployment(
        &self,
        app_id: &AppId,
    ) -> Result<Option<Deployment>, StoreError> {
        let row = statement!("deployments/active", app_id.as_str());
        row.fetch_optional(self.reader()).await?.as_ref().map(row::deployment).transpose()
    }

    /// Every deployment in a state that moves instances: starting, switching, observing, reverting.
    pub async fn rollouts(&self) -> Result<Vec<Deployment>, StoreError> {
        let rows = statement!("deployments/rollouts").fetch_all(self.reader()).await?;
        rows.iter().map(row::deployment).collect()
    }

    /// Every deployment whose deadline has passed.
    pub async fn overdue(&self, now: Timestamp) -> Result<Vec<Deployment>, StoreError> {
        let rows = statement!("deployments/overdue", now.0).fetch_all(self.reader()).await?;
        rows.iter().map(row::deployment).collect()
    }
}

/// Accepts a deployment of an app whose row is held.
pub(crate) async fn accept(
    tx: &mut WriteTx,
    app: &App,
    new: NewDeployment,
) -> Result<Deployment, StoreError> {
    if app.state == AppState::Deleting {
        return Err(StoreError::AppDeleting);
    }
    let next = statement!("apps/next_sequence", app.id.as_str()).fetch_one(tx.connection()).await?;
    let by = next.col("last_sequence")?;
    for older in moving::unfinished(tx, &app.id).await? {
        if new.kind.supersedes(older.kind, &older.state) {
            moving::apply(tx, &older, DeploymentEvent::Superseded { by }).await?;
        }
    }
    let now = clock::now();
    let waits = DeploymentState::Queued.deadline(&RolloutSettings::default());
    let deployment = Deployment {
        id: mint::id(),
        app_id: new.app_id,
        sequence: by,
        kind: new.kind,
        state: DeploymentState::Queued,
        state_since: now,
        deadline: waits.map(|span| now + span),
        release_id: None,
        previous_release_id: None,
        target_release_id: new.target_release,
        source: new.source,
        description: new.description,
        created_by: new.by,
        created_at: now,
        finished_at: None,
        log_start: new.log_start,
        receipt: None,
    };
    row::insert(tx, &deployment).await?;
    let job = JobKind::Deploy { deployment_id: deployment.id.clone() };
    jobs::insert(tx, &job, &deployment.app_id).await?;
    moving::tell(tx, &deployment, None);
    Ok(deployment)
}

/// Whether a deployment of the app under way has its release already, and so the configuration of
/// that moment.
pub(crate) async fn is_release_under_way(
    tx: &mut WriteTx,
    app_id: &AppId,
) -> Result<bool, StoreError> {
    let unfinished = moving::unfinished(tx, app_id).await?;
    Ok(unfinished.iter().any(|deployment| deployment.release_id.is_some()))
}

/// Ends every deployment of an app that is about to be destroyed and whose row is held.
pub(crate) async fn end_all(tx: &mut WriteTx, app_id: &AppId, by: &str) -> Result<(), StoreError> {
    let reason = Reason::new(ReasonCode::Canceled, format!("the app was destroyed by {by}"));
    for deployment in moving::unfinished(tx, app_id).await? {
        let canceled = DeploymentEvent::Canceled { by: by.to_owned() };
        // From the switch on a deployment cannot be canceled, but it can end.
        let endings = [
            canceled,
            DeploymentEvent::Failed { reason: reason.clone() },
            DeploymentEvent::StayedHealthy,
            DeploymentEvent::PutBackFailed { reason: reason.clone() },
        ];
        let admitted = |event: &DeploymentEvent| deployment.state.after(event.clone()).is_ok();
        if let Some(event) = endings.into_iter().find(admitted) {
            moving::apply(tx, &deployment, event).await?;
        }
    }
    Ok(())
}
