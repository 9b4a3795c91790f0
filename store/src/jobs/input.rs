//! What a job is to do.

use serde::{Deserialize, Serialize};
use slipway_core::id::{AppId, DeploymentId, ReleaseId};

/// What is to be done, with its input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JobKind {
    /// Carries a deployment to its instances.
    Deploy { deployment_id: DeploymentId },
    /// Runs a command once in a new instance of a release.
    Run {
        app_id: AppId,
        release_id: ReleaseId,
        command: Vec<String>,
        /// Seconds it may take.
        timeout_s: Option<u32>,
    },
    /// Removes what a tombstoned app left.
    Destroy { app_id: AppId },
}

impl JobKind {
    /// The name as stored.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Deploy { .. } => "deploy",
            Self::Run { .. } => "run",
            Self::Destroy { .. } => "destroy",
        }
    }

    /// The deployment it carries.
    pub(crate) fn deployment_id(&self) -> Option<&DeploymentId> {
        match self {
            Self::Deploy { deployment_id } => Some(deployment_id),
            Self::Run { .. } | Self::Destroy { .. } => None,
        }
    }
}
