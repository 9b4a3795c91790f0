//! Whether this process lives, and whether it can work.

use axum::extract::State;

use crate::error::ApiError;
use crate::state::ApiState;

/// Answers as long as the process does.
#[utoipa::path(get, path = "/healthz", operation_id = "alive", tag = "server",
    responses((status = 200, description = "The process lives", body = String)))]
pub async fn alive() -> &'static str {
    "ok\n"
}

/// Answers when the database does.
#[utoipa::path(get, path = "/readyz", operation_id = "ready", tag = "server",
    responses((status = 200, description = "It can do its work", body = String)))]
pub async fn ready(State(state): State<ApiState>) -> Result<&'static str, ApiError> {
    match state.store.check().await {
        // Ready still: taken out of service, it could neither be looked at nor given room again.
        Ok(()) if state.store.is_read_only() => Ok("ready, read-only: the disk is full\n"),
        Ok(()) => Ok("ready\n"),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            Err(ApiError::Busy { what: "the database", retry_after_s: 5 })
        }
    }
}
