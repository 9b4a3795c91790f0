//! `slipway events`

use futures_util::StreamExt;
use slipway_client::Client;
use slipway_core::event::{Event, EventKind};

use crate::failure::Failure;
use crate::follow::outcome;
use crate::invocation::Invocation;
use crate::time;
use crate::view::{Tone, View, word};

/// Show what happened: deployments, scalings, instances that came and went
///
/// The newest events of all apps, or of one with `-a`. Times are UTC.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway events
  slipway events -f -a shop
  slipway events --after 1200 --json")]
pub struct Args {
    /// Keep showing events as they happen, after the 20 newest
    #[arg(short, long)]
    follow: bool,
    /// Only events after the one with this number
    #[arg(long, value_name = "NUMBER")]
    after: Option<i64>,
}

pub async fn run(invocation: &Invocation, args: Args) -> Result<(), Failure> {
    let client = invocation.client().await?;
    let app = invocation.global.app.as_ref();
    if !args.follow {
        let events = client.events(app, args.after).await?;
        return invocation
            .printer
            .show(&events, |view| events.iter().map(|event| render(view, event)).collect());
    }
    let after = match args.after {
        Some(after) => Some(after),
        None => show_newest(invocation, &client).await?,
    };
    let mut events = client.follow_events(app, after);
    while let Some(event) = events.next().await {
        let (_, event) = event?;
        invocation.printer.item(&event, |view| render(view, &event))?;
    }
    Ok(())
}

/// Shows the newest events; the number of the last one, so that none is missed after it. There is no
/// number when there is no event: then what follows begins now.
async fn show_newest(invocation: &Invocation, client: &Client) -> Result<Option<i64>, Failure> {
    const SHOWN: usize = 20;
    let events = client.events(invocation.global.app.as_ref(), None).await?;
    for event in events.iter().skip(events.len().saturating_sub(SHOWN)) {
        invocation.printer.item(event, |view| render(view, event))?;
    }
    Ok(events.last().map(|event| event.id))
}

fn render(view: &View, event: &Event) -> String {
    let at = view.paint(Tone::Quiet, &time::utc(event.at));
    let app = view.paint(Tone::Strong, &word(&event.app));
    format!("{at} {app}: {}\n", word(&sentence(&event.kind)))
}

fn sentence(kind: &EventKind) -> String {
    match kind {
        EventKind::AppCreated { by } => format!("created by {by}"),
        EventKind::AppDestroyed { by } => format!("destroyed by {by}"),
        EventKind::DomainAdded { domain, by } => format!("domain {domain} added by {by}"),
        EventKind::DomainRemoved { domain, by } => format!("domain {domain} removed by {by}"),
        EventKind::DeploymentMoved { sequence, deployment_kind, state, version, .. } => {
            let version = version.map(|version| format!(" of v{version}")).unwrap_or_default();
            let kind = deployment_kind.as_str();
            let detail = match state.reason() {
                Some(reason) => format!("{}: {}", outcome(state), reason.message),
                None => state.name().to_owned(),
            };
            format!("deployment {sequence} ({kind}){version} {detail}")
        }
        EventKind::Scaled { process, from, to, by, reason } => {
            let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            format!("{process} scaled from {from} to {to} by {by}{reason}")
        }
        EventKind::InstanceReady { process, instance, version } => {
            format!("{process}.{instance} of v{version} is ready")
        }
        EventKind::InstanceFailed { process, instance, version, reason } => {
            format!("{process}.{instance} of v{version} failed: {}", reason.message)
        }
        EventKind::InstanceRecovered { process, instance, version } => {
            format!("{process}.{instance} of v{version} passes its checks again")
        }
        EventKind::InstanceStopped { process, instance, version } => {
            format!("{process}.{instance} of v{version} was stopped")
        }
        EventKind::AlertFiring { alert, severity, sentence, .. } => {
            format!("alert {alert} fires ({}): {sentence}", severity.as_str())
        }
        EventKind::AlertResolved { alert, sentence, .. } => {
            format!("alert {alert} is over: {sentence}")
        }
    }
}

#[cfg(test)]
mod tests {
    use slipway_core::alert::Severity;
    use slipway_core::deployment::{DeploymentKind, DeploymentState};
    use slipway_core::id::{DeploymentId, FiringId, Id};
    use slipway_core::reason::{Reason, ReasonCode};

    use super::*;
    use crate::testing::{NOW, PLAIN};

    fn events() -> Vec<Event> {
        let by = || "ada@example.com".to_owned();
        let (process, instance, version) = ("web".to_owned(), "4k2m8r1t".to_owned(), 42);
        let moved = |state| EventKind::DeploymentMoved {
            deployment_id: DeploymentId::from_bits(12),
            sequence: 12,
            deployment_kind: DeploymentKind::Push,
            state,
            version: Some(42),
        };
        let reason = Reason::new(ReasonCode::OomKilled, "killed at 512 MiB");
        let kinds = vec![
            EventKind::AppCreated { by: by() },
            EventKind::DomainAdded { domain: "shop.example.com".parse().unwrap(), by: by() },
            EventKind::DomainRemoved { domain: "shop.example.com".parse().unwrap(), by: by() },
            moved(DeploymentState::Building),
            moved(DeploymentState::Failed { reason: reason.clone() }),
            EventKind::Scaled { process: process.clone(), from: 1, to: 3, by: by(), reason: None },
            EventKind::Scaled {
                process: process.clone(),
                from: 3,
                to: 4,
                by: "autoscaler".to_owned(),
                reason: Some(
                    "up from 3 to 4: cpu is at 80 % against 60 %, which asks for 4".to_owned(),
                ),
            },
            EventKind::InstanceReady {
                process: process.clone(),
                instance: instance.clone(),
                version,
            },
            EventKind::InstanceFailed {
                process: process.clone(),
                instance: instance.clone(),
                version,
                reason,
            },
            EventKind::InstanceRecovered {
                process: process.clone(),
                instance: instance.clone(),
                version,
            },
            EventKind::InstanceStopped { process, instance, version },
            EventKind::AlertFiring {
                alert: "errors".parse().unwrap(),
                firing: FiringId::from_bits(1),
                severity: Severity::Critical,
                sentence: "errors is 3.2 %, above 1 % for 5 min".to_owned(),
            },
            EventKind::AlertResolved {
                alert: "errors".parse().unwrap(),
                firing: FiringId::from_bits(1),
                severity: Severity::Critical,
                sentence: "errors is 0 % again after 9 min 5 s; at worst it was 7 %".to_owned(),
            },
            EventKind::AppDestroyed { by: by() },
        ];
        let number = |(id, kind)| Event { id, at: NOW, app: "shop".to_owned(), kind };
        (1..).zip(kinds).map(number).collect()
    }

    #[test]
    fn every_event_is_a_sentence() {
        let text: String = events().iter().map(|event| render(&PLAIN, event)).collect();
        insta::assert_snapshot!("events", text);
        insta::assert_json_snapshot!("events_as_json", events());
    }
}
