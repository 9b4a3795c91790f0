//! Channels: where alerts are sent. Their targets are never shown again.

use axum::extract::State;
use axum::http::StatusCode;
use slipway_core::channel::Target;
use slipway_core::name::ChannelName;
use slipway_core::outbound::REFUSAL_HINT;
use slipway_core::wire::channel::{Channel, ChannelMade, Delivery, NewChannel};
use slipway_store::{ChannelRow, mint};

use crate::auth::permission::{Admin, Everywhere, Read, visible_app};
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::state::ApiState;

/// How many messages of a channel are listed.
const LISTED: u32 = 50;

/// Lists the channels, without what is secret in them.
#[utoipa::path(get, path = "/v1/channels", operation_id = "list_channels", tag = "server",
    responses((status = 200, body = Vec<Channel>)), security(("credential" = ["read"])))]
pub async fn list(
    State(state): State<ApiState>,
    _: Everywhere<Read>,
) -> Result<axum::Json<Vec<Channel>>, ApiError> {
    let mut channels = Vec::new();
    for row in state.store.channels().await? {
        let latest = state.store.deliveries(&row.id, 1).await?.pop();
        channels.push(described(row, latest));
    }
    Ok(axum::Json(channels))
}

/// Makes a channel. Internal addresses are refused unless the server's operator allows them.
#[utoipa::path(post, path = "/v1/channels", operation_id = "create_channel", tag = "server",
    request_body = NewChannel,
    responses((status = 201, body = ChannelMade)), security(("credential" = ["admin"])))]
pub async fn create(
    State(state): State<ApiState>,
    Everywhere { caller, .. }: Everywhere<Admin>,
    Json(request): Json<NewChannel>,
) -> Result<(StatusCode, axum::Json<ChannelMade>), ApiError> {
    let NewChannel { name, mut target, app } = request;
    target
        .check()
        .map_err(|error| ApiError::invalid("invalid_target", error.to_string(), error.hint()))?;
    state
        .settings
        .outbound
        .check_host(target.host())
        .map_err(|error| ApiError::invalid("outbound_refused", error.to_string(), REFUSAL_HINT))?;
    let app = match app {
        Some(app) => Some(visible_app(&caller, app.as_str(), &state).await?.id),
        None => None,
    };
    let secret = signing_secret(&mut target);
    let (keys, by) = (&state.keys, caller.actor());
    let made = state.store.create_channel(&name, app.as_ref(), &target, keys, &by).await?;
    let made = ChannelMade { channel: described(made, None), secret };
    Ok((StatusCode::CREATED, axum::Json(made)))
}

/// Removes a channel, with the messages on their way to it.
#[utoipa::path(delete, path = "/v1/channels/{name}", operation_id = "remove_channel",
    tag = "server", params(("name" = String, Path)),
    responses((status = 204, description = "Removed")), security(("credential" = ["admin"])))]
pub async fn remove(
    State(state): State<ApiState>,
    _: Everywhere<Admin>,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    let channel = find(&state, &name).await?;
    if state.store.delete_channel(&channel.id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::not_found("channel", name))
    }
}

/// Sends a message to a channel, to see it arrive; `deliveries` tells how it fared.
#[utoipa::path(post, path = "/v1/channels/{name}/test", operation_id = "test_channel",
    tag = "server", params(("name" = String, Path)),
    responses((status = 202, body = Delivery)), security(("credential" = ["admin"])))]
pub async fn test(
    State(state): State<ApiState>,
    Everywhere { caller, .. }: Everywhere<Admin>,
    Path(name): Path<String>,
) -> Result<(StatusCode, axum::Json<Delivery>), ApiError> {
    let channel = find(&state, &name).await?;
    let delivery = state.store.test_channel(&channel, &caller.actor()).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(delivery)))
}

/// Lists the newest messages to a channel and how they fared.
#[utoipa::path(get, path = "/v1/channels/{name}/deliveries", operation_id = "list_deliveries",
    tag = "server", params(("name" = String, Path)),
    responses((status = 200, body = Vec<Delivery>)), security(("credential" = ["read"])))]
pub async fn deliveries(
    State(state): State<ApiState>,
    _: Everywhere<Read>,
    Path(name): Path<String>,
) -> Result<axum::Json<Vec<Delivery>>, ApiError> {
    let channel = find(&state, &name).await?;
    Ok(axum::Json(state.store.deliveries(&channel.id, LISTED).await?))
}

async fn find(state: &ApiState, name: &str) -> Result<ChannelRow, ApiError> {
    let not_found = || ApiError::not_found("channel", name);
    let parsed: ChannelName = name.parse().map_err(|_| not_found())?;
    state.store.channel(&parsed).await?.ok_or_else(not_found)
}

/// What a webhook's messages are signed with; made when none was given.
fn signing_secret(target: &mut Target) -> Option<String> {
    match target {
        Target::Webhook { secret, .. } => Some(secret.get_or_insert_with(mint::secret).clone()),
        Target::Slack { .. } | Target::Discord { .. } | Target::Email(_) => None,
    }
}

fn described(row: ChannelRow, latest: Option<Delivery>) -> Channel {
    Channel {
        name: row.name,
        kind: row.kind,
        target: row.description,
        app: row.app,
        created_at: row.created_at,
        created_by: row.created_by,
        latest,
    }
}
