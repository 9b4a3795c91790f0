//! One-off commands.

use serde::{Deserialize, Serialize};

use crate::id::JobId;
use crate::name::ProcessName;
use crate::wire::attach::Attach;

/// Runs a command once, in a new instance of the live release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RunRequest {
    /// The argument vector; one element alone is a line for the container's shell.
    pub command: Vec<String>,
    /// Seconds it may take, at most 86 400; `None` is one hour, or a day for one that is attached.
    #[serde(default)]
    pub timeout_s: Option<u32>,
    /// Has it wait for somebody to attach to it, and ends it when they are gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attach: Option<Attach>,
}

/// Runs a command in an instance that runs. It waits for somebody to attach to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ExecRequest {
    /// The argument vector; one element alone is a line for the container's shell.
    pub command: Vec<String>,
    /// The process type whose newest ready instance is meant; `None` is the one that serves.
    #[serde(default)]
    pub process: Option<ProcessName>,
    /// The instance that is meant, by its short or its whole id.
    #[serde(default)]
    pub instance: Option<String>,
    /// Seconds it may take, at most 86 400; `None` is a day.
    #[serde(default)]
    pub timeout_s: Option<u32>,
    #[serde(default)]
    pub attach: Attach,
}

/// A command in a running instance that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ExecInfo {
    pub id: JobId,
    pub process: ProcessName,
    /// The short id of the instance.
    pub instance: String,
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
