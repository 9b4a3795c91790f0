//! Releases.

use slipway_core::id::ReleaseId;
use slipway_core::release::{Release, Source};
use slipway_core::wire::release::ReleaseSummary;
use slipway_store::App;

use crate::error::ApiError;
use crate::state::ApiState;

/// A release as it is listed.
pub fn summary(release: &Release, live: Option<&ReleaseId>) -> ReleaseSummary {
    ReleaseSummary {
        version: release.version,
        description: release.description.clone(),
        source: release.source.as_ref().map(Source::summary),
        created_by: release.created_by.clone(),
        created_at: release.created_at,
        live: live == Some(&release.id),
        stable: release.stable_at.is_some(),
        pinned: release.pinned,
        image_kept: release.image_kept,
        copy_of: release.copy_of,
    }
}

/// The release that serves.
///
/// # Errors
/// A conflict, when nothing does yet.
pub async fn live(state: &ApiState, app: &App) -> Result<Release, ApiError> {
    state.store.live_release(&app.id).await?.ok_or_else(|| {
        let message = format!("nothing of `{}` is live yet", app.name);
        ApiError::conflict("nothing_live", message, "deploy it first: `git push slipway main`")
    })
}
