//! What the `pre-receive` hook and this process say to each other, one JSON object a line.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Where the hook finds the socket.
pub const SOCKET: &str = "SLIPWAY_HOOK_SOCKET";
/// Which push the hook belongs to.
pub const PUSH: &str = "SLIPWAY_PUSH";
/// Where git keeps the objects of a push until it is accepted.
pub const QUARANTINE: &str = "GIT_QUARANTINE_PATH";
/// Most bytes of one line.
pub const MAX_LINE_BYTES: u64 = 1024 * 1024;
/// How often this process shows that it lives, while it has nothing to say.
pub const HEARTBEAT: Duration = Duration::from_secs(5);
/// How long the hook waits for a sign of life.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// What the hook asks, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookRequest {
    /// The secret name of the push.
    pub push: String,
    /// Where the pushed objects are; `None` when there are none, as in a deletion.
    pub quarantine: Option<PathBuf>,
    /// What git told the hook: `old new ref`, one a line.
    pub updates: String,
}

/// What it is told, until a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum HookReply {
    /// A line for the pusher.
    Line { text: String },
    /// Nothing to say, and still here.
    Alive,
    /// The end: whether the refs move.
    Verdict { accepted: bool },
}
