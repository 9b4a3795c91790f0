//! Receivers of an app's log lines.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use slipway_core::drain::DrainTarget;
use slipway_core::id::DrainId;
use slipway_core::outbound::REFUSAL_HINT;
use slipway_core::wire::drain::{DrainFailure, DrainInfo, DrainRequest, DrainTest};
use slipway_store::{App, Drain, NewDrain};
use tokio::time::{Instant, sleep};

use crate::auth::permission::{InApp, Read, Write};
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::idempotency::IdempotencyKey;
use crate::state::ApiState;

/// How long a test may take: the worker's own deadline, and time to notice.
const TEST_DEADLINE: Duration = Duration::from_secs(15);
const TEST_POLL: Duration = Duration::from_millis(100);

/// Lists the receivers of an app's log lines, and how each is doing; never a secret.
#[utoipa::path(get, path = "/v1/apps/{app}/drains", operation_id = "list_drains", tag = "look",
    params(("app" = String, Path)),
    responses((status = 200, body = Vec<DrainInfo>)), security(("credential" = ["read"])))]
pub async fn list(
    State(state): State<ApiState>,
    InApp { app, .. }: InApp<Read>,
) -> Result<axum::Json<Vec<DrainInfo>>, ApiError> {
    let mut drains = Vec::new();
    for drain in state.store.drains(&app.id).await? {
        drains.push(described(&state, drain).await?);
    }
    Ok(axum::Json(drains))
}

/// Adds a receiver of an app's log lines. It gets what is written from now on.
#[utoipa::path(post, path = "/v1/apps/{app}/drains", operation_id = "add_drain", tag = "look",
    params(("app" = String, Path), IdempotencyKey), request_body = DrainRequest,
    responses((status = 201, body = DrainInfo)), security(("credential" = ["write"])))]
pub async fn add(
    State(state): State<ApiState>,
    InApp { caller, app, .. }: InApp<Write>,
    key: IdempotencyKey,
    Json(request): Json<DrainRequest>,
) -> Result<(StatusCode, axum::Json<DrainInfo>), ApiError> {
    let target = target(&state, &request)?;
    let added = key.once(&state, &caller, &request, async || {
        let new = NewDrain {
            app_id: app.id.clone(),
            target: target.clone(),
            sources: request.sources.clone(),
            position: state.logs.whole_end(&app.id).await?,
            by: caller.actor(),
        };
        described(&state, state.store.create_drain(new, &state.keys).await?).await
    });
    Ok((StatusCode::CREATED, axum::Json(added.await?.answer())))
}

/// Removes a receiver. It gets nothing more.
#[utoipa::path(delete, path = "/v1/apps/{app}/drains/{id}", operation_id = "remove_drain",
    tag = "look", params(("app" = String, Path), ("id" = String, Path)),
    responses((status = 204, description = "Removed")), security(("credential" = ["write"])))]
pub async fn remove(
    State(state): State<ApiState>,
    InApp { app, .. }: InApp<Write>,
    Path(names): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let (_, id) = names;
    let drain = find(&state, &app, &id).await?;
    if state.store.delete_drain(&app.id, &drain.id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::not_found("drain", &id))
    }
}

/// Sends one line to a receiver, now and apart from all others, and says what came of it.
#[utoipa::path(post, path = "/v1/apps/{app}/drains/{id}/test", operation_id = "test_drain",
    tag = "look", params(("app" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = DrainTest)), security(("credential" = ["write"])))]
pub async fn test(
    State(state): State<ApiState>,
    InApp { app, .. }: InApp<Write>,
    Path(names): Path<(String, String)>,
) -> Result<axum::Json<DrainTest>, ApiError> {
    let (_, id) = names;
    let not_found = || ApiError::not_found("drain", &id);
    let drain = find(&state, &app, &id).await?;
    let asked = state.store.ask_drain_test(&app.id, &drain.id).await?.ok_or_else(not_found)?;
    let deadline = Instant::now() + TEST_DEADLINE;
    while Instant::now() < deadline {
        let drain = state.store.drain(&app.id, &drain.id).await?.ok_or_else(not_found)?;
        let trial = drain.test.filter(|trial| trial.asked_at == asked);
        if let Some(outcome) = trial.and_then(|trial| trial.outcome) {
            let (delivered, error) = (outcome.is_ok(), outcome.err());
            return Ok(axum::Json(DrainTest { delivered, error }));
        }
        sleep(TEST_POLL).await;
    }
    let error = Some("no worker has tried it yet; hint: run `slipway status`".to_owned());
    Ok(axum::Json(DrainTest { delivered: false, error }))
}

fn target(state: &ApiState, request: &DrainRequest) -> Result<DrainTarget, ApiError> {
    let parsed = DrainTarget::parse(&request.url, request.token.clone(), request.gzip);
    let target = parsed.map_err(|error| {
        let hint =
            "for example `syslog+tls://logs.example.com:6514` or `https://logs.example.com/in`";
        ApiError::invalid("invalid_drain", error.to_string(), hint)
    })?;
    state.settings.outbound.check_host(target.host()).map_err(|refusal| {
        ApiError::invalid("outbound_refused", refusal.to_string(), REFUSAL_HINT)
    })?;
    Ok(target)
}

async fn find(state: &ApiState, app: &App, id: &str) -> Result<Drain, ApiError> {
    let not_found = || ApiError::not_found("drain", id);
    let parsed: DrainId = id.parse().map_err(|_| not_found())?;
    state.store.drain(&app.id, &parsed).await?.ok_or_else(not_found)
}

async fn described(state: &ApiState, drain: Drain) -> Result<DrainInfo, ApiError> {
    let behind = state.logs.behind(&drain.app_id, drain.position, &drain.filter()).await?;
    Ok(DrainInfo {
        id: drain.id,
        address: drain.address,
        sources: drain.sources,
        created_at: drain.created_at,
        created_by: drain.created_by,
        delivered_at: drain.delivered_at,
        behind_bytes: behind,
        failure: drain.failure.map(|(since, message)| DrainFailure { since, message }),
    })
}
