//! Apps.

use serde::{Deserialize, Serialize};

use crate::domain::Domain;
use crate::name::AppName;
use crate::time::Timestamp;
use crate::wire::deployment::DeploymentInfo;
use crate::wire::process::ProcessInfo;

/// Creates an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateApp {
    pub name: AppName,
}

/// How an app is, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AppHealth {
    /// Nothing was deployed yet.
    Empty,
    /// Every wanted instance is ready.
    Healthy,
    /// Some wanted instances are not ready.
    Degraded,
    /// No wanted instance is ready.
    Down,
    /// Scaled to zero by hand.
    Stopped,
    /// A deployment is under way.
    Deploying,
    /// It is being destroyed.
    Deleting,
}

/// An app, as listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AppSummary {
    pub name: AppName,
    /// Where it answers.
    pub url: String,
    pub health: AppHealth,
    /// The live release's number.
    pub version: Option<u32>,
    /// What the live release came from.
    pub source: Option<String>,
    pub ready: u32,
    pub wanted: u32,
    pub deployed_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

/// An app, described.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AppInfo {
    #[serde(flatten)]
    pub summary: AppSummary,
    /// The names it answers at beside that of its address.
    #[serde(default)]
    pub domains: Vec<Domain>,
    /// Where to push.
    pub git_url: String,
    /// The branch that deploys.
    pub deploy_branch: String,
    pub processes: Vec<ProcessInfo>,
    /// The newest deployment.
    pub latest_deployment: Option<DeploymentInfo>,
}
