//! Keeps nginx running: it outlives Slipway, but somebody must start it again when it dies.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::context::{Host, Shared};

/// How often the sizes of nginx's logs are looked at.
const ROTATION: Duration = Duration::from_mins(1);

/// Looks after nginx until told to stop; nginx itself goes on.
pub async fn run<H: Host>(context: Shared<H>, stop: CancellationToken) {
    tokio::join!(context.proxy.supervise(&stop), rotate(&context, &stop));
}

async fn rotate<H: Host>(context: &Shared<H>, stop: &CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(ROTATION) => {}
        }
        if let Err(error) = context.proxy.rotate_logs().await {
            tracing::warn!(%error, "could not rotate the proxy's logs");
        }
    }
}
