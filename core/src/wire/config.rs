//! Configuration values.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::name::ConfigKey;
use crate::time::Timestamp;
use crate::wire::deployment::DeploymentInfo;

/// A key without its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ConfigEntry {
    pub key: ConfigKey,
    pub bytes: u64,
    pub updated_at: Timestamp,
    /// Made by Slipway, such as `SECRET_KEY`.
    pub generated: bool,
}

/// An app's keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ConfigList {
    pub entries: Vec<ConfigEntry>,
    /// Changes with every change; send it back in `If-Match` to refuse lost updates.
    pub etag: String,
}

/// Sets (`"value"`) and unsets (`null`) keys.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ConfigPatch {
    #[cfg_attr(feature = "schema", schema(value_type = BTreeMap<String, Option<String>>))]
    pub values: BTreeMap<ConfigKey, Option<String>>,
}

/// What a change made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ConfigChanged {
    pub etag: String,
    /// The deployment that carries it; `None` when nothing changed or nothing is live yet.
    pub deployment: Option<DeploymentInfo>,
}

/// One value, revealed. The revelation is audited.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ConfigValue {
    pub key: ConfigKey,
    pub value: String,
}
