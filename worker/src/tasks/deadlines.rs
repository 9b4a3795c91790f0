//! Ends states that have lasted too long: no deployment stays in progress for ever.

use std::time::Duration;

use slipway_core::deployment::{Deployment, DeploymentEvent};
use slipway_store::{StoreError, clock};
use tokio_util::sync::CancellationToken;

use crate::announce::Announcer;
use crate::context::{Host, Shared};
use crate::rounds::Task;

/// How often deadlines are looked at; the shortest state may last 15 s.
const POLL: Duration = Duration::from_secs(5);
/// How long whoever takes deployments on has after a start: they may have stood still since a deadline
/// that passed while nobody was there.
const HEAD_START: Duration = Duration::from_secs(15);

/// Looks after deadlines until told to stop.
pub async fn run<H: Host>(context: Shared<H>, stop: CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => return,
        () = tokio::time::sleep(HEAD_START) => {}
    }
    while !stop.is_cancelled() {
        let overdue = context.store.overdue(clock::now());
        match context.rounds.watch(Task::Deadlines, overdue).await {
            Ok(overdue) => {
                for deployment in overdue {
                    end(&context, deployment).await;
                }
            }
            Err(error) => tracing::warn!(%error, "could not look after deadlines"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }
}

async fn end<H: Host>(context: &Shared<H>, deployment: Deployment) {
    let had = clock::now().since(deployment.state_since);
    let Some(event) = deployment.state.overdue(had) else { return };
    let reason = match &event {
        DeploymentEvent::Failed { reason }
        | DeploymentEvent::WentBad { reason, .. }
        | DeploymentEvent::PutBackFailed { reason } => Some(reason.clone()),
        DeploymentEvent::Begun { .. }
        | DeploymentEvent::ImageReady
        | DeploymentEvent::CommandDone
        | DeploymentEvent::AllReady
        | DeploymentEvent::Switched { .. }
        | DeploymentEvent::StayedHealthy
        | DeploymentEvent::PutBack
        | DeploymentEvent::Superseded { .. }
        | DeploymentEvent::Canceled { .. } => None,
    };
    if let Some(reason) = reason {
        let (app_id, id) = (deployment.app_id.clone(), deployment.id.clone());
        Announcer::new(context.logs.clone(), app_id, id).failure("deploy failed", &reason);
    }
    let state = deployment.state.name();
    match context.store.advance(&deployment.id, event, None).await {
        Ok(_) => tracing::warn!(deployment_id = %deployment.id, state, "a deadline passed"),
        Err(StoreError::Stale | StoreError::Illegal(_)) => {}
        Err(error) => tracing::warn!(%error, "could not end a state that lasted too long"),
    }
}
