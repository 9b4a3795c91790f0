//! The server: its parts, its jobs, and who did what.

use axum::response::Response;
use serde::Serialize;
use slipway_core::time::Timestamp;
use slipway_core::wire::audit::AuditEntry;
use slipway_core::wire::status::{ComponentStatus, ServerStatus};

use crate::failure::Failure;
use crate::templates::View;
use crate::view::moment::Moment;
use crate::visit::{Page, Visit};

const AUDIT_SHOWN: u32 = 50;

/// How the server is.
#[derive(Debug, Serialize)]
pub struct ServerPage {
    version: String,
    installation: String,
    database: String,
    apps: u32,
    jobs_queued: u32,
    jobs_running: u32,
    components: Vec<ComponentRow>,
    /// `None` for people who may not see it.
    audit: Option<Vec<AuditRow>>,
}

#[derive(Debug, Serialize)]
struct ComponentRow {
    name: String,
    ok: bool,
    message: String,
    age: String,
}

#[derive(Debug, Serialize)]
struct AuditRow {
    at: Moment,
    actor: String,
    action: String,
    target: String,
    result: String,
    address: Option<String>,
    by_token: bool,
}

impl ServerPage {
    pub fn new(status: &ServerStatus, audit: Option<Vec<AuditEntry>>) -> Self {
        let audit =
            audit.map(|entries| entries.into_iter().map(|entry| row(entry, status.now)).collect());
        Self {
            version: status.version.clone(),
            installation: status.installation.clone(),
            database: status.database.clone(),
            apps: status.apps,
            jobs_queued: status.jobs_queued,
            jobs_running: status.jobs_running,
            components: status.components.iter().map(component).collect(),
            audit,
        }
    }
}

fn component(component: &ComponentStatus) -> ComponentRow {
    ComponentRow {
        name: component.name.clone(),
        ok: component.ok,
        message: component.message.clone(),
        age: component.age_ms.to_string(),
    }
}

fn row(entry: AuditEntry, now: Timestamp) -> AuditRow {
    AuditRow {
        at: Moment::new(entry.at, now),
        actor: entry.actor.unwrap_or_else(|| "a stranger".to_owned()),
        target: entry.target.unwrap_or_else(|| entry.action.clone()),
        action: entry.action,
        result: entry.result,
        address: entry.address,
        by_token: entry.token.is_some(),
    }
}

impl View for ServerPage {
    const TEMPLATE: &'static str = "server.html";
}

/// Shows the server.
pub async fn show(mut visit: Visit) -> Response {
    let page = load(&mut visit).await;
    visit.answer(page)
}

async fn load(visit: &mut Visit) -> Result<Page<ServerPage>, Failure> {
    let status = visit.ask(|client| async move { client.status().await }).await?;
    let audit = visit.ask(|client| async move { client.audit(Some(AUDIT_SHOWN), None).await });
    let audit = match audit.await {
        Ok(entries) => Some(entries),
        Err(failure) if failure.is_forbidden() => None,
        Err(failure) => return Err(failure),
    };
    let view = ServerPage::new(&status, audit);
    Ok(Page { view, status, refresh_s: None })
}
