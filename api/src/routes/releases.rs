//! Releases, and the way back to one.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use slipway_core::deployment::DeploymentKind;
use slipway_core::release::Release;
use slipway_core::wire::deployment::{DeploymentInfo, RollbackRequest};
use slipway_core::wire::release::{ReleaseInfo, ReleaseSummary};
use slipway_store::App;
use utoipa::IntoParams;

use crate::auth::permission::{Deploy, InApp, Read};
use crate::differences::{Side, between};
use crate::error::ApiError;
use crate::extract::{Json, Path, Query};
use crate::idempotency::IdempotencyKey;
use crate::routes::deploy::{Wanted, begin};
use crate::state::ApiState;
use crate::view;

const LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 500;

/// Which part of the history.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReleaseQuery {
    /// Most releases, 50 when not given, at most 500.
    limit: Option<u32>,
    /// Only releases with a lower number.
    before: Option<u32>,
}

/// Lists an app's releases, newest first.
#[utoipa::path(get, path = "/v1/apps/{app}/releases", operation_id = "list_releases",
    tag = "deployments", params(("app" = String, Path), ReleaseQuery),
    responses((status = 200, body = Vec<ReleaseSummary>)), security(("credential" = ["read"])))]
pub async fn list(
    State(state): State<ApiState>,
    InApp { app, .. }: InApp<Read>,
    Query(query): Query<ReleaseQuery>,
) -> Result<axum::Json<Vec<ReleaseSummary>>, ApiError> {
    let limit = query.limit.unwrap_or(LIMIT).clamp(1, MAX_LIMIT);
    let releases = state.store.releases(&app.id, limit, query.before).await?;
    let live = app.live_release_id.as_ref();
    Ok(axum::Json(releases.iter().map(|it| view::release::summary(it, live)).collect()))
}

/// Describes a release, and what differs between it and the live one.
#[utoipa::path(get, path = "/v1/apps/{app}/releases/{version}", operation_id = "show_release",
    tag = "deployments",
    params(("app" = String, Path), ("version" = String, Path, description = "`10` or `v10`")),
    responses((status = 200, body = ReleaseInfo)), security(("credential" = ["read"])))]
pub async fn show(
    State(state): State<ApiState>,
    InApp { app, .. }: InApp<Read>,
    Path(names): Path<(String, String)>,
) -> Result<axum::Json<ReleaseInfo>, ApiError> {
    let (_, version) = names;
    let release = by_version(&state, &app, &version).await?;
    Ok(axum::Json(describe(&state, &app, release).await?))
}

/// Describes the release that a rollback without a number goes to: the newest stable one before
/// the live one that runs something else and still has its image.
#[utoipa::path(get, path = "/v1/apps/{app}/rollback", operation_id = "show_rollback",
    tag = "deployments", params(("app" = String, Path)),
    responses((status = 200, body = ReleaseInfo)), security(("credential" = ["read"])))]
pub async fn show_rollback(
    State(state): State<ApiState>,
    InApp { app, .. }: InApp<Read>,
) -> Result<axum::Json<ReleaseInfo>, ApiError> {
    let release = rollback_target(&state, &app, None).await?;
    Ok(axum::Json(describe(&state, &app, release).await?))
}

async fn describe(state: &ApiState, app: &App, release: Release) -> Result<ReleaseInfo, ApiError> {
    let sealed = state.store.sealed_config_of_release(&release.id).await?;
    let differs_from_live = match state.store.live_release(&app.id).await? {
        Some(live) if live.id != release.id => {
            let sealed_live = state.store.sealed_config_of_release(&live.id).await?;
            let from = Side { release: &live, sealed: &sealed_live.0 };
            Some(between(from, Side { release: &release, sealed: &sealed.0 }))
        }
        Some(_) | None => None,
    };
    Ok(ReleaseInfo {
        summary: view::release::summary(&release, app.live_release_id.as_ref()),
        image: release.image,
        formation: release.formation,
        origin: release.source,
        config_keys: sealed.0.into_keys().collect(),
        differs_from_live,
    })
}

/// Takes the app back to an older release: its image, configuration and processes, as a new
/// release. Without a number it is the newest stable one that differs from the live one.
#[utoipa::path(post, path = "/v1/apps/{app}/rollback", operation_id = "roll_back",
    tag = "deployments", params(("app" = String, Path), IdempotencyKey),
    request_body = RollbackRequest,
    responses((status = 202, body = DeploymentInfo)), security(("credential" = ["deploy"])))]
pub async fn roll_back(
    State(state): State<ApiState>,
    InApp { caller, app, .. }: InApp<Deploy>,
    key: IdempotencyKey,
    Json(request): Json<RollbackRequest>,
) -> Result<(StatusCode, axum::Json<DeploymentInfo>), ApiError> {
    let began = key.once(&state, &caller, &request, async || {
        let target = rollback_target(&state, &app, request.version).await?;
        let wanted = Wanted {
            kind: DeploymentKind::Rollback,
            description: format!("rollback to v{}", target.version),
            source: target.source.clone(),
            target: Some(target.id),
        };
        begin(&state, &app, &caller, wanted).await
    });
    Ok((StatusCode::ACCEPTED, axum::Json(began.await?.answer())))
}

async fn rollback_target(
    state: &ApiState,
    app: &App,
    version: Option<u32>,
) -> Result<Release, ApiError> {
    let live = state.store.live_release(&app.id).await?;
    let target = match version {
        Some(version) => by_version(state, app, &version.to_string()).await?,
        None => state.store.rollback_target(&app.id).await?.ok_or_else(|| {
            ApiError::conflict(
                "nothing_to_roll_back_to",
                "there is no stable release that differs from the live one",
                "`slipway releases` lists what there is; name one with `slipway rollback v3`",
            )
        })?,
    };
    if live.is_some_and(|live| live.content == target.content) {
        let message = format!("v{} is what runs already", target.version);
        let hint = "`slipway releases` lists what there is";
        return Err(ApiError::conflict("already_current", message, hint));
    }
    if !target.image_kept {
        let message = format!("the image of v{} was removed", target.version);
        let hint = "deploy its commit again; the last 5 stable releases keep their images";
        return Err(ApiError::conflict("image_removed", message, hint));
    }
    Ok(target)
}

async fn by_version(state: &ApiState, app: &App, version: &str) -> Result<Release, ApiError> {
    let not_found = || ApiError::not_found("release", version);
    let number = version.strip_prefix('v').unwrap_or(version).parse().map_err(|_| not_found())?;
    state.store.release_by_version(&app.id, number).await?.ok_or_else(not_found)
}
