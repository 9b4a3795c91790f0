//! Passing frames between a person who attached to a command and the worker that runs it.
//!
//! The worker's socket is in the data directory. Frames are bounded, counted by nobody here and not
//! looked into: the worker understands them. When either side goes, the other is let go at once.

use std::io;
use std::time::Duration;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use slipway_core::id::{Id as _, JobId};
use slipway_core::wire::attach::{MAX_FRAME_BYTES, ServerFrame};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{Instant, interval_at, timeout};
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};

use crate::auth::caller::Caller;
use crate::error::ApiError;
use crate::live::sse::until_refused;
use crate::state::ApiState;

/// How long the worker may take to answer its socket.
const CONNECT: Duration = Duration::from_secs(2);
/// When to come back to a worker that is not there.
const RETRY_S: u64 = 5;
/// How often a sign of life is asked for: unanswered by the peer's machine, it ends the connection
/// within a minute.
const PING: Duration = Duration::from_secs(15);
/// How long a client may answer nothing and take nothing. One whose output is a pager may do so
/// for a while.
const SILENCE: Duration = Duration::from_mins(10);
/// How long a closing handshake may take.
const FAREWELL: Duration = Duration::from_secs(5);

/// Why a request cannot become a `WebSocket`.
pub type NoWebSocket = WebSocketUpgradeRejection;

type ToWorker = FramedWrite<OwnedWriteHalf, LengthDelimitedCodec>;
type FromWorker = FramedRead<OwnedReadHalf, LengthDelimitedCodec>;

/// Refuses pages of other servers: browsers open `WebSocket`s across origins without asking.
///
/// # Errors
/// When the request names an origin that is not this server's.
pub fn check_origin(state: &ApiState, headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    if origin.as_bytes() == state.settings.public_url.as_bytes() {
        return Ok(());
    }
    let message = "a page of another origin may not attach".to_owned();
    Err(ApiError::Malformed(message))
}

/// Opens the worker's socket for this run and answers with a `WebSocket` beside it.
///
/// # Errors
/// When no worker answers.
pub async fn attach_to(
    state: &ApiState,
    caller: Caller,
    run: &JobId,
    upgrade: WebSocketUpgrade,
) -> Result<Response, ApiError> {
    let socket = state.data_dir.attach_socket();
    let opened = timeout(CONNECT, open(&socket, run)).await;
    let Ok(Ok((to, from))) = opened else {
        tracing::warn!(socket = %socket.display(), "no worker to attach at");
        return Err(ApiError::Busy { what: "the worker", retry_after_s: RETRY_S });
    };
    let state = state.clone();
    let bounded = upgrade.max_message_size(MAX_FRAME_BYTES).max_frame_size(MAX_FRAME_BYTES);
    Ok(bounded.on_upgrade(move |socket| {
        let tasks = state.clone();
        tasks.tasks.track(relay(state, caller, socket, to, from))
    }))
}

async fn open(socket: &std::path::Path, run: &JobId) -> io::Result<(ToWorker, FromWorker)> {
    let codec = || LengthDelimitedCodec::builder().max_frame_length(MAX_FRAME_BYTES).new_codec();
    let (from, to) = UnixStream::connect(socket).await?.into_split();
    let mut to = FramedWrite::new(to, codec());
    to.send(Bytes::copy_from_slice(run.as_str().as_bytes())).await?;
    Ok((to, FramedRead::new(from, codec())))
}

/// Runs until one side goes, the caller loses their right, or this process ends.
async fn relay(state: ApiState, caller: Caller, socket: WebSocket, to: ToWorker, from: FromWorker) {
    let (mut shows, says) = socket.split();
    let shutdown = state.tasks.shutdown.clone();
    let last = tokio::select! {
        () = up(says, to) => None,
        last = down(&mut shows, from) => last,
        () = until_refused(&state, caller) => Some(failure(
            "the right to be attached was taken back", "sign in again",
        )),
        () = shutdown.cancelled() => Some(failure("the server is stopping", "run it again")),
    };
    let farewell = async {
        if let Some(last) = last {
            shows.send(Message::Binary(last)).await?;
        }
        shows.close().await
    };
    let _gone = timeout(FAREWELL, farewell).await;
}

/// From the person to the worker, until either is gone.
async fn up(mut says: SplitStream<WebSocket>, mut to: ToWorker) {
    while let Ok(Some(Ok(message))) = timeout(SILENCE, says.next()).await {
        match message {
            Message::Binary(frame) => {
                if to.send(frame).await.is_err() {
                    // The worker's last words are on their way down.
                    return std::future::pending().await;
                }
            }
            Message::Ping(_) | Message::Pong(_) => {}
            Message::Text(_) | Message::Close(_) => return,
        }
    }
}

/// From the worker to the person; returns what is left to say once the worker is gone.
async fn down(shows: &mut SplitSink<WebSocket, Message>, mut from: FromWorker) -> Option<Bytes> {
    let mut pings = interval_at(Instant::now() + PING, PING);
    let mut last = false;
    loop {
        let message = tokio::select! {
            frame = from.next() => match frame {
                Some(Ok(frame)) => {
                    let frame = frame.freeze();
                    last = ServerFrame::decode(&frame).is_ok_and(|frame| frame.is_last());
                    Message::Binary(frame)
                }
                Some(Err(_)) | None if last => return None,
                Some(Err(_)) | None => return Some(failure(
                    "the worker went away, and the command with it", "run it again",
                )),
            },
            _ = pings.tick() => Message::Ping(Bytes::new()),
        };
        match timeout(SILENCE, shows.send(message)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return None,
        }
    }
}

fn failure(message: &str, hint: &str) -> Bytes {
    let failed = ServerFrame::Failed { message: message.to_owned(), hint: hint.to_owned() };
    failed.encode().into()
}
