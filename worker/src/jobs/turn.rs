//! Whose turn it is to build: builds take processors and memory, so there are few at a time.

use std::sync::Arc;

use slipway_core::deployment::{Deployment, DeploymentState};
use slipway_core::release::Source;
use slipway_store::StoreError;
use tokio::sync::OwnedSemaphorePermit;

use super::deploy::{Halt, Work};
use crate::context::{Host, Shared};
use crate::runner::Run;

/// A deployment's turn to build.
pub(super) enum BuildTurn {
    /// It has nothing to build, or no more.
    Needless,
    /// As many build as may at the same time.
    Awaited,
    /// It is one of those that build, for as long as this is held.
    Come(OwnedSemaphorePermit),
}

impl BuildTurn {
    /// Takes the turn if there is one.
    pub(super) fn of(deployment: &Deployment, run: &Run) -> Self {
        let has_tree =
            matches!(deployment.source, Some(Source::Git { .. } | Source::Upload { .. }));
        let is_ahead =
            matches!(deployment.state, DeploymentState::Queued | DeploymentState::Building);
        if !(has_tree && is_ahead && deployment.kind.builds()) {
            return Self::Needless;
        }
        Arc::clone(&run.build_slots).try_acquire_owned().map_or(Self::Awaited, Self::Come)
    }

    /// Whether it has still to come.
    pub(super) fn is_awaited(&self) -> bool {
        matches!(self, Self::Awaited)
    }

    /// Waits for it; others build again when what is returned is dropped.
    ///
    /// # Errors
    /// [`Halt::Interrupted`] when the deployment is not to go on.
    pub(super) async fn come<H: Host>(
        &mut self,
        work: &Work<'_, H>,
    ) -> Result<Option<OwnedSemaphorePermit>, Halt> {
        match std::mem::replace(self, Self::Needless) {
            Self::Needless => Ok(None),
            Self::Come(place) => Ok(Some(place)),
            Self::Awaited => tokio::select! {
                place = Arc::clone(&work.run.build_slots).acquire_owned() => Ok(Some(place?)),
                () = work.cancel.cancelled() => Err(Halt::Interrupted),
            },
        }
    }
}

/// Whether the app's own build under way ends when this deployment begins: then its turn is near.
pub(super) async fn takes_the_builders_place<H: Host>(
    context: &Shared<H>,
    deployment: &Deployment,
) -> Result<bool, StoreError> {
    let active = context.store.active_deployment(&deployment.app_id).await?;
    Ok(active.is_some_and(|active| {
        active.state == DeploymentState::Building
            && active.id != deployment.id
            && deployment.kind.supersedes(active.kind, &active.state)
    }))
}
