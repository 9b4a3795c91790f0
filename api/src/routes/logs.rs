//! An app's log.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderName};
use axum::response::{AppendHeaders, IntoResponse, Response};
use serde::{Deserialize, Deserializer};
use slipway_core::log::{LogLine, LogSource, StatusPattern};
use slipway_core::time::Timestamp;
use slipway_store::{LogFilter, LogPosition, LogTail};
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

/// Where to look for older lines, when there are any.
const BEFORE: HeaderName = HeaderName::from_static("slipway-log-before");

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LogsQuery {
    /// How many of the newest lines: 100 when not given, at most 10 000. Fewer come when they
    /// weigh more than 8 MiB.
    lines: Option<u32>,
    /// Whether to stay and stream what is written from now on.
    #[serde(default)]
    follow: bool,
    /// Who wrote them: one source or several, `app,access`.
    #[serde(default)]
    #[param(value_type = Option<String>, example = "app,access")]
    source: Several<LogSource>,
    /// A process type: `web`.
    process: Option<String>,
    /// An instance's short id.
    instance: Option<String>,
    /// A text that the line contains, whatever its case.
    contains: Option<String>,
    /// Only requests with these statuses: `404`, `5xx`, or several, `404,5xx`.
    #[serde(default)]
    #[param(value_type = Option<String>, example = "404,5xx")]
    status: Several<StatusPattern>,
    /// Only lines of this moment and later.
    since: Option<Timestamp>,
    /// Only lines of before this moment.
    until: Option<Timestamp>,
    /// Only lines that an earlier answer did not reach: its `Slipway-Log-Before`.
    before: Option<String>,
}

/// Values with commas between them.
#[derive(Debug)]
struct Several<T>(Vec<T>);

impl<T> Default for Several<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Several<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let values: Result<Vec<T>, _> = text.split(',').map(str::parse).collect();
        values.map(Self).map_err(serde::de::Error::custom)
    }
}

impl LogsQuery {
    fn filter(&self) -> LogFilter {
        LogFilter {
            sources: self.source.0.clone(),
            process: self.process.clone(),
            instance: self.instance.clone(),
            deployment: None,
            contains: self.contains.clone(),
            statuses: self.status.0.clone(),
            since: self.since,
            until: self.until,
        }
    }

    fn before(&self) -> Result<Option<LogPosition>, ApiError> {
        let refused = |_| ApiError::Malformed("`before` is not a position of ours".to_owned());
        self.before.as_deref().map(str::parse).transpose().map_err(refused)
    }
}

/// Reads an app's log: an array of lines, or a stream with `follow=true` or
/// `Accept: text/event-stream`. When there are older lines to look at, the header
/// `Slipway-Log-Before` says what to send as `before` for them.
#[utoipa::path(get, path = "/v1/apps/{app}/logs", operation_id = "read_logs", tag = "look",
    params(("app" = String, Path), LogsQuery),
    responses((status = 200, body = Vec<LogLine>,
        headers(("slipway-log-before" = Option<String>, description = "Where older lines are")))),
    security(("credential" = ["read"])))]
pub async fn read(
    State(state): State<ApiState>,
    InApp { caller, app, .. }: InApp<Read>,
    Query(query): Query<LogsQuery>,
    connection: Option<Extension<Connection>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let lines = query.lines.unwrap_or(LINES).min(MAX_LINES) as usize;
    let (filter, before) = (query.filter(), query.before()?);
    if !query.follow && !wants_events(&headers) {
        return Ok(page(state.logs.tail(&app.id, lines, &filter, before).await?));
    }
    let begin = match last_event_id(&headers)? {
        Some(position) => Begin::After(position),
        None => Begin::Newest(lines),
    };
    let connection = connection.map(|Extension(connection)| connection);
    let follower = state.clone();
    Ok(stream(&state, caller, connection, |reader| send(follower, app.id, filter, begin, reader)))
}

fn page(tail: LogTail) -> Response {
    let lines: Vec<LogLine> = tail.lines.into_iter().map(|(_, line)| line).collect();
    let before = tail.before.map(|position| (BEFORE, position.to_string()));
    let before = AppendHeaders(before);
    (before, axum::Json(lines)).into_response()
}
