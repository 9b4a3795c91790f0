//! The worker's socket for those who attach.

use std::time::Duration;

use slipway_core::id::JobId;
use tokio::net::UnixStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::Peer;
use crate::context::Shared;
use crate::socket::bind;

/// How long a peer may take to name its run.
const INTRODUCTION: Duration = Duration::from_secs(5);
/// The pause after a failed accept, which means that the process has no descriptors left.
const PAUSE: Duration = Duration::from_millis(100);

/// Brings those who come to the jobs they name, until told to stop. The directory of the socket is
/// the owner's alone: who reaches it was let in by the API.
pub async fn listen<H>(context: Shared<H>, stop: CancellationToken) {
    let listener = match bind(&context.data.attach_socket()) {
        Ok(listener) => listener,
        Err(error) => {
            return tracing::error!(%error, "nobody can attach to commands: no socket");
        }
    };
    let mut meetings = JoinSet::new();
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        while meetings.try_join_next().is_some() {}
        match accepted {
            Ok((stream, _)) => {
                let attachments = context.attachments.clone();
                meetings.spawn(async move {
                    if let Some((job_id, peer)) = introduced(stream).await {
                        attachments.bring(&job_id, peer).await;
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "could not accept somebody who attaches");
                sleep(PAUSE).await;
            }
        }
    }
    meetings.shutdown().await;
}

/// The first message is the run's id.
async fn introduced(stream: UnixStream) -> Option<(JobId, Peer)> {
    let mut peer = Peer::of(stream);
    let message = timeout(INTRODUCTION, peer.says.message()).await.ok()?.ok()??;
    let job_id = std::str::from_utf8(&message).ok()?.parse().ok()?;
    Some((job_id, peer))
}
