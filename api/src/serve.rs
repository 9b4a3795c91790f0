//! Serving the router on a listener: HTTP/1.1 with limits that `axum::serve` does not have.
//!
//! There are only so many connections at a time, a head must arrive within 10 s, a peer that is gone is
//! noticed within a minute, and every connection can be cut from outside. The last matters for
//! streams: a client that stops reading is never polled again, so nothing inside of its response could
//! end it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::git::{HookError, HookListener};
use crate::router::router;
use crate::state::ApiState;

/// How long a client may take to send the head of a request.
const HEAD_DEADLINE: Duration = Duration::from_secs(10);
/// How long sent bytes may stay unacknowledged, in milliseconds.
const ACKNOWLEDGED_WITHIN_MS: u32 = 60_000;
/// How long open requests may take to end at a shutdown.
const GRACE: Duration = Duration::from_secs(8);
/// The pause after a failed accept, which means that the process has no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Cuts the connection that a request came on.
#[derive(Debug, Clone)]
pub struct Connection(CancellationToken);

impl Connection {
    /// Closes the connection at once, whatever is being sent on it.
    pub fn cut(&self) {
        self.0.cancel();
    }
}

/// Serves the API, git's hooks included, until the shutdown that the state was given, and then
/// until what is under way has ended or 8 s have passed.
///
/// # Errors
/// When git's hook or its socket cannot be made.
pub async fn serve(listener: TcpListener, state: ApiState) -> Result<(), HookError> {
    let app = router(state.clone());
    serve_app(listener, state, app).await
}

/// Like [`serve`], with a console beside it. The console must have no fallback of its own.
///
/// # Errors
/// When git's hook or its socket cannot be made.
pub async fn serve_with_console(
    listener: TcpListener,
    state: ApiState,
    console: Router,
) -> Result<(), HookError> {
    let app = router(state.clone()).merge(console);
    serve_app(listener, state, app).await
}

async fn serve_app(listener: TcpListener, state: ApiState, app: Router) -> Result<(), HookError> {
    let hooks = HookListener::bind(&state)?;
    state.tasks.spawn(hooks.run(state.clone()));
    let shutdown = state.tasks.shutdown.clone();
    let places = Arc::new(Semaphore::new(state.settings.limits.connections));
    while let Some((place, accepted)) =
        shutdown.run_until_cancelled(accept(&listener, &places)).await
    {
        match accepted {
            Ok((stream, peer)) => {
                let conversation = converse(stream, peer, app.clone(), shutdown.clone());
                state.tasks.spawn(async move {
                    conversation.await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    if timeout(GRACE + Duration::from_secs(1), state.tasks.join()).await.is_err() {
        tracing::warn!("requests were still under way at the end");
    }
    Ok(())
}

/// The next connection, once there is a place for it. Until then those who connect wait with the
/// operating system.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (OwnedSemaphorePermit, io::Result<(TcpStream, SocketAddr)>) {
    if places.available_permits() == 0 {
        tracing::warn!("all connections are taken; new ones wait until one ends");
    }
    let place = Arc::clone(places).acquire_owned().await.expect("nobody closes it");
    (place, listener.accept().await)
}

async fn converse(stream: TcpStream, peer: SocketAddr, app: Router, shutdown: CancellationToken) {
    if let Err(error) = configure(&stream) {
        tracing::debug!(%error, "could not configure a connection");
    }
    let connection = Connection(CancellationToken::new());
    let cut = connection.0.clone();
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(connection.clone());
        app.clone().oneshot(request)
    });
    let conversation = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut conversation = std::pin::pin!(conversation);
    let outcome = tokio::select! {
        outcome = conversation.as_mut() => outcome,
        () = cut.cancelled() => return,
        () = shutdown.cancelled() => {
            conversation.as_mut().graceful_shutdown();
            tokio::select! {
                outcome = conversation => outcome,
                () = cut.cancelled() => return,
                () = sleep(GRACE) => return,
            }
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection ended early");
    }
}

fn configure(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    rustix::net::sockopt::set_tcp_user_timeout(stream, ACKNOWLEDGED_WITHIN_MS)?;
    Ok(())
}
