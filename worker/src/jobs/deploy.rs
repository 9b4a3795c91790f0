//! Carries a deployment up to `starting`; from there the instances reconciler takes it on.
//!
//! ```text
//! queued ─▶ building (image) ─▶ releasing (release row, command) ─▶ starting
//! ```
//!
//! Each stage begins by looking whether an earlier attempt already did its work.

use std::time::Duration;

use slipway_core::deployment::{Deployment, DeploymentEvent, DeploymentKind, DeploymentState};
use slipway_core::id::DeploymentId;
use slipway_core::reason::{Reason, ReasonCode};
use slipway_core::release::Release;
use slipway_core::time::Millis;
use slipway_store::StoreError;
use slipway_store::apps::App;
use slipway_store::deployments::Begun;
use slipway_store::releases::NewRelease;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use super::{Outcome, build, command, turn};
use crate::announce::Announcer;
use crate::context::{Host, Shared};
use crate::runner::Run;

/// How long to wait before asking again whether it is this deployment's turn.
const BUSY: Millis = Millis(500);
/// How long to wait before asking again whether somebody else's build has ended.
const BUILDERS_BUSY: Millis = Millis(1000);
/// How often a running stage looks whether somebody canceled or overtook its deployment.
const WATCH: Duration = Duration::from_millis(500);

/// What a stage works with.
pub(super) struct Work<'a, H: Host> {
    pub context: &'a Shared<H>,
    pub app: App,
    pub deployment: Deployment,
    pub announcer: Announcer,
    pub run: &'a Run,
    /// Fires when the deployment is canceled or overtaken, or the worker stops.
    pub cancel: CancellationToken,
}

/// Why a stage did not reach its end.
#[derive(Debug)]
pub(super) enum Halt {
    /// The deployment has failed.
    Failed(Reason),
    /// Somebody else ended the deployment, or the worker stops.
    Interrupted,
    /// A passing cause; the job is tried again.
    Passing(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Passing(error.into())
    }
}

/// Does what is left to do for the deployment.
pub async fn perform<H: Host>(
    context: &Shared<H>,
    id: &DeploymentId,
    run: &Run,
) -> anyhow::Result<Outcome> {
    let Some(found) = context.store.deployment(id).await? else { return Ok(Outcome::Done(None)) };
    let Ok(place) = turn::take_place(&found, run) else {
        // It stays queued: then the time does not count as its own, and it takes no other job's place.
        return Ok(Outcome::Later(BUILDERS_BUSY));
    };
    let deployment = match context.store.begin(id, run.fence).await? {
        Begun::Started(deployment) => deployment,
        Begun::Busy => return Ok(Outcome::Later(BUSY)),
        Begun::Gone => return Ok(Outcome::Done(None)),
    };
    let Some(app) = context.store.app_by_id(&deployment.app_id).await? else {
        return Ok(Outcome::Done(None));
    };
    let announcer = Announcer::new(context.logs.clone(), app.id.clone(), id.clone());
    let cancel = run.stop.child_token();
    let work = Work { context, app, deployment, announcer, run, cancel: cancel.clone() };
    let halted = tokio::select! {
        halted = stages(&work, place) => halted,
        () = overtaken(context, id, &cancel) => Err(Halt::Interrupted),
    };
    match halted {
        Err(Halt::Passing(error)) => Err(error),
        Err(Halt::Interrupted) if run.stop.is_cancelled() => Ok(Outcome::Later(Millis(0))),
        Ok(()) | Err(Halt::Interrupted) => Ok(Outcome::Done(None)),
        Err(Halt::Failed(reason)) => {
            fail(&work, reason).await?;
            Ok(Outcome::Done(None))
        }
    }
}

async fn stages<H: Host>(
    work: &Work<'_, H>,
    mut place: Option<OwnedSemaphorePermit>,
) -> Result<(), Halt> {
    let mut deployment = work.deployment.clone();
    loop {
        let event = match deployment.state {
            DeploymentState::Building => {
                build::image(work, &deployment).await?;
                drop(place.take());
                DeploymentEvent::ImageReady
            }
            DeploymentState::Releasing => {
                let release = release(work, &deployment).await?;
                command::run(work, &release).await?;
                DeploymentEvent::CommandDone
            }
            // From here on it is the reconciler's, or over.
            DeploymentState::Queued
            | DeploymentState::Starting
            | DeploymentState::Switching
            | DeploymentState::Observing
            | DeploymentState::Reverting { .. }
            | DeploymentState::Succeeded
            | DeploymentState::Failed { .. }
            | DeploymentState::Superseded { .. }
            | DeploymentState::Canceled { .. }
            | DeploymentState::Reverted { .. }
            | DeploymentState::RevertFailed { .. } => return Ok(()),
        };
        let fence = Some(work.run.fence);
        let was_releasing = deployment.state == DeploymentState::Releasing;
        deployment = match work.context.store.advance(&deployment.id, event, fence).await {
            Ok(deployment) => deployment,
            Err(StoreError::Stale | StoreError::Illegal(_) | StoreError::LostLease) => {
                return Err(Halt::Interrupted);
            }
            Err(error) => return Err(error.into()),
        };
        if was_releasing {
            command::clear_away(work).await?;
        }
    }
}

