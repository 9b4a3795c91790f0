//! What the API says, for pages to show.

use slipway_core::deployment::{DeploymentKind, DeploymentState, Receipt};
use slipway_core::event::{Event, EventKind};
use slipway_core::id::{DeploymentId, Id as _};
use slipway_core::instance::InstanceState;
use slipway_core::metric::Metric;
use slipway_core::reason::{Reason, ReasonCode};
use slipway_core::time::{Millis, Timestamp};
use slipway_core::wire::app::{AppHealth, AppInfo, AppSummary};
use slipway_core::wire::deployment::DeploymentInfo;
use slipway_core::wire::metrics::{AppMetrics, Series};
use slipway_core::wire::process::{InstanceInfo, ProcessInfo};
use slipway_core::wire::release::ReleaseSummary;

use crate::pages::app::Answers;
use crate::session::BrowserSession;

/// 2026-01-05 12:00:03 UTC.
pub const NOW: Timestamp = Timestamp(1_767_614_403_000);

fn ago(seconds: u64) -> Timestamp {
    NOW - Millis::from_secs(seconds)
}

pub fn session() -> BrowserSession {
    BrowserSession {
        access_token: "access".to_owned(),
        refresh_token: "refresh".to_owned(),
        form_token: "form-token".to_owned(),
        email: "ada@example.com".parse().unwrap(),
    }
}

pub fn app(name: &str, health: AppHealth) -> AppSummary {
    let is_empty = health == AppHealth::Empty;
    let ready = match health {
        AppHealth::Healthy | AppHealth::Deploying => 2,
        AppHealth::Degraded => 1,
        AppHealth::Empty | AppHealth::Down | AppHealth::Stopped | AppHealth::Deleting => 0,
    };
    AppSummary {
        name: name.parse().unwrap(),
        url: format!("http://{name}.localhost:8080"),
        health,
        version: (!is_empty).then_some(42),
        source: (!is_empty).then(|| "3f2a9c1 fix the cart".to_owned()),
        ready,
        wanted: if is_empty { 0 } else { 2 },
        deployed_at: (!is_empty).then(|| ago(190)),
        created_at: ago(90_000),
    }
}

pub fn deployment(sequence: u32, kind: DeploymentKind, state: DeploymentState) -> DeploymentInfo {
    DeploymentInfo {
        id: DeploymentId::from_bits(u128::from(sequence)),
        app: "shop".parse().unwrap(),
        sequence,
        kind,
        state,
        hint: None,
        version: Some(sequence),
        source: Some("3f2a9c1 fix the cart".to_owned()),
        description: "push 3f2a9c1".to_owned(),
        created_by: "ada@example.com".to_owned(),
        created_at: ago(200),
        finished_at: Some(ago(180)),
        receipt: Some(Receipt {
            requests_served: 812,
            requests_dropped: 0,
            total_ms: Millis(15_240),
            build_ms: Millis(9_800),
            release_ms: Millis(1_200),
            start_ms: Millis(1_900),
            switch_ms: Millis(87),
        }),
    }
}

pub fn failed() -> DeploymentInfo {
    let reason = Reason::new(
        ReasonCode::BoundToLoopback,
        "`web` listens on 127.0.0.1:8000 only, where the proxy cannot reach it",
    )
    .with_last_lines(vec![
        "[2026-01-05 11:59:40 +0000] [1] [INFO] Starting gunicorn 23.0.0".to_owned(),
        "[2026-01-05 11:59:40 +0000] [1] [INFO] Listening at: http://127.0.0.1:8000 (1)".to_owned(),
    ]);
    let mut failed = deployment(43, DeploymentKind::Push, DeploymentState::Failed { reason });
    failed.hint = Some(ReasonCode::BoundToLoopback.hint().to_owned());
    failed.receipt = None;
    failed
}

fn process(name: &str, command: &str, wanted: u32) -> ProcessInfo {
    ProcessInfo { name: name.parse().unwrap(), command: command.to_owned(), wanted, ready: wanted }
}

fn instance(short: &str, process: &str, state: InstanceState) -> InstanceInfo {
    let is_web = process == "web";
    InstanceInfo {
        id: format!("run_{short}"),
        short: short.to_owned(),
        process: process.parse().unwrap(),
        version: 42,
        state,
        in_proxy: is_web && state == InstanceState::Ready,
        restarts: u32::from(state == InstanceState::Crashed),
        created_at: ago(190),
        ready_at: Some(ago(188)),
        reason: (state == InstanceState::Crashed)
            .then(|| Reason::new(ReasonCode::OomKilled, "killed at its limit of 512 MiB")),
    }
}

