//! What a job is to do.

use serde::{Deserialize, Serialize};
use slipway_core::id::{AppId, DeploymentId, InstanceId, ReleaseId};
use slipway_core::wire::attach::Attach;

/// What is to be done, with its input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JobKind {
    /// Carries a deployment to its instances.
    Deploy { deployment_id: DeploymentId },
    /// Runs a command once, in a new instance of a release or in one that runs.
    Run {
        app_id: AppId,
        release_id: ReleaseId,
        command: Vec<String>,
        /// Seconds it may take.
        timeout_s: Option<u32>,
        /// How somebody attaches to it; without one it runs by itself.
        #[serde(default)]
        attach: Option<Attach>,
        /// The running instance it runs in; always attached.
        #[serde(default)]
        instance_id: Option<InstanceId>,
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

    /// Whether somebody is attached to it.
    pub fn is_attached(&self) -> bool {
        matches!(self, Self::Run { attach: Some(_), .. })
    }

    /// Whether it is a command of somebody's, which lasts as long as they like; the work is not ours.
    pub fn is_command(&self) -> bool {
        matches!(self, Self::Run { .. })
    }

    /// The deployment it carries.
    pub(crate) fn deployment_id(&self) -> Option<&DeploymentId> {
        match self {
            Self::Deploy { deployment_id } => Some(deployment_id),
            Self::Run { .. } | Self::Destroy { .. } => None,
        }
    }
}
