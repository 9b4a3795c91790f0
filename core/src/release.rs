//! Releases: what exactly ran, kept for ever.

use serde::{Deserialize, Serialize};

use crate::id::{AppId, DeploymentId, ReleaseId, SourceId};
use crate::process::Formation;
use crate::time::Timestamp;

/// An image on the engine, by content and never by tag.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ImageRef {
    /// The repository it was built into or pulled from, for people.
    pub repository: String,
    /// The engine's image id, `sha256:…`.
    pub digest: String,
}

/// Where a release's code came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Source {
    /// A commit that was pushed.
    Git { source_id: SourceId, commit: String, branch: String, subject: String, author: String },
    /// An uploaded directory.
    Upload { source_id: SourceId, description: String },
    /// A ready image.
    Image { reference: String },
}

impl Source {
    /// The stored archive, when there is one.
    pub fn archive(&self) -> Option<&SourceId> {
        match self {
            Self::Git { source_id, .. } | Self::Upload { source_id, .. } => Some(source_id),
            Self::Image { .. } => None,
        }
    }

    /// One line for listings: `3f2a9c1 fix the cart`.
    pub fn summary(&self) -> String {
        match self {
            Self::Git { commit, subject, .. } => {
                let short: String = commit.chars().take(7).collect();
                if subject.is_empty() { short } else { format!("{short} {subject}") }
            }
            Self::Upload { description, .. } => description.clone(),
            Self::Image { reference } => reference.clone(),
        }
    }
}

/// An immutable release: image, configuration snapshot, processes, origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    pub id: ReleaseId,
    pub app_id: AppId,
    /// The app's own monotonic number, shown as `v42`.
    pub version: u32,
    pub image: ImageRef,
    /// Digest over image, configuration and formation. Two releases with the same digest run the
    /// same thing, so instances of one may serve the other.
    pub content: String,
    pub formation: Formation,
    pub source: Option<Source>,
    /// Why it exists: `push 3f2a9c1`, `rollback to v3`, `set DEBUG`.
    pub description: String,
    pub deployment_id: DeploymentId,
    /// The release this one copies, for rollbacks.
    pub copy_of: Option<u32>,
    pub created_by: String,
    pub created_at: Timestamp,
    /// When it was first observed stable.
    pub stable_at: Option<Timestamp>,
    pub pinned: bool,
    /// Whether its image is still kept.
    pub image_kept: bool,
}
