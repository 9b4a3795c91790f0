//! Deployments.

use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use slipway_core::deployment::{Deployment, DeploymentEvent, DeploymentKind, DeploymentState};
use slipway_core::id::DeploymentId;
use slipway_core::wire::auth::Scope;
use slipway_core::wire::deployment::DeploymentInfo;
use slipway_store::App;

use crate::auth::caller::Caller;
use crate::auth::permission::{Deploy, InApp, Permitted, Read};
use crate::error::ApiError;
use crate::extract::Path;
use crate::idempotency::IdempotencyKey;
use crate::live::deployment::{Follower, send};
use crate::live::sse::{last_event_id, stream};
use crate::routes::deploy::{Wanted, begin};
use crate::serve::Connection;
use crate::state::ApiState;
use crate::view;

const LIMIT: u32 = 50;

/// Lists an app's deployments, newest first.
#[utoipa::path(get, path = "/v1/apps/{app}/deployments", operation_id = "list_deployments",
    tag = "deployments", params(("app" = String, Path)),
    responses((status = 200, body = Vec<DeploymentInfo>)), security(("credential" = ["read"])))]
pub async fn list(
    State(state): State<ApiState>,
    InApp { app, .. }: InApp<Read>,
) -> Result<axum::Json<Vec<DeploymentInfo>>, ApiError> {
    let deployments = state.store.deployments(&app.id, LIMIT, None).await?;
    Ok(axum::Json(view::deployment::describe_all(&state, &app.name, deployments).await?))
}

/// Describes a deployment.
#[utoipa::path(get, path = "/v1/deployments/{id}", operation_id = "show_deployment",
    tag = "deployments", params(("id" = String, Path)),
    responses((status = 200, body = DeploymentInfo)), security(("credential" = ["read"])))]
pub async fn show(
    State(state): State<ApiState>,
    Permitted { caller, .. }: Permitted<Read>,
    Path(id): Path<String>,
) -> Result<axum::Json<DeploymentInfo>, ApiError> {
    let (app, deployment) = visible(&state, &caller, &id).await?;
    Ok(axum::Json(view::deployment::describe(&state, &app.name, deployment).await?))
}

/// Streams a deployment's output and moves until it is live or has ended.
#[utoipa::path(get, path = "/v1/deployments/{id}/stream", operation_id = "follow_deployment",
    tag = "deployments", params(("id" = String, Path)),
    responses((status = 200, description = "Events, each a `DeploymentUpdate`",
        content_type = "text/event-stream")),
    security(("credential" = ["read"])))]
pub async fn follow(
    State(state): State<ApiState>,
    Permitted { caller, .. }: Permitted<Read>,
    Path(id): Path<String>,
    connection: Option<Extension<Connection>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (app, deployment) = visible(&state, &caller, &id).await?;
    let follower = Follower::new(&state, &deployment, last_event_id(&headers)?);
    let connection = connection.map(|Extension(connection)| connection);
    Ok(stream(&state, caller, connection, |reader| send(app.name, follower, reader)))
}

/// Stops a deployment. One that has switched already is taken back instead, which is a deployment
/// of its own: then that one is described.
#[utoipa::path(post, path = "/v1/deployments/{id}/cancel", operation_id = "cancel_deployment",
    tag = "deployments", params(("id" = String, Path)),
    responses((status = 202, body = DeploymentInfo)), security(("credential" = ["deploy"])))]
pub async fn cancel(
    State(state): State<ApiState>,
    Permitted { caller, .. }: Permitted<Read>,
    Path(id): Path<String>,
) -> Result<(StatusCode, axum::Json<DeploymentInfo>), ApiError> {
    let (app, deployment) = visible(&state, &caller, &id).await?;
    caller.require(Scope::Deploy)?;
    let described = match &deployment.state {
        DeploymentState::Switching | DeploymentState::Observing => {
            take_back(&state, &app, &caller, &deployment).await?
        }
        DeploymentState::Canceled { .. } => {
            view::deployment::describe(&state, &app.name, deployment).await?
        }
        DeploymentState::Reverting { .. }
        | DeploymentState::Succeeded
        | DeploymentState::Failed { .. }
        | DeploymentState::Superseded { .. }
        | DeploymentState::Reverted { .. }
        | DeploymentState::RevertFailed { .. } => {
            let message = format!("the deployment is {} already", deployment.state.name());
            let hint = "`slipway rollback` takes back what is live";
            return Err(ApiError::conflict("already_ended", message, hint));
        }
        DeploymentState::Queued
        | DeploymentState::Building
        | DeploymentState::Releasing
        | DeploymentState::Starting => {
            let event = DeploymentEvent::Canceled { by: caller.actor() };
            let canceled = state.store.advance(&deployment.id, event, None).await?;
            view::deployment::describe(&state, &app.name, canceled).await?
        }
    };
    Ok((StatusCode::ACCEPTED, axum::Json(described)))
}

/// Replaces every instance of the live release with a fresh one, without a gap.
#[utoipa::path(post, path = "/v1/apps/{app}/restart", operation_id = "restart",
    tag = "deployments", params(("app" = String, Path), IdempotencyKey),
    responses((status = 202, body = DeploymentInfo)), security(("credential" = ["deploy"])))]
pub async fn restart(
    State(state): State<ApiState>,
    InApp { caller, app, .. }: InApp<Deploy>,
    key: IdempotencyKey,
) -> Result<(StatusCode, axum::Json<DeploymentInfo>), ApiError> {
    let began = key.once(&state, &caller, &(), async || {
        let live = view::release::live(&state, &app).await?;
        let wanted = Wanted {
            kind: DeploymentKind::Restart,
            description: "restart".to_owned(),
            source: live.source,
            // Whatever is live when its turn comes: a change may be ahead of it.
            target: None,
        };
        begin(&state, &app, &caller, wanted).await
    });
    Ok((StatusCode::ACCEPTED, axum::Json(began.await?.answer())))
}

async fn take_back(
    state: &ApiState,
    app: &App,
    caller: &Caller,
    deployment: &Deployment,
) -> Result<DeploymentInfo, ApiError> {
    let previous = match &deployment.previous_release_id {
        Some(id) => state.store.release(id).await?,
        None => None,
    };
    let previous = previous.ok_or_else(|| {
        let message = "the deployment is live, and nothing was live before it";
        ApiError::conflict("nothing_to_roll_back_to", message, "deploy something else instead")
    })?;
    let wanted = Wanted {
        kind: DeploymentKind::Rollback,
        description: format!("rollback to v{}", previous.version),
        source: previous.source,
        target: Some(previous.id),
    };
    begin(state, app, caller, wanted).await
}

async fn visible(
    state: &ApiState,
    caller: &Caller,
    id: &str,
) -> Result<(App, Deployment), ApiError> {
    let not_found = || ApiError::not_found("deployment", id);
    let parsed: DeploymentId = id.parse().map_err(|_| not_found())?;
    let deployment = state.store.deployment(&parsed).await?.ok_or_else(not_found)?;
    let app = state.store.app_by_id(&deployment.app_id).await?.ok_or_else(not_found)?;
    if caller.may_see(&app.id) { Ok((app, deployment)) } else { Err(not_found()) }
}
