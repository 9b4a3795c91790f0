//! Keeps nginx running and its logs small: it outlives Slipway, but somebody must start it again
//! when it dies.

use tokio_util::sync::CancellationToken;

use crate::context::{Host, Shared};

/// Looks after nginx until told to stop; nginx itself goes on.
pub async fn run<H: Host>(context: Shared<H>, stop: CancellationToken) {
    context.proxy.supervise(&stop).await;
}
