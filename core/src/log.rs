//! Log lines: one stream an app, from every source.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Longest text of one line; longer ones are split.
pub const MAX_LINE_BYTES: usize = 16 * 1024;

/// Who wrote a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LogSource {
    /// The build of an image.
    Build,
    /// The release command.
    Release,
    /// The app's own output.
    App,
    /// A one-off command.
    Run,
    /// Slipway itself: starts, switches, crashes.
    Platform,
}

impl LogSource {
    /// The name as stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Release => "release",
            Self::App => "app",
            Self::Run => "run",
            Self::Platform => "platform",
        }
    }
}

/// One line of an app's log, without its line end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LogLine {
    /// When it was written.
    pub at: Timestamp,
    pub source: LogSource,
    /// The process type, for lines of instances: `web`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<String>,
    /// The instance's short id, for lines of instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The deployment, for lines of build and release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
    /// The text, valid UTF-8; what was not is replaced.
    pub text: String,
}
