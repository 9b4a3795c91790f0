//! Releases, and what lies between two of them.

use serde::{Deserialize, Serialize};

use crate::name::ConfigKey;
use crate::process::Formation;
use crate::release::{ImageRef, Source};
use crate::time::Timestamp;

/// A release, as listed.
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent facts, each a field of the JSON"
)]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ReleaseSummary {
    pub version: u32,
    pub description: String,
    pub source: Option<String>,
    pub created_by: String,
    pub created_at: Timestamp,
    /// Whether it serves now.
    pub live: bool,
    /// Whether it was ever observed stable.
    pub stable: bool,
    pub pinned: bool,
    /// Whether it can be rolled back to: its image is kept.
    pub image_kept: bool,
    /// The release this one copies.
    pub copy_of: Option<u32>,
}

/// A release, described.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ReleaseInfo {
    #[serde(flatten)]
    pub summary: ReleaseSummary,
    pub image: ImageRef,
    pub formation: Formation,
    pub origin: Option<Source>,
    pub config_keys: Vec<ConfigKey>,
    /// What differs from the live release, in the direction of this one.
    pub differs_from_live: Option<Differences>,
}

/// What differs between two releases. Values of configuration never travel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Differences {
    pub from_version: u32,
    pub to_version: u32,
    /// The code's summary on both sides, when the image differs.
    pub code: Option<(String, String)>,
    pub config_added: Vec<ConfigKey>,
    pub config_removed: Vec<ConfigKey>,
    pub config_changed: Vec<ConfigKey>,
    /// One line for each difference of processes: `web: command changed`.
    pub processes: Vec<String>,
}

impl Differences {
    /// Whether both run the same thing.
    pub fn is_empty(&self) -> bool {
        self.code.is_none()
            && self.config_added.is_empty()
            && self.config_removed.is_empty()
            && self.config_changed.is_empty()
            && self.processes.is_empty()
    }
}
