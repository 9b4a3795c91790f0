//! An app's log.

use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use slipway_core::log::{LogLine, LogSource};
use slipway_store::LogFilter;
use utoipa::IntoParams;

use crate::auth::permission::{InApp, Read};
use crate::error::ApiError;
use crate::extract::Query;
use crate::live::logs::{Begin, send};
use crate::live::sse::{last_event_id, stream, wants_events};
use crate::serve::Connection;
use crate::state::ApiState;

const LINES: u32 = 100;
const MAX_LINES: u32 = 10_000;

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LogsQuery {
    /// How many of the newest lines: 100 when not given, at most 10 000.
    lines: Option<u32>,
    /// Whether to stay and stream what is written from now on.
    #[serde(default)]
    follow: bool,
    /// Who wrote them.
    source: Option<LogSource>,
    /// A process type: `web`.
    process: Option<String>,
    /// An instance's short id.
    instance: Option<String>,
    /// A text that the line contains.
    contains: Option<String>,
}

/// Reads an app's log: an array of lines, or a stream with `follow=true` or
/// `Accept: text/event-stream`.
#[utoipa::path(get, path = "/v1/apps/{app}/logs", operation_id = "read_logs", tag = "look",
    params(("app" = String, Path), LogsQuery),
    responses((status = 200, body = Vec<LogLine>)), security(("credential" = ["read"])))]
pub async fn read(
    State(state): State<ApiState>,
    InApp { caller, app, .. }: InApp<Read>,
    Query(query): Query<LogsQuery>,
    connection: Option<Extension<Connection>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let lines = query.lines.unwrap_or(LINES).min(MAX_LINES);
    let follow = query.follow || wants_events(&headers);
    let filter = LogFilter {
        source: query.source,
        process: query.process,
        instance: query.instance,
        deployment: None,
        contains: query.contains,
    };
    if !follow {
        let page = state.logs.tail(&app.id, lines as usize, &filter).await?;
        let lines: Vec<LogLine> = page.lines.into_iter().map(|(_, line)| line).collect();
        return Ok(axum::Json(lines).into_response());
    }
    let begin = match last_event_id(&headers)? {
        Some(position) => Begin::After(position),
        None => Begin::Newest(lines as usize),
    };
    let connection = connection.map(|Extension(connection)| connection);
    let follower = state.clone();
    Ok(stream(&state, caller, connection, |reader| send(follower, app.id, filter, begin, reader)))
}
