//! The line to a waiting hook: what is said to the pusher, and the verdict.

use std::io;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Duration, timeout};

use crate::git::hook::{HEARTBEAT, HookReply, HookRequest, MAX_LINE_BYTES};
use crate::state::ApiState;

/// How long a hook may take to ask, and to take a line.
const DEADLINE: Duration = Duration::from_secs(30);
/// Lines that wait for a slow pusher.
const BUFFERED: usize = 64;

/// A hook that waits for its verdict. It is kept awake while there is nothing to say.
pub struct HookLine {
    replies: mpsc::Sender<HookReply>,
    writer: JoinHandle<()>,
}

impl HookLine {
    /// Reads what a hook asks, and holds the line.
    ///
    /// # Errors
    /// When it asks nothing within 30 s, or something that is not understood.
    pub async fn open(state: &ApiState, stream: UnixStream) -> io::Result<(HookRequest, Self)> {
        let (read, write) = stream.into_split();
        let mut read = BufReader::new(read);
        let mut line = Vec::new();
        let mut bounded = (&mut read).take(MAX_LINE_BYTES);
        timeout(DEADLINE, bounded.read_until(b'\n', &mut line)).await??;
        let request = serde_json::from_slice(&line)?;
        let (replies, waiting) = mpsc::channel(BUFFERED);
        let writer = state.tasks.spawn(speak(waiting, write, read.into_inner()));
        Ok((request, Self { replies, writer }))
    }

    /// Says a line to the pusher. A hook that is gone hears nothing, which is no error.
    pub async fn say(&self, text: impl Into<String>) {
        let _ = self.replies.send(HookReply::Line { text: text.into() }).await;
    }

    /// Says several lines.
    pub async fn say_all(&self, lines: impl IntoIterator<Item = String>) {
        for line in lines {
            self.say(line).await;
        }
    }

    /// Whether the hook, and so the push, has ended without a verdict.
    pub fn is_gone(&self) -> bool {
        self.replies.is_closed()
    }

    /// Waits until the hook is gone.
    pub async fn gone(&self) {
        self.replies.closed().await;
    }

    /// Ends the conversation; the refs move when `accepted`.
    pub async fn conclude(self, accepted: bool) {
        let _ = self.replies.send(HookReply::Verdict { accepted }).await;
        drop(self.replies);
        if let Err(error) = self.writer.await {
            tracing::warn!(%error, "the writer to a git hook failed");
        }
    }
}

/// Passes replies on, with a sign of life in every silence, until the hook hangs up.
async fn speak(
    mut replies: mpsc::Receiver<HookReply>,
    mut write: OwnedWriteHalf,
    mut read: OwnedReadHalf,
) {
    let mut nothing = [0_u8; 1];
    loop {
        let reply = tokio::select! {
            biased;
            reply = timeout(HEARTBEAT, replies.recv()) => match reply {
                Ok(Some(reply)) => reply,
                Ok(None) => return,
                Err(_) => HookReply::Alive,
            },
            // A hook says nothing after its question: whatever is read here is its end.
            _ = read.read(&mut nothing) => return,
        };
        let Ok(mut line) = serde_json::to_vec(&reply) else { return };
        line.push(b'\n');
        match timeout(DEADLINE, write.write_all(&line)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return,
        }
    }
}
