//! Whose turn it is to build: builds take processors and memory, so there are few at a time.

use std::sync::Arc;

use slipway_core::deployment::{Deployment, DeploymentState};
use slipway_core::release::Source;
use tokio::sync::OwnedSemaphorePermit;

use crate::runner::Run;

/// As many build as may at the same time.
pub(super) struct Awaited;

/// A deployment's place among those that build; another may have it when it is dropped. `None` when
/// the deployment has nothing to build, or no more.
pub(super) fn take_place(
    deployment: &Deployment,
    run: &Run,
) -> Result<Option<OwnedSemaphorePermit>, Awaited> {
    let has_tree = matches!(deployment.source, Some(Source::Git { .. } | Source::Upload { .. }));
    let is_ahead = matches!(deployment.state, DeploymentState::Queued | DeploymentState::Building);
    if !(has_tree && is_ahead && deployment.kind.builds()) {
        return Ok(None);
    }
    Arc::clone(&run.build_slots).try_acquire_owned().map(Some).map_err(|_| Awaited)
}
