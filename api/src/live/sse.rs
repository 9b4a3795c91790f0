//! Server-sent events, from a task to a client that may stop reading.

use std::convert::Infallible;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use slipway_store::StoreError;
use tokio::sync::mpsc::error::SendTimeoutError;
use tokio::sync::mpsc::{self, Receiver};
use tokio::time::{Instant, interval_at, sleep};
use tokio_stream::wrappers::ReceiverStream;

use crate::auth::caller::Caller;
use crate::error::ApiError;
use crate::serve::Connection;
use crate::state::ApiState;

/// Items that wait for a slow reader.
const BUFFERED: usize = 256;
/// How often a stream shows that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How often the reader's right to read is looked up again: a revocation bites within 5 s.
const RECHECK: Duration = Duration::from_secs(4);
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Tells nginx, in front of us, to pass every item on at once.
const NO_BUFFERING: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));

/// Where an earlier stream ended, when the client came back from one.
///
/// # Errors
/// When it is not an id of ours.
pub fn last_event_id<T: FromStr>(headers: &HeaderMap) -> Result<Option<T>, ApiError> {
    let Some(value) = headers.get(LAST_EVENT_ID) else { return Ok(None) };
    let id = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    id.map(Some)
        .ok_or_else(|| ApiError::Malformed("`Last-Event-ID` is not an id of ours".to_owned()))
}

/// Whether the client asks for a stream.
pub fn wants_events(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains("text/event-stream"))
}

/// Why nothing more can be sent: the reader is gone, or was cut off.
#[derive(Debug)]
pub struct ReaderGone;

/// Why a stream ended before its last item.
#[derive(Debug)]
pub enum StreamEnd {
    Reader(ReaderGone),
    Failed(ApiError),
}

impl From<ReaderGone> for StreamEnd {
    fn from(gone: ReaderGone) -> Self {
        Self::Reader(gone)
    }
}

impl From<ApiError> for StreamEnd {
    fn from(error: ApiError) -> Self {
        Self::Failed(error)
    }
}

impl From<StoreError> for StreamEnd {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<std::io::Error> for StreamEnd {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Where a stream's items go.
pub struct Reader {
    items: mpsc::Sender<Event>,
    stall: Duration,
    connection: Option<Connection>,
}

impl Reader {
    /// Sends one item with its position. Waits for a slow reader, up to the allowed stall; then the
    /// connection is cut from outside, as the response itself would never be polled again.
    ///
    /// # Errors
    /// When the reader is gone or was cut off.
    pub async fn send<T: Serialize>(&self, id: impl Display, item: &T) -> Result<(), ReaderGone> {
        let event = Event::default().id(id.to_string()).json_data(item).map_err(|error| {
            tracing::error!(%error, "an item of a stream cannot be written");
            ReaderGone
        })?;
        self.hand_on(event).await
    }

    /// Tells a position up to which there was nothing for the reader: an id without data, which a
    /// client remembers and shows to nobody.
    ///
    /// # Errors
    /// When the reader is gone or was cut off.
    pub async fn pass(&self, id: impl Display) -> Result<(), ReaderGone> {
        self.hand_on(Event::default().id(id.to_string())).await
    }

    async fn hand_on(&self, event: Event) -> Result<(), ReaderGone> {
        match self.items.send_timeout(event, self.stall).await {
            Ok(()) => Ok(()),
            Err(SendTimeoutError::Closed(_)) => Err(ReaderGone),
            Err(SendTimeoutError::Timeout(_)) => {
                tracing::info!("cut off a reader that took nothing");
                if let Some(connection) = &self.connection {
                    connection.cut();
                }
                Err(ReaderGone)
            }
        }
    }
}

/// Answers with the stream that `produce` sends, from a task that ends with the last item, when
/// the reader goes or loses its right to read, after an hour, or at the shutdown.
pub fn stream<F>(
    state: &ApiState,
    caller: Caller,
    connection: Option<Connection>,
    produce: impl FnOnce(Reader) -> F,
) -> Response
where
    F: Future<Output = Result<(), StreamEnd>> + Send + 'static,
{
    let (items, receiver) = mpsc::channel(BUFFERED);
    let watched = items.clone();
    let limits = &state.settings.limits;
    let produced = produce(Reader { items, stall: limits.stream_stall, connection });
    let bounded = state.clone();
    state.tasks.spawn(async move {
        let shutdown = bounded.tasks.shutdown.clone();
        tokio::select! {
            ended = produced => {
                if let Err(StreamEnd::Failed(error)) = ended {
                    tracing::warn!(%error, "a stream ended early");
                }
            }
            () = watched.closed() => {}
            () = until_refused(&bounded, caller) => {}
            () = sleep(bounded.settings.limits.stream_time) => {}
            () = shutdown.cancelled() => {}
        }
    });
    respond(receiver)
}

fn respond(receiver: Receiver<Event>) -> Response {
    use futures_util::StreamExt as _;
    let events = ReceiverStream::new(receiver).map(Ok::<Event, Infallible>);
    let sse = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    ([NO_BUFFERING], sse).into_response()
}

/// Resolves when the caller has lost the right to what they were let in for.
pub async fn until_refused(state: &ApiState, caller: Caller) {
    let mut checks = interval_at(Instant::now() + RECHECK, RECHECK);
    loop {
        checks.tick().await;
        match caller.is_still_welcome(state).await {
            Ok(true) => {}
            Ok(false) => return,
            // An outage of the database is no reason to cut everybody off.
            Err(error) => tracing::warn!(%error, "could not look up a reader's rights"),
        }
    }
}
