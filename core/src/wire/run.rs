//! One-off commands.

use serde::{Deserialize, Serialize};

use crate::id::JobId;

/// Runs a command once, in a new instance of the live release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RunRequest {
    /// The argument vector; one element alone is a line for the container's shell.
    pub command: Vec<String>,
    /// Seconds it may take, at most 86 400; `None` is one hour.
    #[serde(default)]
    pub timeout_s: Option<u32>,
}

/// A one-off command that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RunInfo {
    pub id: JobId,
    pub version: u32,
}

/// One item of a one-off command's stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RunUpdate {
    /// A line it printed.
    Line { text: String },
    /// It ended.
    Exited { code: i64 },
    /// It could not be run.
    Failed { message: String, hint: String },
}
