//! Scaling by itself.

use serde::{Deserialize, Serialize};

use crate::autoscale::replay::Outcome;
use crate::autoscale::{AutoscaleSettings, Decision};
use crate::name::ProcessName;
use crate::time::Timestamp;

/// A decision, with when it was made and about what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DecisionInfo {
    pub at: Timestamp,
    pub process: ProcessName,
    #[serde(flatten)]
    pub decision: Decision,
}

/// A process that scales by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AutoscaleInfo {
    pub process: ProcessName,
    pub settings: AutoscaleSettings,
    /// How many instances are wanted now.
    pub count: u32,
    /// Whether the count was set to 0 by hand; it goes on when that is more.
    pub paused: bool,
    /// The newest decision, which says why the count is what it is; absent until the first.
    pub present: Option<DecisionInfo>,
}

/// Everything an app scales by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AppAutoscale {
    pub processes: Vec<AutoscaleInfo>,
    /// The newest decisions that changed a count or say what keeps it, newest first.
    pub decisions: Vec<DecisionInfo>,
}

/// Asks what the autoscaler would have done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SimulateRequest {
    pub settings: AutoscaleSettings,
    /// From when on; at most 30 days are kept.
    pub since: Timestamp,
}

/// What the autoscaler would have done with the samples of a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Simulation {
    pub process: ProcessName,
    pub settings: AutoscaleSettings,
    pub since: Timestamp,
    pub until: Timestamp,
    /// How far apart the samples are that it was told.
    pub interval_ms: crate::time::Millis,
    #[serde(flatten)]
    pub outcome: Outcome,
}
