//! One request and answer through a git process: the body in, what git says out.
//!
//! The process of a push does not depend on the connection. A client that goes away while it sends
//! makes git see a cut-off input, and git then throws away what it had; one that goes away
//! afterwards is not missed. Only the deadline ends git, and with it everything it started.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_util::StreamExt as _;
use rustix::process::Signal;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;

use crate::error::ApiError;
use crate::git::process::{bound_memory, signal_group};
use crate::state::ApiState;

const CHUNK_BYTES: usize = 16 * 1024;
/// Chunks that wait for a slow client.
const BUFFERED: usize = 16;
/// How long git may take to clear away after it was told to end.
const TIDY_UP: Duration = Duration::from_secs(5);
/// Bytes of git's own complaints that are kept for the log.
const COMPLAINT_BYTES: u64 = 4096;

/// Bounds of one exchange.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Most bytes of the request, unpacked.
    pub request_bytes: u64,
    /// How long the client may send nothing, or take nothing.
    pub standstill: Duration,
    /// How long git may work.
    pub deadline: Duration,
    /// Whether git finishes its work when the client is gone.
    pub outlives_client: bool,
}

/// Starts git, feeds it the request and answers with what it says as it says it. `held` is dropped
/// when git has ended.
///
/// # Errors
/// When git cannot be started, or the request breaks a bound before git has said anything.
pub async fn exchange<H: Send + 'static>(
    state: &ApiState,
    mut command: Command,
    request: Body,
    bounds: Bounds,
    held: H,
) -> Result<Body, ApiError> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut git = tokio::process::Command::from(command)
        .spawn()
        .context("start git")
        .map_err(ApiError::Internal)?;
    let pid =
        git.id().ok_or_else(|| ApiError::internal(anyhow::anyhow!("git has no process id")))?;
    if let Err(error) = bound_memory(pid) {
        signal_group(pid, Signal::KILL);
        return Err(ApiError::internal(error));
    }
    let (Some(input), Some(output)) = (git.stdin.take(), git.stdout.take()) else {
        return Err(ApiError::internal(anyhow::anyhow!("git was started without its streams")));
    };
    let (chunks, mut said) = mpsc::channel(BUFFERED);
    let mut feeding = state.tasks.spawn(feed(request.into_data_stream(), input, bounds));
    state.tasks.spawn(attend(git, pid, output, chunks, bounds, held));
    // Until git says something, a request that breaks a bound is still answered with its reason;
    // git then finds its input cut off and clears away what it had by itself.
    let first = tokio::select! {
        first = said.recv() => first,
        fed = &mut feeding => {
            fed.map_err(ApiError::internal)??;
            said.recv().await
        }
    };
    if first.is_none() && !feeding.is_finished() {
        feeding.await.map_err(ApiError::internal)??;
    }
    let rest = ReceiverStream::new(said);
    Ok(Body::from_stream(futures_util::stream::iter(first).chain(rest).map(Ok::<_, ApiError>)))
}

/// Passes the request on to git. Input that git no longer wants is read all the same, so that the
/// client gets to read the answer.
async fn feed(
    mut request: BodyDataStream,
    input: ChildStdin,
    bounds: Bounds,
) -> Result<(), ApiError> {
    let mut input = Some(input);
    let mut bytes = 0;
    loop {
        let chunk = match timeout(bounds.standstill, request.next()).await {
            Err(_) => return Err(ApiError::TimedOut),
            Ok(None) => return Ok(()),
            Ok(Some(Err(error))) => {
                return Err(ApiError::Malformed(format!("the request broke off: {error}")));
            }
            Ok(Some(Ok(chunk))) => chunk,
        };
        bytes += chunk.len() as u64;
        if bytes > bounds.request_bytes {
            return Err(ApiError::TooLarge { limit: bounds.request_bytes });
        }
        if let Some(git) = &mut input
            && git.write_all(&chunk).await.is_err()
        {
            input = None;
        }
    }
}

/// Passes git's answer on, waits for its end, and ends it at the deadline.
async fn attend<H>(
    mut git: Child,
    pid: u32,
    output: impl AsyncRead + Unpin,
    chunks: mpsc::Sender<Bytes>,
    bounds: Bounds,
    held: H,
) {
    let complaint = git.stderr.take();
    let work = async {
        let answered = pass_on(output, chunks, bounds);
        let (complaint, ()) = tokio::join!(read_complaint(complaint), answered);
        (complaint, git.wait().await)
    };
    match timeout(bounds.deadline, work).await {
        Ok((complaint, Ok(status))) if !status.success() => {
            tracing::debug!(%status, complaint, "git ended without success");
        }
        Ok((_, Ok(_))) => {}
        Ok((_, Err(error))) => tracing::warn!(%error, "could not wait for git"),
        Err(_) => {
            tracing::warn!("git took too long and is ended");
            end(git, pid).await;
        }
    }
    drop(held);
}

/// Ends git: first so that it can clear away its quarantine, then for sure.
async fn end(mut git: Child, pid: u32) {
    signal_group(pid, Signal::TERM);
    if timeout(TIDY_UP, git.wait()).await.is_err() {
        signal_group(pid, Signal::KILL);
        if let Err(error) = git.wait().await {
            tracing::warn!(%error, "could not wait for git");
        }
    }
}

/// Passes on what git says. Without a client it is read all the same, so that git does not wait for
/// somebody to take it; or no more of it is read, and git ends.
async fn pass_on(mut output: impl AsyncRead + Unpin, chunks: mpsc::Sender<Bytes>, bounds: Bounds) {
    let mut client = Some(chunks);
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        match output.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(read) => {
                let chunk = Bytes::copy_from_slice(&buffer[..read]);
                if let Some(sender) = &client
                    && sender.send_timeout(chunk, bounds.standstill).await.is_err()
                {
                    if !bounds.outlives_client {
                        return;
                    }
                    client = None;
                }
            }
        }
    }
}

async fn read_complaint(stderr: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut stderr) = stderr else { return String::new() };
    let mut text = Vec::new();
    // What cannot be read, or is too much, is missing in a debug message and nowhere else.
    let _ = (&mut stderr).take(COMPLAINT_BYTES).read_to_end(&mut text).await;
    let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&text).into_owned()
}
