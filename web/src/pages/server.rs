//! The server: its parts, its jobs, and who did what.

use axum::response::Response;
use serde::Serialize;
use slipway_client::MetricsQuery;
use slipway_core::metric::Metric;
use slipway_core::time::{Millis, Timestamp};
use slipway_core::wire::audit::AuditEntry;
use slipway_core::wire::metrics::HostMetrics;
use slipway_core::wire::status::{ComponentStatus, ServerStatus, TaskHealth, TaskRound};

use crate::failure::Failure;
use crate::templates::View;
use crate::view::moment::Moment;
use crate::view::tile::{Tile, tiles};
use crate::visit::{Page, Visit};

const AUDIT_SHOWN: u32 = 50;
/// A point a minute.
const POINTS: u32 = 60;

static HOST: [(Metric, &str); 4] = [
    (Metric::HostCpu, "CPU"),
    (Metric::HostMemory, "Memory"),
    (Metric::HostDisk, "Fullest disk"),
    (Metric::HostLoad, "Load average"),
];

/// How the server is.
#[derive(Debug, Serialize)]
pub struct ServerPage {
    version: String,
    installation: String,
    database: String,
    apps: u32,
    jobs_queued: u32,
    jobs_running: u32,
    /// The host over the last hour.
    tiles: Vec<Tile>,
    components: Vec<ComponentRow>,
    tasks: Vec<TaskRow>,
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
struct TaskRow {
    name: String,
    /// What it does, in a few words.
    purpose: &'static str,
    /// `good` or `bad`.
    tone: &'static str,
    state: &'static str,
    message: String,
    at: Moment,
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
    pub fn new(status: &ServerStatus, host: &HostMetrics, audit: Option<Vec<AuditEntry>>) -> Self {
        let audit =
            audit.map(|entries| entries.into_iter().map(|entry| row(entry, status.now)).collect());
        Self {
            version: status.version.clone(),
            installation: status.installation.clone(),
            database: status.database.clone(),
            apps: status.apps,
            jobs_queued: status.jobs_queued,
            jobs_running: status.jobs_running,
            tiles: tiles(&HOST, |metric| {
                let series = host.series.iter().find(|series| series.metric == *metric);
                series.map(|series| series.values.as_slice())
            }),
            components: status.components.iter().map(component).collect(),
            tasks: status.tasks.iter().map(|round| task(round, status.now)).collect(),
            audit,
        }
    }
}

fn component(component: &ComponentStatus) -> ComponentRow {
    ComponentRow {
        name: named(&component.name),
        ok: component.ok,
        message: component.message.clone(),
        age: component.age_ms.to_string(),
    }
}

/// A part as people call it.
fn named(part: &str) -> String {
    let name = match part {
        "database" => "Database",
        "disk" => "Disk",
        "docker" => "Docker",
        "proxy" => "nginx",
        "worker" => "Jobs and tasks",
        other => other,
    };
    name.to_owned()
}

fn task(round: &TaskRound, now: Timestamp) -> TaskRow {
    let (name, purpose) = purpose(&round.name);
    let (tone, state) = match round.health(now) {
        TaskHealth::Well => ("good", "Works"),
        TaskHealth::Failing => ("bad", "Fails"),
        TaskHealth::Late => ("bad", "Hangs"),
    };
    let message = match (&round.error, round.failures) {
        (Some(error), 1) => error.clone(),
        (Some(error), times) => format!("{error} ({times} times in a row)"),
        (None, _) if round.took_ms == Millis(0) => "a round takes under 1 ms".to_owned(),
        (None, _) => format!("a round takes {}", round.took_ms),
    };
    TaskRow {
        name: name.to_owned(),
        purpose,
        tone,
        state,
        message,
        at: Moment::new(round.ended_at, now),
    }
}

/// A task as people call it, and what it is for. One that a newer worker has keeps its own name.
fn purpose(task: &str) -> (&str, &'static str) {
    match task {
        "instances" => ("Instances", "starts, checks, switches and stops them"),
        "jobs" => ("Jobs", "takes builds, commands and removals in hand"),
        "deadlines" => ("Deadlines", "ends steps of deployments that last too long"),
        "logs" => ("App logs", "follows what instances write"),
        "access" => ("Access logs", "brings requests into the apps' logs"),
        "monitor" => ("Measurements", "reads what apps and host use"),
        "recorder" => ("History", "writes measurements down"),
        "gauges" => ("Apps' metrics", "reads what apps expose themselves"),
        "autoscaler" => ("Autoscaling", "decides how many instances run"),
        "wake" => ("Waking", "starts apps that sleep when somebody asks"),
        "alerts" => ("Alerts", "compares measurements with the rules"),
        "deliveries" => ("Notifications", "sends messages to channels"),
        "drains" => ("Log drains", "sends log lines to receivers"),
        "janitor" => ("Clearing away", "removes what nobody needs any more"),
        other => (other, ""),
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
    let query = MetricsQuery {
        metrics: HOST.iter().map(|(metric, _)| metric.clone()).collect(),
        points: Some(POINTS),
        ..MetricsQuery::default()
    };
    let (host, status) = visit
        .ask(|client| {
            let query = query.clone();
            async move { tokio::try_join!(client.host_metrics(&query), client.status()) }
        })
        .await?;
    let audit = visit.ask(|client| async move { client.audit(Some(AUDIT_SHOWN), None).await });
    let audit = match audit.await {
        Ok(entries) => Some(entries),
        Err(failure) if failure.is_forbidden() => None,
        Err(failure) => return Err(failure),
    };
    let view = ServerPage::new(&status, &host, audit);
    Ok(Page { view, status, refresh_s: None })
}
