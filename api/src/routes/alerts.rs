//! Alerts of apps and of the host: their rules, where they stand, and when they fired.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use slipway_core::alert::{Rule, Scope};
use slipway_core::id::{AppId, FiringId};
use slipway_core::name::AlertName;
use slipway_core::wire::alert::{AlertInfo, Firing};
use slipway_store::AlertScope;
use utoipa::IntoParams;

use crate::auth::caller::Caller;
use crate::auth::permission::{Admin, Everywhere, InApp, Read, Write};
use crate::error::ApiError;
use crate::extract::{Json, Path, Query};
use crate::state::ApiState;
use crate::view;

const LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 500;

/// Which part of the history.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FiringsQuery {
    /// Most rows, 50 when not given, at most 500.
    limit: Option<u32>,
    /// Only those before this one.
    #[param(value_type = Option<String>)]
    before: Option<FiringId>,
}

/// Lists an app's alerts and where they stand, those that are there by themselves included.
#[utoipa::path(get, path = "/v1/apps/{app}/alerts", operation_id = "list_alerts", tag = "look",
    params(("app" = String, Path)),
    responses((status = 200, body = Vec<AlertInfo>)), security(("credential" = ["read"])))]
pub async fn list(
    State(state): State<ApiState>,
    InApp { app, .. }: InApp<Read>,
) -> Result<axum::Json<Vec<AlertInfo>>, ApiError> {
    Ok(axum::Json(view::alert::list(&state, &AlertScope::App(app.id)).await?))
}

/// Adds an alert of an app, or changes one. One that is there by itself is switched off with
/// `enabled`.
#[utoipa::path(put, path = "/v1/apps/{app}/alerts/{name}", operation_id = "set_alert",
    tag = "look", params(("app" = String, Path), ("name" = String, Path)), request_body = Rule,
    responses((status = 200, body = AlertInfo)), security(("credential" = ["write"])))]
pub async fn set(
    State(state): State<ApiState>,
    InApp { caller, app, .. }: InApp<Write>,
    Path(names): Path<(String, String)>,
    Json(rule): Json<Rule>,
) -> Result<axum::Json<AlertInfo>, ApiError> {
    set_rule(&state, &caller, &of_app(app.id), &names.1, rule).await
}

/// Removes an alert of an app; a changed one that is there by itself becomes what it was.
#[utoipa::path(delete, path = "/v1/apps/{app}/alerts/{name}", operation_id = "remove_alert",
    tag = "look", params(("app" = String, Path), ("name" = String, Path)),
    responses((status = 204, description = "Removed")), security(("credential" = ["write"])))]
pub async fn remove(
    State(state): State<ApiState>,
    InApp { app, .. }: InApp<Write>,
    Path(names): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    remove_rule(&state, &of_app(app.id), &names.1).await
}

/// Lists when an app's alerts fired, newest first.
#[utoipa::path(get, path = "/v1/apps/{app}/firings", operation_id = "list_firings", tag = "look",
    params(("app" = String, Path), FiringsQuery),
    responses((status = 200, body = Vec<Firing>)), security(("credential" = ["read"])))]
pub async fn firings(
    State(state): State<ApiState>,
    InApp { app, .. }: InApp<Read>,
    Query(query): Query<FiringsQuery>,
) -> Result<axum::Json<Vec<Firing>>, ApiError> {
    page(&state, &of_app(app.id), &query).await
}

/// Lists the alerts of the host and where they stand.
#[utoipa::path(get, path = "/v1/alerts", operation_id = "list_host_alerts", tag = "server",
    responses((status = 200, body = Vec<AlertInfo>)), security(("credential" = ["read"])))]
pub async fn list_of_host(
    State(state): State<ApiState>,
    _: Everywhere<Read>,
) -> Result<axum::Json<Vec<AlertInfo>>, ApiError> {
    Ok(axum::Json(view::alert::list(&state, &AlertScope::Host).await?))
}

/// Adds an alert of the host, or changes one.
#[utoipa::path(put, path = "/v1/alerts/{name}", operation_id = "set_host_alert", tag = "server",
    params(("name" = String, Path)), request_body = Rule,
    responses((status = 200, body = AlertInfo)), security(("credential" = ["admin"])))]
pub async fn set_of_host(
    State(state): State<ApiState>,
    Everywhere { caller, .. }: Everywhere<Admin>,
    Path(name): Path<String>,
    Json(rule): Json<Rule>,
) -> Result<axum::Json<AlertInfo>, ApiError> {
    set_rule(&state, &caller, &AlertScope::Host, &name, rule).await
}

/// Removes an alert of the host; a changed one that is there by itself becomes what it was.
#[utoipa::path(delete, path = "/v1/alerts/{name}", operation_id = "remove_host_alert",
    tag = "server", params(("name" = String, Path)),
    responses((status = 204, description = "Removed")), security(("credential" = ["admin"])))]
pub async fn remove_of_host(
    State(state): State<ApiState>,
    _: Everywhere<Admin>,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    remove_rule(&state, &AlertScope::Host, &name).await
}

/// Lists when the host's alerts fired, newest first.
#[utoipa::path(get, path = "/v1/firings", operation_id = "list_host_firings", tag = "server",
    params(FiringsQuery),
    responses((status = 200, body = Vec<Firing>)), security(("credential" = ["read"])))]
pub async fn firings_of_host(
    State(state): State<ApiState>,
    _: Everywhere<Read>,
    Query(query): Query<FiringsQuery>,
) -> Result<axum::Json<Vec<Firing>>, ApiError> {
    page(&state, &AlertScope::Host, &query).await
}

fn of_app(id: AppId) -> AlertScope {
    AlertScope::App(id)
}

async fn page(
    state: &ApiState,
    scope: &AlertScope,
    query: &FiringsQuery,
) -> Result<axum::Json<Vec<Firing>>, ApiError> {
    let limit = query.limit.unwrap_or(LIMIT).clamp(1, MAX_LIMIT);
    Ok(axum::Json(state.store.firings(scope, limit, query.before.as_ref()).await?))
}

async fn set_rule(
    state: &ApiState,
    caller: &Caller,
    scope: &AlertScope,
    name: &str,
    rule: Rule,
) -> Result<axum::Json<AlertInfo>, ApiError> {
    let name: AlertName = name.parse().map_err(|error: slipway_core::name::InvalidName| {
        ApiError::invalid("invalid_name", error.to_string(), "choose another name")
    })?;
    let kind = if scope.app_id().is_some() { Scope::App } else { Scope::Host };
    rule.check(kind)
        .map_err(|error| ApiError::invalid("invalid_alert", error.to_string(), error.hint()))?;
    state.store.set_alert_rule(scope, &name, &rule, &caller.actor()).await?;
    let all = view::alert::list(state, scope).await?;
    let made = all.into_iter().find(|alert| alert.name == name);
    made.map(axum::Json).ok_or_else(|| ApiError::not_found("alert", name.as_str()))
}

async fn remove_rule(
    state: &ApiState,
    scope: &AlertScope,
    name: &str,
) -> Result<StatusCode, ApiError> {
    let not_found = || ApiError::not_found("alert", name);
    let parsed: AlertName = name.parse().map_err(|_| not_found())?;
    if state.store.delete_alert_rule(scope, &parsed).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    if view::alert::is_default(scope, &parsed) {
        return Err(ApiError::conflict(
            "default_alert",
            format!("`{parsed}` is there by itself and cannot be removed"),
            format!("switch it off: `slipway alerts off {parsed}`"),
        ));
    }
    Err(not_found())
}
