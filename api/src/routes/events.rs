//! What happened.

use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use slipway_core::event::Event;
use slipway_core::id::AppId;
use utoipa::IntoParams;

use crate::auth::caller::Caller;
use crate::auth::permission::{Permitted, Read, visible_app};
use crate::error::ApiError;
use crate::extract::Query;
use crate::live::events::{PAGE, send};
use crate::live::sse::{last_event_id, stream, wants_events};
use crate::serve::Connection;
use crate::state::ApiState;

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventsQuery {
    /// Only this app's.
    app: Option<String>,
    /// Only those after this id. Without it, an array holds the newest, and a stream begins now.
    after: Option<i64>,
}

/// Reads events in their order: an array of at most 500, or a stream with
/// `Accept: text/event-stream`.
#[utoipa::path(get, path = "/v1/events", operation_id = "read_events", tag = "look",
    params(EventsQuery),
    responses((status = 200, body = Vec<Event>)), security(("credential" = ["read"])))]
pub async fn read(
    State(state): State<ApiState>,
    Permitted { caller, .. }: Permitted<Read>,
    Query(query): Query<EventsQuery>,
    connection: Option<Extension<Connection>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let app = wanted_app(&state, &caller, query.app).await?;
    if !wants_events(&headers) {
        let events = match query.after {
            Some(after) => state.store.events(app.as_ref(), after, PAGE).await?,
            None => state.store.newest_events(app.as_ref(), PAGE).await?,
        };
        return Ok(axum::Json(events).into_response());
    }
    let resumed = last_event_id(&headers)?.map(u64::cast_signed);
    let after = match resumed.or(query.after) {
        Some(after) => after,
        None => state.store.last_event_id().await?,
    };
    let connection = connection.map(|Extension(connection)| connection);
    let follower = state.clone();
    Ok(stream(&state, caller, connection, move |reader| send(follower, app, after, reader)))
}

/// The app that is asked for; a token that is limited to one sees only that.
async fn wanted_app(
    state: &ApiState,
    caller: &Caller,
    name: Option<String>,
) -> Result<Option<AppId>, ApiError> {
    match name {
        Some(name) => Ok(Some(visible_app(caller, &name, state).await?.id)),
        None => Ok(caller.only_app().cloned()),
    }
}
