//! The domains of an app.

use serde::{Deserialize, Serialize};

use crate::domain::Domain;
use crate::time::Timestamp;
use crate::wire::deployment::DeploymentInfo;

/// A domain to be added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DomainRequest {
    /// A host name such as `shop.example.com`, in Unicode or in ASCII; no wildcard, no port, no IP
    /// address.
    pub domain: String,
}

/// A domain that an app answers at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DomainInfo {
    pub domain: Domain,
    /// Where the app answers, once DNS leads there.
    pub url: String,
    /// What DNS has to say for that, in a sentence.
    pub dns: String,
    pub added_at: Timestamp,
    pub added_by: String,
}

/// What adding a domain made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DomainAdded {
    pub domain: DomainInfo,
    /// The deployment that tells the app's instances of it; `None` when none runs, or when the app
    /// sets `ALLOWED_HOSTS` and `CSRF_TRUSTED_ORIGINS` itself.
    pub deployment: Option<DeploymentInfo>,
}
