//! Apps.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use slipway_core::wire::app::{AppInfo, AppSummary, CreateApp};
use utoipa::IntoParams;

use crate::auth::permission::{Everywhere, InApp, Permitted, Read, Write};
use crate::error::ApiError;
use crate::extract::{Json, Query};
use crate::idempotency::IdempotencyKey;
use crate::state::ApiState;
use crate::view;

/// What proves that an app is meant to go.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Confirmation {
    /// The app's name, once more.
    confirm: Option<String>,
}

/// Lists the apps one may see.
#[utoipa::path(get, path = "/v1/apps", operation_id = "list_apps", tag = "apps",
    responses((status = 200, body = Vec<AppSummary>)), security(("credential" = ["read"])))]
pub async fn list(
    State(state): State<ApiState>,
    Permitted { caller, .. }: Permitted<Read>,
) -> Result<axum::Json<Vec<AppSummary>>, ApiError> {
    let rows = match caller.only_app() {
        Some(app) => state.store.app_row(app).await?.into_iter().collect(),
        None => state.store.apps().await?,
    };
    Ok(axum::Json(rows.iter().map(|row| view::app::summary(&state, row)).collect()))
}

/// Creates an app.
#[utoipa::path(post, path = "/v1/apps", operation_id = "create_app", tag = "apps",
    params(IdempotencyKey), request_body = CreateApp,
    responses((status = 201, body = AppInfo)), security(("credential" = ["write"])))]
pub async fn create(
    State(state): State<ApiState>,
    Everywhere { caller, .. }: Everywhere<Write>,
    key: IdempotencyKey,
    Json(request): Json<CreateApp>,
) -> Result<(StatusCode, axum::Json<AppInfo>), ApiError> {
    let made = key.once(&state, &caller, &request, async || {
        let app = state.store.create_app(&request.name, &caller.actor()).await?;
        view::app::describe(&state, &app).await
    });
    Ok((StatusCode::CREATED, axum::Json(made.await?.answer())))
}

/// Describes an app.
#[utoipa::path(get, path = "/v1/apps/{app}", operation_id = "show_app", tag = "apps",
    params(("app" = String, Path)),
    responses((status = 200, body = AppInfo)), security(("credential" = ["read"])))]
pub async fn show(
    State(state): State<ApiState>,
    InApp { app, .. }: InApp<Read>,
) -> Result<axum::Json<AppInfo>, ApiError> {
    Ok(axum::Json(view::app::describe(&state, &app).await?))
}

/// Destroys an app with its releases, configuration and logs. It cannot be undone.
#[utoipa::path(delete, path = "/v1/apps/{app}", operation_id = "destroy_app", tag = "apps",
    params(("app" = String, Path), Confirmation),
    responses((status = 202, description = "It is being destroyed")),
    security(("credential" = ["write"])))]
pub async fn destroy(
    State(state): State<ApiState>,
    InApp { caller, app, .. }: InApp<Write>,
    Query(Confirmation { confirm }): Query<Confirmation>,
) -> Result<StatusCode, ApiError> {
    if confirm.as_deref() != Some(app.name.as_str()) {
        let message = format!("destroying `{}` needs its name once more", app.name);
        let hint = format!("add `?confirm={0}`, or `--confirm {0}`", app.name);
        return Err(ApiError::invalid("not_confirmed", message, hint));
    }
    state.store.tombstone_app(&app.id, &caller.actor()).await?;
    Ok(StatusCode::ACCEPTED)
}
