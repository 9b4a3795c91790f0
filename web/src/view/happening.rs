//! Events as people tell them: a sentence, a tone, and where to read on.

use serde::Serialize;
use slipway_core::event::{Event, EventKind};
use slipway_core::id::Id as _;
use slipway_core::time::Timestamp;

use crate::view::badge::{Badge, Tone};
use crate::view::moment::Moment;

/// An event, in a line.
#[derive(Debug, Serialize)]
pub struct Happening {
    id: i64,
    app: String,
    tone: Tone,
    text: String,
    /// The page that says more.
    href: Option<String>,
    at: Moment,
}

/// Events, the newest first.
pub fn newest_first(events: Vec<Event>, now: Timestamp) -> Vec<Happening> {
    events.into_iter().rev().map(|event| Happening::new(event, now)).collect()
}

impl Happening {
    fn new(event: Event, now: Timestamp) -> Self {
        let (tone, text) = told(&event.kind);
        let href = match &event.kind {
            EventKind::DeploymentMoved { deployment_id, .. } => {
                Some(format!("/deployments/{}", deployment_id.as_str()))
            }
            EventKind::AlertFiring { .. } | EventKind::AlertResolved { .. } => {
                Some(format!("/apps/{}/alerts", event.app))
            }
            EventKind::Scaled { .. } => Some(format!("/apps/{}/scale", event.app)),
            EventKind::AppCreated { .. }
            | EventKind::AppDestroyed { .. }
            | EventKind::DomainAdded { .. }
            | EventKind::DomainRemoved { .. }
            | EventKind::InstanceReady { .. }
            | EventKind::InstanceFailed { .. }
            | EventKind::InstanceRecovered { .. }
            | EventKind::InstanceStopped { .. } => None,
        };
        Self { id: event.id, app: event.app, tone, text, href, at: Moment::new(event.at, now) }
    }
}

fn told(kind: &EventKind) -> (Tone, String) {
    match kind {
        EventKind::AppCreated { by } => (Tone::Idle, format!("Created by {by}")),
        EventKind::AppDestroyed { by } => (Tone::Warn, format!("Being deleted by {by}")),
        EventKind::DomainAdded { domain, by } => {
            (Tone::Idle, format!("Domain {domain} added by {by}"))
        }
        EventKind::DomainRemoved { domain, by } => {
            (Tone::Idle, format!("Domain {domain} removed by {by}"))
        }
        EventKind::DeploymentMoved { sequence, deployment_kind, state, version, .. } => {
            let Badge { tone, label } = Badge::from(state);
            let version = version.map(|version| format!(" (v{version})")).unwrap_or_default();
            let kind = deployment_kind.as_str();
            (tone, format!("Deployment #{sequence}, {kind}{version}: {}", label.to_lowercase()))
        }
        EventKind::Scaled { process, from, to, by, reason } => {
            let why = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            (Tone::Busy, format!("{process} scaled from {from} to {to} by {by}{why}"))
        }
        EventKind::AlertFiring { alert, sentence, .. } => {
            (Tone::Bad, format!("Alert {alert}: {sentence}"))
        }
        EventKind::AlertResolved { alert, sentence, .. } => {
            (Tone::Good, format!("Alert {alert} is over: {sentence}"))
        }
        EventKind::InstanceReady { process, instance, version } => {
            (Tone::Good, format!("{process}.{instance} of v{version} is ready"))
        }
        EventKind::InstanceFailed { process, instance, version, reason } => {
            let why = &reason.message;
            (Tone::Bad, format!("{process}.{instance} of v{version} failed: {why}"))
        }
        EventKind::InstanceRecovered { process, instance, version } => {
            (Tone::Good, format!("{process}.{instance} of v{version} passes its checks again"))
        }
        EventKind::InstanceStopped { process, instance, version } => {
            (Tone::Idle, format!("{process}.{instance} of v{version} was stopped"))
        }
    }
}
