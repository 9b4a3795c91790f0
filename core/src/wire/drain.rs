//! Receivers of an app's log lines.

use serde::{Deserialize, Serialize};

use crate::id::DrainId;
use crate::log::LogSource;
use crate::time::Timestamp;

/// A receiver to be added.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DrainRequest {
    /// `syslog://host:514`, `syslog+tls://host:6514`, or an HTTP or HTTPS address that takes JSON by
    /// POST. It may hold secrets, and is never shown again.
    pub url: String,
    /// Sent as `Authorization: Bearer …`; not for syslog.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Whether what is sent is compressed with gzip; not for syslog.
    #[serde(default)]
    pub gzip: bool,
    /// Whose lines are sent; everybody's, when empty.
    #[serde(default)]
    pub sources: Vec<LogSource>,
}

/// A receiver, and how it is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DrainInfo {
    pub id: DrainId,
    /// Without what may be secret in it.
    pub address: String,
    /// Everybody, when empty.
    pub sources: Vec<LogSource>,
    pub created_at: Timestamp,
    pub created_by: String,
    /// When it took lines last.
    pub delivered_at: Option<Timestamp>,
    /// How much of the log waits for it.
    pub behind_bytes: u64,
    /// What is wrong now.
    pub failure: Option<DrainFailure>,
}

/// Why a receiver gets nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DrainFailure {
    /// Since when nothing arrives.
    pub since: Timestamp,
    /// What happened the last time.
    pub message: String,
}

/// What came of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DrainTest {
    /// Whether the receiver took the line.
    pub delivered: bool,
    /// Why it did not.
    pub error: Option<String>,
}
