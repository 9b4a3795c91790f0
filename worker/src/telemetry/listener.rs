//! The worker's socket for those who read what is measured: whoever connects is told all of it.

use std::sync::Arc;
use std::time::Duration;

use slipway_core::telemetry::Family;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::gather;
use crate::context::{Host, Shared};
use crate::socket::bind;

/// How long one gathering serves: readers who come at once share it.
const FRESH: Duration = Duration::from_secs(1);
/// How long a reader may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The pause after a failed accept, which means that the process has no descriptors left.
const PAUSE: Duration = Duration::from_millis(100);

/// The last gathering, as JSON, and when it was.
type Last = Arc<Mutex<Option<(Instant, Arc<Vec<u8>>)>>>;

/// Tells all families to everybody who connects, as JSON, until told to stop.
pub async fn listen<H: Host>(context: Shared<H>, stop: CancellationToken) {
    let listener = match bind(&context.data.telemetry_socket()) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "nobody can read measurements: no socket"),
    };
    let last = Last::default();
    let mut readers = JoinSet::new();
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        while readers.try_join_next().is_some() {}
        match accepted {
            Ok((stream, _)) => {
                readers.spawn(tell(Arc::clone(&context), Arc::clone(&last), stream));
            }
            Err(error) => {
                tracing::warn!(%error, "could not accept a reader of measurements");
                sleep(PAUSE).await;
            }
        }
    }
    readers.shutdown().await;
}

async fn tell<H: Host>(context: Shared<H>, last: Last, mut stream: UnixStream) {
    let told = timeout(PATIENCE, async {
        let body = fresh(&context, &last).await;
        stream.write_all(&body).await?;
        stream.shutdown().await
    });
    if !matches!(told.await, Ok(Ok(()))) {
        tracing::debug!("a reader of measurements went before the end");
    }
}

async fn fresh<H: Host>(context: &Shared<H>, last: &Last) -> Arc<Vec<u8>> {
    let mut last = last.lock().await;
    if let Some((at, body)) = &*last
        && at.elapsed() < FRESH
    {
        return Arc::clone(body);
    }
    let families: Vec<Family> = gather(context).await;
    let body = serde_json::to_vec(&families).unwrap_or_default();
    let body = Arc::new(body);
    *last = Some((Instant::now(), Arc::clone(&body)));
    body
}