/// The deployment's release: built ones have theirs, the others copy one.
async fn release<H: Host>(work: &Work<'_, H>, deployment: &Deployment) -> Result<Release, Halt> {
    let store = &work.context.store;
    if let Some(id) = &deployment.release_id {
        return store.release(id).await?.ok_or_else(|| gone("its release"));
    }
    let id = match (&deployment.target_release_id, &work.app.live_release_id) {
        (Some(target), _) => target,
        (None, Some(live)) => live,
        (None, None) => return Err(gone("the release it builds on")),
    };
    let origin = store.release(id).await?.ok_or_else(|| gone("the release it copies"))?;
    let host = &work.context.host;
    if !host.has(&origin.image).await.map_err(build::halt)? {
        let sentence = format!("the image of v{} is not on this machine any more", origin.version);
        return Err(Halt::Failed(Reason::new(ReasonCode::ImageUnavailable, sentence)));
    }
    let rollback = deployment.kind == DeploymentKind::Rollback;
    let sealed_config = if deployment.kind == DeploymentKind::Config {
        store.sealed_config_of_app(&work.app.id).await?
    } else {
        store.sealed_config_of_release(&origin.id).await?
    };
    let new = NewRelease {
        image: origin.image.clone(),
        formation: origin.formation.clone(),
        description: deployment.description.clone(),
        source: origin.source.clone(),
        copy_of: rollback.then_some(origin.version),
        sealed_config,
    };
    Ok(store.create_release(&deployment.id, work.run.fence, new).await?)
}

fn gone(what: &str) -> Halt {
    Halt::Failed(Reason::new(ReasonCode::Internal, format!("{what} is not stored any more")))
}

/// Resolves when the deployment is no longer this job's to work on.
async fn overtaken<H: Host>(context: &Shared<H>, id: &DeploymentId, cancel: &CancellationToken) {
    let mut wake = context.store.wakes().subscribe(slipway_store::wakes::Topic::Events);
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            () = wake.wait(WATCH) => {}
        }
        match context.store.deployment(id).await {
            Ok(Some(deployment)) if deployment.state.is_terminal() => {
                cancel.cancel();
                // Leave the stage the time to take its effects down.
                tokio::time::sleep(Duration::from_secs(5)).await;
                return;
            }
            Ok(None) => return,
            Ok(Some(_)) => {}
            Err(error) => tracing::debug!(%error, "could not look after a deployment"),
        }
    }
}

async fn fail<H: Host>(work: &Work<'_, H>, reason: Reason) -> anyhow::Result<()> {
    let headline = match &work.app.live_release_id {
        Some(id) => match work.context.store.release(id).await? {
            Some(live) => format!("deploy failed; v{} serves as before", live.version),
            None => "deploy failed".to_owned(),
        },
        None => format!("deploy failed; {} has no earlier release to serve", work.app.name),
    };
    work.announcer.failure(&headline, &reason);
    let event = DeploymentEvent::Failed { reason };
    match work.context.store.advance(&work.deployment.id, event, None).await {
        Ok(_) | Err(StoreError::Stale | StoreError::Illegal(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The job failed too often: so has the deployment.
pub async fn give_up<H: Host>(context: &Shared<H>, id: &DeploymentId, error: &str) {
    let Ok(Some(deployment)) = context.store.deployment(id).await else { return };
    let announcer =
        Announcer::new(context.logs.clone(), deployment.app_id.clone(), deployment.id.clone());
    let code = if error.contains("container engine does not answer") {
        ReasonCode::DockerUnavailable
    } else {
        ReasonCode::Internal
    };
    let reason = Reason::new(code, format!("given up after several attempts: {error}"));
    announcer.failure("deploy failed", &reason);
    let event = DeploymentEvent::Failed { reason };
    if let Err(error) = context.store.advance(id, event, None).await {
        tracing::warn!(deployment_id = %id, %error, "could not end a deployment");
    }
}
