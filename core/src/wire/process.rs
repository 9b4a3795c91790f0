//! Processes and their instances.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::instance::InstanceState;
use crate::name::ProcessName;
use crate::reason::Reason;
use crate::time::Timestamp;

/// A process type with its wanted count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ProcessInfo {
    pub name: ProcessName,
    pub command: String,
    pub wanted: u32,
    pub ready: u32,
}

/// One instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct InstanceInfo {
    /// The whole id.
    pub id: String,
    /// Eight characters of it, as logs show it.
    pub short: String,
    pub process: ProcessName,
    pub version: u32,
    pub state: InstanceState,
    /// Whether it receives traffic.
    pub in_proxy: bool,
    pub restarts: u32,
    pub created_at: Timestamp,
    pub ready_at: Option<Timestamp>,
    /// Why it is not ready, when it failed.
    pub reason: Option<Reason>,
}

/// Wanted counts to set; processes not named keep theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ScaleRequest {
    #[cfg_attr(feature = "schema", schema(value_type = BTreeMap<String, u32>))]
    pub counts: BTreeMap<ProcessName, u32>,
}

/// The wanted counts of every process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Scale {
    #[cfg_attr(feature = "schema", schema(value_type = BTreeMap<String, u32>))]
    pub counts: BTreeMap<ProcessName, u32>,
}
