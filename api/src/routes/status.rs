//! The server itself.

use axum::extract::State;
use slipway_core::time::Millis;
use slipway_core::wire::status::{ComponentStatus, ServerStatus};
use slipway_store::clock;

use crate::auth::permission::{Everywhere, Read};
use crate::error::ApiError;
use crate::state::ApiState;

/// Tells how the server and its parts are.
#[utoipa::path(get, path = "/v1/status", operation_id = "show_status", tag = "server",
    responses((status = 200, body = ServerStatus)), security(("credential" = ["read"])))]
pub async fn show(
    State(state): State<ApiState>,
    _: Everywhere<Read>,
) -> Result<axum::Json<ServerStatus>, ApiError> {
    let now = clock::now();
    let jobs = state.store.job_counts().await?;
    let mut components = vec![database(&state).await];
    let parts = state.store.component_statuses().await?;
    components.extend(parts.into_iter().map(|part| ComponentStatus {
        age_ms: now.since(part.at),
        name: part.name,
        ok: part.ok,
        message: part.message,
    }));
    Ok(axum::Json(ServerStatus {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        installation: state.installation.to_string(),
        database: state.store.backend().as_str().to_owned(),
        claimed: state.store.is_claimed().await?,
        components,
        tasks: state.store.task_rounds().await?,
        apps: state.store.app_count().await?,
        jobs_queued: jobs.queued,
        jobs_running: jobs.running,
        now,
    }))
}

async fn database(state: &ApiState) -> ComponentStatus {
    let (ok, message) = match state.store.check().await {
        Ok(()) if state.store.is_read_only() => {
            (false, "read-only until the disk has room; apps go on".to_owned())
        }
        Ok(()) => (true, "answers".to_owned()),
        Err(error) => {
            tracing::warn!(%error, "the database does not answer");
            (false, "does not answer; the server's log says why".to_owned())
        }
    };
    ComponentStatus { name: "database".to_owned(), ok, message, age_ms: Millis(0) }
}
