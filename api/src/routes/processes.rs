//! What runs, and how many of it are wanted.

use axum::extract::State;
use slipway_core::wire::process::{InstanceInfo, Scale, ScaleRequest};

use crate::auth::permission::{InApp, Read, Write};
use crate::error::ApiError;
use crate::extract::Json;
use crate::state::ApiState;
use crate::view;

/// Lists an app's instances.
#[utoipa::path(get, path = "/v1/apps/{app}/instances", operation_id = "list_instances",
    tag = "apps", params(("app" = String, Path)),
    responses((status = 200, body = Vec<InstanceInfo>)), security(("credential" = ["read"])))]
pub async fn instances(
    State(state): State<ApiState>,
    InApp { app, .. }: InApp<Read>,
) -> Result<axum::Json<Vec<InstanceInfo>>, ApiError> {
    Ok(axum::Json(view::instance::list(&state, &app.id).await?))
}

/// Tells how many instances of each process are wanted.
#[utoipa::path(get, path = "/v1/apps/{app}/scale", operation_id = "show_scale",
    tag = "apps", params(("app" = String, Path)),
    responses((status = 200, body = Scale)), security(("credential" = ["read"])))]
pub async fn scale(
    State(state): State<ApiState>,
    InApp { app, .. }: InApp<Read>,
) -> Result<axum::Json<Scale>, ApiError> {
    Ok(axum::Json(Scale { counts: state.store.scale(&app.id).await? }))
}

/// Sets how many instances are wanted; processes not named keep their number.
#[utoipa::path(put, path = "/v1/apps/{app}/scale", operation_id = "set_scale",
    tag = "apps", params(("app" = String, Path)), request_body = ScaleRequest,
    responses((status = 200, body = Scale)), security(("credential" = ["write"])))]
pub async fn set_scale(
    State(state): State<ApiState>,
    InApp { caller, app, .. }: InApp<Write>,
    Json(request): Json<ScaleRequest>,
) -> Result<axum::Json<Scale>, ApiError> {
    state.store.set_scale(&app.id, &request.counts, &caller.actor()).await?;
    Ok(axum::Json(Scale { counts: state.store.scale(&app.id).await? }))
}
