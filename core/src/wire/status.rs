//! The server itself.

use serde::{Deserialize, Serialize};

use crate::time::{Millis, Timestamp};

/// How the server is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ServerStatus {
    pub version: String,
    pub installation: String,
    /// `sqlite` or `postgres`.
    pub database: String,
    /// Whether somebody claimed it.
    pub claimed: bool,
    pub components: Vec<ComponentStatus>,
    pub apps: u32,
    pub jobs_queued: u32,
    pub jobs_running: u32,
    pub now: Timestamp,
}

/// A part of the server: `database`, `docker`, `proxy`, `worker`, `disk`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ComponentStatus {
    pub name: String,
    pub ok: bool,
    /// One sentence: `Docker 20.10.24, 14 instances`.
    pub message: String,
    /// How old this knowledge is.
    pub age_ms: Millis,
}
