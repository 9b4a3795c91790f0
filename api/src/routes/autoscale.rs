//! Scaling by itself.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use slipway_core::autoscale::replay::{Record, replay};
use slipway_core::autoscale::{AutoscaleSettings, InvalidSettings};
use slipway_core::name::ProcessName;
use slipway_core::resolution::Resolution;
use slipway_core::time::{Millis, Timestamp};
use slipway_core::wire::autoscale::{
    AppAutoscale, AutoscaleInfo, DecisionInfo, SimulateRequest, Simulation,
};
use slipway_store::{App, Autoscaled, StoreError, clock};

use crate::auth::permission::{InApp, Read, Write};
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::state::ApiState;

/// Decisions that are listed.
const LISTED: u32 = 50;

/// Lists what an app scales by itself, and the newest decisions.
#[utoipa::path(get, path = "/v1/apps/{app}/autoscale", operation_id = "list_autoscale",
    tag = "apps", params(("app" = String, Path)),
    responses((status = 200, body = AppAutoscale)), security(("credential" = ["read"])))]
pub async fn list(
    State(state): State<ApiState>,
    InApp { app, .. }: InApp<Read>,
) -> Result<axum::Json<AppAutoscale>, ApiError> {
    let scale = state.store.scale(&app.id).await?;
    let processes = state.store.autoscaled(&app.id).await?;
    let decisions = state.store.decisions(&app.id, LISTED).await?.into_iter();
    Ok(axum::Json(AppAutoscale {
        processes: processes.into_iter().map(|one| describe(one, &scale)).collect(),
        decisions: decisions
            .map(|one| DecisionInfo { at: one.at, process: one.process, decision: one.decision })
            .collect(),
    }))
}

/// Tells how one process scales by itself.
#[utoipa::path(get, path = "/v1/apps/{app}/autoscale/{process}", operation_id = "show_autoscale",
    tag = "apps", params(("app" = String, Path), ("process" = String, Path)),
    responses((status = 200, body = AutoscaleInfo)), security(("credential" = ["read"])))]
pub async fn show(
    State(state): State<ApiState>,
    InApp { app, .. }: InApp<Read>,
    Path(names): Path<(String, String)>,
) -> Result<axum::Json<AutoscaleInfo>, ApiError> {
    let process = process_of(&names)?;
    Ok(axum::Json(found(&state, &app, &process).await?))
}

/// Lets a process scale by itself, or changes how.
#[utoipa::path(put, path = "/v1/apps/{app}/autoscale/{process}", operation_id = "set_autoscale",
    tag = "apps", params(("app" = String, Path), ("process" = String, Path)),
    request_body = AutoscaleSettings,
    responses((status = 200, body = AutoscaleInfo)), security(("credential" = ["write"])))]
pub async fn set(
    State(state): State<ApiState>,
    InApp { app, .. }: InApp<Write>,
    Path(names): Path<(String, String)>,
    Json(settings): Json<AutoscaleSettings>,
) -> Result<axum::Json<AutoscaleInfo>, ApiError> {
    let process = process_of(&names)?;
    settings.check(process.is_web())?;
    state.store.set_autoscale(&app.id, &process, &settings).await?;
    Ok(axum::Json(found(&state, &app, &process).await?))
}

/// Leaves a process at the count it has.
#[utoipa::path(delete, path = "/v1/apps/{app}/autoscale/{process}",
    operation_id = "unset_autoscale",
    tag = "apps", params(("app" = String, Path), ("process" = String, Path)),
    responses((status = 204)), security(("credential" = ["write"])))]
pub async fn unset(
    State(state): State<ApiState>,
    InApp { app, .. }: InApp<Write>,
    Path(names): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let process = process_of(&names)?;
    if state.store.unset_autoscale(&app.id, &process).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(not_scaled(&process))
    }
}

/// Tells what the autoscaler would have done with what was measured.
///
/// The model: the load a process had in all is spread evenly over the simulated instances; waits
/// move in proportion to it; memory and the app's own gauges stay as they were.
#[utoipa::path(post, path = "/v1/apps/{app}/autoscale/{process}/simulate",
    operation_id = "simulate_autoscale",
    tag = "apps", params(("app" = String, Path), ("process" = String, Path)),
    request_body = SimulateRequest,
    responses((status = 200, body = Simulation)), security(("credential" = ["read"])))]
pub async fn simulate(
    State(state): State<ApiState>,
    InApp { app, .. }: InApp<Read>,
    Path(names): Path<(String, String)>,
    Json(request): Json<SimulateRequest>,
) -> Result<axum::Json<Simulation>, ApiError> {
    let process = process_of(&names)?;
    request.settings.check(process.is_web())?;
    let scale = state.store.scale(&app.id).await?;
    if !scale.contains_key(&process) {
        let known = scale.into_keys().collect();
        return Err(StoreError::UnknownProcess { process, known }.into());
    }
    let (until, settings) = (clock::now(), request.settings);
    let since = request.since.max(until - Resolution::TenMinutes.kept_for());
    let resolution = Resolution::answering(since, Millis(0), until);
    let records = records(&state, &app, &process, resolution, since, until).await?;
    let interval_ms = resolution.span();
    let outcome = replay(&settings, &records, interval_ms);
    Ok(axum::Json(Simulation { process, settings, since, until, interval_ms, outcome }))
}

async fn records(
    state: &ApiState,
    app: &App,
    process: &ProcessName,
    resolution: Resolution,
    since: Timestamp,
    until: Timestamp,
) -> Result<Vec<Record>, ApiError> {
    let (store, process) = (&state.store, Some(process));
    let history = store.process_history(&app.id, process, resolution, since, until).await?;
    let record = |row: slipway_store::samples::ProcessSample| Record {
        at: row.at + row.sample.span,
        sample: row.sample,
    };
    Ok(history.into_iter().map(record).collect())
}

async fn found(
    state: &ApiState,
    app: &App,
    process: &ProcessName,
) -> Result<AutoscaleInfo, ApiError> {
    let scale = state.store.scale(&app.id).await?;
    let all = state.store.autoscaled(&app.id).await?;
    let one = all.into_iter().find(|one| one.process == *process);
    Ok(describe(one.ok_or_else(|| not_scaled(process))?, &scale))
}

fn describe(one: Autoscaled, scale: &BTreeMap<ProcessName, u32>) -> AutoscaleInfo {
    let Autoscaled { process, settings, paused, present, .. } = one;
    let count = scale.get(&process).copied().unwrap_or_default();
    let present =
        present.map(|(at, decision)| DecisionInfo { at, process: process.clone(), decision });
    AutoscaleInfo { process, settings, count, paused, present }
}

fn process_of((_, process): &(String, String)) -> Result<ProcessName, ApiError> {
    process.parse().map_err(|_| ApiError::not_found("process", process))
}

fn not_scaled(process: &ProcessName) -> ApiError {
    ApiError::not_found("autoscaled process", process.as_str())
}

impl From<InvalidSettings> for ApiError {
    fn from(error: InvalidSettings) -> Self {
        Self::invalid(
            "invalid_autoscale",
            error.to_string(),
            "for example `slipway autoscale set web --min 1 --max 4 --cpu 60`",
        )
    }
}
