//! Uploads, sent from a file piece by piece.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_stream::try_stream;
use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use reqwest::{Body, Response};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::time::timeout;

use crate::call::Call;
use crate::client::Client;
use crate::error::ClientError;
use crate::signature::Signature;

/// Largest archive the server takes, in bytes.
pub const MAX_ARCHIVE_BYTES: u64 = 500 * 1000 * 1000;

const PIECE: usize = 64 * 1024;
/// How long an upload may stand still, the server's work after the last byte included.
const STANDSTILL: Duration = Duration::from_mins(1);

impl Client {
    /// Sends a whole file as the body of `call`; `progress` is told the bytes sent so far.
    pub(crate) async fn upload(
        &self,
        call: &Call,
        archive: &std::fs::File,
        progress: Arc<dyn Fn(u64) + Send + Sync>,
    ) -> Result<Response, ClientError> {
        // An ended session is found out before a large body is sent for nothing.
        self.me().await?;
        let mut signature = Signature::of(self).await;
        loop {
            let (file, length) = rewound(archive).await.map_err(ClientError::Archive)?;
            let sent = Arc::new(AtomicU64::new(0));
            let request = self
                .request(call, signature.access())
                .header(CONTENT_TYPE, "application/gzip")
                .header(CONTENT_LENGTH, length)
                .body(Body::wrap_stream(pieces(file, Arc::clone(&sent), Arc::clone(&progress))));
            let response = self.unless_stuck(request.send(), &sent).await?;
            if let Some(accepted) = signature.settle(response).await? {
                return Ok(accepted);
            }
        }
    }

    async fn unless_stuck(
        &self,
        request: impl Future<Output = reqwest::Result<Response>>,
        sent: &AtomicU64,
    ) -> Result<Response, ClientError> {
        let mut request = std::pin::pin!(request);
        let mut before = 0;
        loop {
            if let Ok(answer) = timeout(STANDSTILL, &mut request).await {
                return answer.map_err(|error| self.lost(&error, STANDSTILL));
            }
            let now = sent.load(Ordering::Relaxed);
            if now == before {
                let server = self.server().clone();
                return Err(ClientError::TimedOut { server, after: STANDSTILL });
            }
            before = now;
        }
    }
}

/// The file from its first byte, and its length.
async fn rewound(archive: &std::fs::File) -> io::Result<(File, u64)> {
    let mut file = File::from_std(archive.try_clone()?);
    file.rewind().await?;
    let length = file.metadata().await?.len();
    Ok((file, length))
}

fn pieces(
    mut file: File,
    sent: Arc<AtomicU64>,
    progress: Arc<dyn Fn(u64) + Send + Sync>,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    try_stream! {
        loop {
            let mut piece = BytesMut::with_capacity(PIECE);
            let read = file.read_buf(&mut piece).await?;
            if read == 0 {
                break;
            }
            let total = sent.fetch_add(read as u64, Ordering::Relaxed) + read as u64;
            progress(total);
            yield piece.freeze();
        }
    }
}
