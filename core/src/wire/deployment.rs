//! Deployments.

use serde::{Deserialize, Serialize};

use crate::deployment::{DeploymentKind, DeploymentState, Receipt};
use crate::id::DeploymentId;
use crate::name::AppName;
use crate::time::Timestamp;

/// A deployment, as listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DeploymentInfo {
    pub id: DeploymentId,
    pub app: AppName,
    pub sequence: u32,
    pub kind: DeploymentKind,
    pub state: DeploymentState,
    /// What to do about a failure.
    pub hint: Option<String>,
    /// The release it carries, once there is one.
    pub version: Option<u32>,
    pub source: Option<String>,
    pub description: String,
    pub created_by: String,
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    pub receipt: Option<Receipt>,
}

/// Deploys a ready image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DeployImage {
    /// `repository:tag`, `repository@sha256:…` or an image id.
    pub reference: String,
}

/// Takes the app back to an older release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RollbackRequest {
    /// The release's number; `None` is the newest stable release before the live one.
    #[serde(default)]
    pub version: Option<u32>,
}

/// One item of a deployment's live stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum DeploymentUpdate {
    /// A line of its output, in the push grammar.
    Line { text: String },
    /// It moved.
    Moved { deployment: Box<DeploymentInfo> },
    /// It is live, or ended; nothing follows.
    Done { deployment: Box<DeploymentInfo> },
}
