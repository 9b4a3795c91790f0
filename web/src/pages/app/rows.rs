//! The lines of an app's lists.

use serde::Serialize;
use slipway_core::time::Timestamp;
use slipway_core::wire::deployment::DeploymentInfo;
use slipway_core::wire::process::{InstanceInfo, ProcessInfo};
use slipway_core::wire::release::ReleaseSummary;

use crate::view::badge::Badge;
use crate::view::moment::Moment;
use crate::view::prose::{Piece, sentence};

/// A process type.
#[derive(Debug, Serialize)]
pub struct ProcessRow {
    name: String,
    command: String,
    wanted: u32,
    ready: u32,
}

impl From<ProcessInfo> for ProcessRow {
    fn from(process: ProcessInfo) -> Self {
        Self {
            name: process.name.to_string(),
            command: process.command,
            wanted: process.wanted,
            ready: process.ready,
        }
    }
}

/// An instance.
#[derive(Debug, Serialize)]
pub struct InstanceRow {
    short: String,
    process: String,
    version: u32,
    badge: Badge,
    in_proxy: bool,
    restarts: u32,
    created: Moment,
    reason: Option<Vec<Piece>>,
}

impl InstanceRow {
    pub fn new(instance: InstanceInfo, now: Timestamp) -> Self {
        Self {
            short: instance.short,
            process: instance.process.to_string(),
            version: instance.version,
            badge: Badge::from(instance.state),
            in_proxy: instance.in_proxy,
            restarts: instance.restarts,
            created: Moment::new(instance.created_at, now),
            reason: instance.reason.map(|reason| sentence(&reason.message)),
        }
    }
}

/// A deployment.
#[derive(Debug, Serialize)]
pub struct DeploymentRow {
    id: String,
    sequence: u32,
    kind: &'static str,
    badge: Badge,
    version: Option<u32>,
    /// What it carries: a commit, a directory, an image; else why it exists.
    what: String,
    by: String,
    created: Moment,
    took: Option<String>,
    reason: Option<Vec<Piece>>,
}

impl DeploymentRow {
    pub fn new(deployment: DeploymentInfo, now: Timestamp) -> Self {
        let took = deployment.finished_at.map(|end| end.since(deployment.created_at).to_string());
        Self {
            id: deployment.id.to_string(),
            sequence: deployment.sequence,
            kind: deployment.kind.as_str(),
            badge: Badge::from(&deployment.state),
            version: deployment.version,
            what: what(&deployment),
            created: Moment::new(deployment.created_at, now),
            took,
            reason: deployment.state.reason().map(|reason| sentence(&reason.message)),
            by: deployment.created_by,
        }
    }
}

/// What a deployment carries, in a line.
pub fn what(deployment: &DeploymentInfo) -> String {
    deployment.source.clone().unwrap_or_else(|| deployment.description.clone())
}

/// A release.
#[derive(Debug, Serialize)]
pub struct ReleaseRow {
    version: u32,
    description: String,
    source: Option<String>,
    by: String,
    created: Moment,
    live: bool,
    /// What else is worth knowing, in a word or two.
    tags: Vec<&'static str>,
    /// Whether the app can be taken back to it.
    can_return: bool,
}

impl ReleaseRow {
    pub fn new(release: ReleaseSummary, now: Timestamp) -> Self {
        let tags = tags(&release);
        Self {
            version: release.version,
            description: release.description,
            source: release.source,
            by: release.created_by,
            created: Moment::new(release.created_at, now),
            tags,
            live: release.live,
            can_return: release.image_kept && !release.live,
        }
    }
}

fn tags(release: &ReleaseSummary) -> Vec<&'static str> {
    let is_suspect = !release.stable && !release.live;
    let tags = [(release.pinned, "Pinned"), (is_suspect, "Never stable")];
    tags.into_iter().filter(|(applies, _)| *applies).map(|(_, tag)| tag).collect()
}
