//! What happened, in order: the feed that the API streams and the console draws.

use serde::{Deserialize, Serialize};

use crate::alert::Severity;
use crate::deployment::{DeploymentKind, DeploymentState};
use crate::domain::Domain;
use crate::id::{DeploymentId, FiringId};
use crate::name::AlertName;
use crate::reason::Reason;
use crate::time::Timestamp;

/// One event of an app. Ids grow by commit order, without holes that fill later, so a reader that
/// resumes after the last id it saw misses nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Event {
    pub id: i64,
    pub at: Timestamp,
    pub app: String,
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventKind {
    /// The app was created.
    AppCreated { by: String },
    /// The app is being destroyed.
    AppDestroyed { by: String },
    /// The app answers at a domain of its own.
    DomainAdded { domain: Domain, by: String },
    /// The app does not answer at a domain any more.
    DomainRemoved { domain: Domain, by: String },
    /// A deployment was accepted or moved to another state.
    DeploymentMoved {
        deployment_id: DeploymentId,
        sequence: u32,
        deployment_kind: DeploymentKind,
        state: DeploymentState,
        /// The release's number, once there is one.
        version: Option<u32>,
    },
    /// Wanted counts changed.
    Scaled {
        process: String,
        from: u32,
        to: u32,
        by: String,
        /// Why, in a sentence, when the autoscaler did it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// An instance became ready.
    InstanceReady { process: String, instance: String, version: u32 },
    /// An instance ended by itself or stopped passing its checks.
    InstanceFailed { process: String, instance: String, version: u32, reason: Reason },
    /// An instance that failed its checks passes them again.
    InstanceRecovered { process: String, instance: String, version: u32 },
    /// An instance was stopped on purpose.
    InstanceStopped { process: String, instance: String, version: u32 },
    /// An alert fired. The sentence has the numbers: `errors is 3.2 %, above 1 % for 5 min`.
    AlertFiring { alert: AlertName, firing: FiringId, severity: Severity, sentence: String },
    /// An alert that fired is over.
    AlertResolved { alert: AlertName, firing: FiringId, severity: Severity, sentence: String },
}
