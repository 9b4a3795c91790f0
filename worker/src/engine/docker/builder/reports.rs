//! What the daemon reports of a build, over a connection of the build's own.
//!
//! A build on BuildKit comes with a session, in which the daemon may ask its client for things. The
//! client library serves it in a task that nothing ends: the daemon would ask for a sign of life
//! every five seconds from then on, one session more with each build. So a build has a runtime to
//! itself, and what is left on it goes with it.

use std::io;
use std::path::PathBuf;
use std::thread;

use bollard::API_DEFAULT_VERSION;
use bollard::errors::Error;
use bollard::models::BuildInfo;
use bollard::query_parameters::BuildImageOptions;
use futures_util::{Stream, StreamExt, stream};
use tokio::fs::File;
use tokio::runtime;
use tokio::sync::mpsc;
use tokio_util::io::ReaderStream;

use super::super::CLIENT_TIMEOUT_S;

/// Reports that wait to be read; the build waits with them.
const WAITING: usize = 64;

/// One build.
pub struct Order {
    /// The daemon's.
    pub socket: PathBuf,
    pub options: BuildImageOptions,
    /// The archive.
    pub context: File,
}

/// Begins a build and follows it. Dropping the stream ends both.
pub fn follow(order: Order) -> impl Stream<Item = Result<BuildInfo, Error>> {
    let (sender, mut receiver) = mpsc::channel(WAITING);
    let refusal = sender.clone();
    let run = move || {
        if let Err(err) = run(order, &sender) {
            drop(sender.blocking_send(Err(Error::IOError { err })));
        }
    };
    if let Err(err) = thread::Builder::new().name("build".to_owned()).spawn(run) {
        drop(refusal.try_send(Err(Error::IOError { err })));
    }
    stream::poll_fn(move |context| receiver.poll_recv(context))
}

type Reports = mpsc::Sender<Result<BuildInfo, Error>>;

fn run(order: Order, reports: &Reports) -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::select! {
            () = tell(order, reports) => {}
            () = reports.closed() => {}
        }
    });
    runtime.shutdown_background();
    Ok(())
}

async fn tell(order: Order, reports: &Reports) {
    let socket = order.socket.to_string_lossy();
    let client = bollard::Docker::connect_with_unix(&socket, CLIENT_TIMEOUT_S, API_DEFAULT_VERSION);
    let client = match client {
        Ok(client) => client,
        Err(error) => return drop(reports.send(Err(error)).await),
    };
    let body = bollard::body_try_stream(ReaderStream::new(order.context));
    let mut build = std::pin::pin!(client.build_image(order.options, None, Some(body)));
    while let Some(report) = build.next().await {
        if reports.send(report).await.is_err() {
            return;
        }
    }
}
