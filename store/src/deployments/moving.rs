//! What is written when a deployment moves.

use slipway_core::deployment::{Deployment, DeploymentEvent, DeploymentState};
use slipway_core::event::EventKind;
use slipway_core::id::{AppId, DeploymentId, Id, ReleaseId};
use slipway_core::process::RolloutSettings;
use slipway_core::release::Release;
use slipway_core::time::Timestamp;

use super::row;
use crate::clock;
use crate::db::{WriteTx, json};
use crate::error::StoreError;
use crate::releases;
use crate::wakes::Topic;

/// The deployment as it stands.
pub(crate) async fn load(
    tx: &mut WriteTx,
    id: &DeploymentId,
) -> Result<Option<Deployment>, StoreError> {
    let row = statement!("deployments/by_id", id.as_str());
    row.fetch_optional(tx.connection()).await?.as_ref().map(row::deployment).transpose()
}

/// The app's deployments that have not ended, oldest first.
pub(super) async fn unfinished(
    tx: &mut WriteTx,
    app_id: &AppId,
) -> Result<Vec<Deployment>, StoreError> {
    let rows = statement!("deployments/unfinished", app_id.as_str());
    rows.fetch_all(tx.connection()).await?.iter().map(row::deployment).collect()
}

/// Moves a deployment that was read in this transaction, whose app's row is held.
pub(super) async fn apply(
    tx: &mut WriteTx,
    deployment: &Deployment,
    event: DeploymentEvent,
) -> Result<Deployment, StoreError> {
    let next = deployment.state.after(event.clone())?;
    let release = match &deployment.release_id {
        Some(id) => releases::load(tx, id).await?,
        None => None,
    };
    let now = clock::now();
    let settings = release
        .as_ref()
        .map_or_else(RolloutSettings::default, |release| release.formation.rollout.clone());
    let moved = Deployment {
        deadline: next.deadline(&settings).map(|span| now + span),
        finished_at: next.is_terminal().then_some(now),
        state: next,
        state_since: now,
        ..deployment.clone()
    };
    write(tx, deployment, &moved).await?;
    write_release(tx, &moved, &event).await?;
    tell(tx, &moved, release.as_ref());
    Ok(moved)
}

async fn write(tx: &mut WriteTx, from: &Deployment, to: &Deployment) -> Result<(), StoreError> {
    let update = statement!(
        "deployments/move",
        from.id.as_str(),
        from.state.name(),
        to.state.name(),
        to.state.reason().map(json),
        to.state_since.0,
        to.deadline.map(|at| at.0),
        to.finished_at.map(|at| at.0)
    );
    match update.execute(tx.connection()).await?.rows_affected() {
        0 => Err(StoreError::Stale),
        _ => Ok(()),
    }
}

/// Which release is live, and which has proved itself.
async fn write_release(
    tx: &mut WriteTx,
    moved: &Deployment,
    event: &DeploymentEvent,
) -> Result<(), StoreError> {
    let now = moved.state_since;
    match event {
        DeploymentEvent::Switched { .. } => {
            set_live(tx, &moved.app_id, moved.release_id.as_ref(), now).await?;
        }
        DeploymentEvent::PutBack => {
            set_live(tx, &moved.app_id, moved.previous_release_id.as_ref(), now).await?;
        }
        DeploymentEvent::Begun { .. }
        | DeploymentEvent::ImageReady
        | DeploymentEvent::CommandDone
        | DeploymentEvent::AllReady
        | DeploymentEvent::StayedHealthy
        | DeploymentEvent::WentBad { .. }
        | DeploymentEvent::PutBackFailed { .. }
        | DeploymentEvent::Failed { .. }
        | DeploymentEvent::Superseded { .. }
        | DeploymentEvent::Canceled { .. } => {}
    }
    if let (DeploymentState::Succeeded, Some(release_id)) = (&moved.state, &moved.release_id) {
        statement!("releases/mark_stable", release_id.as_str(), now.0)
            .execute(tx.connection())
            .await?;
    }
    Ok(())
}

async fn set_live(
    tx: &mut WriteTx,
    app_id: &AppId,
    release_id: Option<&ReleaseId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let since = release_id.map(|_| now.0);
    statement!("apps/set_live", app_id.as_str(), release_id.map(Id::as_str), since)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Tells that a deployment is where it is now, to everybody who may have to act on it.
pub(super) fn tell(tx: &mut WriteTx, deployment: &Deployment, release: Option<&Release>) {
    let event = EventKind::DeploymentMoved {
        deployment_id: deployment.id.clone(),
        sequence: deployment.sequence,
        deployment_kind: deployment.kind,
        state: deployment.state.clone(),
        version: release.map(|release| release.version),
    };
    tx.tell(&deployment.app_id, event);
    tx.wake(Topic::Instances);
    if deployment.state.is_terminal() {
        // The next one in the queue may begin.
        tx.wake(Topic::Jobs);
    }
}
