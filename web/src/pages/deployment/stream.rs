//! A deployment as it goes on: its lines, and how far it came, for a page that is open.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::response::sse::Event;
use slipway_core::id::DeploymentId;
use slipway_core::time::{Millis, Timestamp};
use slipway_core::wire::deployment::{DeploymentInfo, DeploymentUpdate};
use tokio::time::Instant;

use crate::console::Console;
use crate::failure::Failure;
use crate::pages::deployment::Progress;
use crate::relay::{After, event, relay};
use crate::view::terminal::OutputLine;
use crate::visit::Visit;

/// The API's clock, which goes on while a stream lasts.
#[derive(Debug, Clone, Copy)]
struct Clock {
    then: Timestamp,
    since: Instant,
}

impl Clock {
    fn now(self) -> Timestamp {
        let passed = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.then + Millis(passed)
    }
}

/// Streams lines (`lines`), what the stages became (`progress`), and that it is over (`end`).
pub async fn relayed(
    State(console): State<Arc<Console>>,
    mut visit: Visit,
    Path(id): Path<String>,
    Query(after): Query<After>,
    headers: HeaderMap,
) -> Response {
    match look(&mut visit, &id).await {
        Err(failure) => visit.lead(Err(failure)),
        Ok((id, _, then)) => {
            let updates = visit.client().follow_deployment(&id, after.resume(&headers));
            let clock = Clock { then, since: Instant::now() };
            visit.keep(relay(updates, move |batch| translate(&console, clock, batch)))
        }
    }
}

/// How far it came by now, as a part of its page.
pub async fn progress(
    State(console): State<Arc<Console>>,
    mut visit: Visit,
    Path(id): Path<String>,
) -> Response {
    let part = look(&mut visit, &id).await.and_then(|(_, deployment, now)| {
        Ok(console.templates.render_part(&Progress::new(deployment, true, now))?)
    });
    match part {
        Ok(html) => visit.keep(html),
        Err(failure) => visit.lead(Err(failure)),
    }
}

async fn look(
    visit: &mut Visit,
    id: &str,
) -> Result<(DeploymentId, DeploymentInfo, Timestamp), Failure> {
    let id: DeploymentId = id.parse().map_err(|_| Failure::NotFound)?;
    let (deployment, status) = visit
        .ask(|client| {
            let id = id.clone();
            async move { tokio::try_join!(client.deployment(&id), client.status()) }
        })
        .await?;
    Ok((id, deployment, status.now))
}

fn translate(
    console: &Console,
    clock: Clock,
    batch: Vec<(Option<String>, DeploymentUpdate)>,
) -> Vec<Event> {
    let mut events = Vec::new();
    let mut lines = Vec::new();
    let mut last = None;
    for (id, update) in batch {
        let (deployment, is_last) = match update {
            DeploymentUpdate::Line { text } => {
                lines.push(OutputLine::new(&text));
                last = id;
                continue;
            }
            DeploymentUpdate::Moved { deployment } => (deployment, false),
            DeploymentUpdate::Done { deployment } => (deployment, true),
        };
        events.extend(flush(&mut lines, last.as_deref()));
        let part = Progress::new(*deployment, is_last, clock.now());
        match console.templates.render_part(&part) {
            Ok(html) => events.push(event("progress", id.as_deref(), &html.0)),
            Err(error) => tracing::error!(%error, "a deployment's progress cannot be shown"),
        }
        if is_last {
            events.push(event("end", None, &()));
        }
    }
    events.extend(flush(&mut lines, last.as_deref()));
    events
}

fn flush(lines: &mut Vec<OutputLine>, id: Option<&str>) -> Option<Event> {
    let lines = std::mem::take(lines);
    (!lines.is_empty()).then(|| event("lines", id, &lines))
}