pub fn release(version: u32, live: bool) -> ReleaseSummary {
    ReleaseSummary {
        version,
        description: format!("push {version}f2a9c1"),
        source: Some("3f2a9c1 fix the cart".to_owned()),
        created_by: "ada@example.com".to_owned(),
        created_at: ago(200 + u64::from(42 - version) * 90_000),
        live,
        stable: version != 41,
        pinned: version == 40,
        image_kept: version > 38,
        copy_of: None,
    }
}

pub fn releases() -> Vec<ReleaseSummary> {
    vec![release(42, true), release(41, false), release(40, false), release(38, false)]
}

pub fn event(id: i64, kind: EventKind) -> Event {
    let age = u64::try_from(60 - id).unwrap();
    Event { id, at: ago(age), app: "shop".to_owned(), kind }
}

/// The last three minutes of `web`.
fn hour() -> AppMetrics {
    let series = |metric: Metric, values: [Option<f64>; 3]| Series {
        process: "web".parse().unwrap(),
        instance: None,
        unit: metric.unit(),
        metric,
        values: values.into(),
    };
    AppMetrics {
        times: [120, 60, 0].map(ago).into(),
        step_ms: Millis::from_secs(60),
        series: vec![
            series(Metric::Rps, [Some(790.0), Some(801.0), Some(812.0)]),
            series(Metric::P95Ms, [Some(40.0), None, Some(43.0)]),
            series(Metric::Cpu, [Some(31.0), Some(35.0), Some(33.0)]),
            series(Metric::MemoryBytes, [None, None, None]),
        ],
        markers: Vec::new(),
    }
}

pub fn nothing_measured() -> AppMetrics {
    AppMetrics {
        times: Vec::new(),
        step_ms: Millis::from_secs(60),
        series: Vec::new(),
        markers: Vec::new(),
    }
}

pub fn answers() -> Answers {
    let mut rollback = deployment(41, DeploymentKind::Rollback, DeploymentState::Succeeded);
    rollback.source = None;
    rollback.description = "rollback to v39".to_owned();
    let live = deployment(42, DeploymentKind::Push, DeploymentState::Succeeded);
    Answers {
        app: AppInfo {
            summary: app("shop", AppHealth::Healthy),
            domains: vec!["shop.example.com".parse().unwrap()],
            git_url: "http://localhost:8080/git/shop.git".to_owned(),
            deploy_branch: "main".to_owned(),
            processes: vec![
                process("web", "gunicorn shop.wsgi --bind 0.0.0.0:$PORT --workers 2", 2),
                process("worker", "celery -A shop worker --loglevel info", 1),
            ],
            latest_deployment: Some(failed()),
        },
        instances: vec![
            instance("4k2m9x7q", "web", InstanceState::Ready),
            instance("8w3n5c1z", "web", InstanceState::Ready),
            instance("p0d6v2rt", "worker", InstanceState::Crashed),
        ],
        deployments: vec![failed(), live, rollback],
        metrics: hour(),
        events: vec![
            event(
                1,
                EventKind::Scaled {
                    process: "web".to_owned(),
                    from: 1,
                    to: 2,
                    by: "ada@example.com".to_owned(),
                    reason: None,
                },
            ),
            event(
                2,
                EventKind::InstanceFailed {
                    process: "worker".to_owned(),
                    instance: "p0d6v2rt".to_owned(),
                    version: 42,
                    reason: Reason::new(ReasonCode::OomKilled, "killed at its limit of 512 MiB"),
                },
            ),
            event(
                3,
                EventKind::DeploymentMoved {
                    deployment_id: DeploymentId::from_bits(43),
                    sequence: 43,
                    deployment_kind: DeploymentKind::Push,
                    state: failed().state,
                    version: Some(43),
                },
            ),
        ],
    }
}

pub fn first_answers() -> Answers {
    Answers {
        app: AppInfo {
            summary: app("landing", AppHealth::Empty),
            domains: Vec::new(),
            git_url: "http://localhost:8080/git/landing.git".to_owned(),
            deploy_branch: "main".to_owned(),
            processes: Vec::new(),
            latest_deployment: None,
        },
        instances: Vec::new(),
        deployments: Vec::new(),
        events: Vec::new(),
        metrics: nothing_measured(),
    }
}
