//! The list of apps.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use slipway_client::ServerUrl;
use slipway_core::metric::Unit;
use slipway_core::time::Timestamp;
use slipway_core::wire::app::{AppHealth, AppSummary};
use slipway_core::wire::metrics::{AppTraffic, TrafficOverview};

use crate::console::Console;
use crate::failure::Failure;
use crate::templates::View;
use crate::view::badge::Badge;
use crate::view::curve::Curve;
use crate::view::moment::Moment;
use crate::view::quantity::quantity;
use crate::visit::{Page, Visit};

/// Seconds between two looks while something is being deployed.
const REFRESH_S: u32 = 5;

/// Every app that the person may see, or how to make the first one.
#[derive(Debug, Serialize)]
pub struct AppsPage {
    apps: Vec<AppRow>,
    /// The server's address, to sign in to.
    server: String,
}

/// An app, in a line.
#[derive(Debug, Serialize)]
pub struct AppRow {
    pub name: String,
    badge: Badge,
    version: Option<u32>,
    source: Option<String>,
    ready: u32,
    wanted: u32,
    deployed: Option<Moment>,
    url: String,
    /// The address without its scheme.
    host: String,
    /// Unless nothing is known, as of an app without a proxied process.
    traffic: Option<Traffic>,
}

/// What an app passes on.
#[derive(Debug, Serialize)]
struct Traffic {
    rps: Option<String>,
    p95: Option<String>,
    curve: Option<Curve>,
}

impl AppsPage {
    pub fn new(apps: Vec<AppSummary>, server: &ServerUrl, now: Timestamp) -> Self {
        let apps = apps.into_iter().map(|app| AppRow::new(app, now)).collect();
        Self { apps, server: server.to_string() }
    }

    /// Adds what the apps pass on.
    #[must_use]
    pub fn with_traffic(mut self, overview: TrafficOverview) -> Self {
        let mut passed: BTreeMap<String, AppTraffic> =
            overview.apps.into_iter().map(|one| (one.app.to_string(), one)).collect();
        for app in &mut self.apps {
            app.traffic = passed.remove(&app.name).map(|one| traffic(&one));
        }
        self
    }
}

impl View for AppsPage {
    const TEMPLATE: &'static str = "apps.html";
}

impl AppRow {
    pub fn new(app: AppSummary, now: Timestamp) -> Self {
        Self {
            name: app.name.to_string(),
            badge: Badge::from(app.health),
            version: app.version,
            source: app.source,
            ready: app.ready,
            wanted: app.wanted,
            deployed: app.deployed_at.map(|at| Moment::new(at, now)),
            host: without_scheme(&app.url).to_owned(),
            url: app.url,
            traffic: None,
        }
    }
}

fn traffic(passed: &AppTraffic) -> Traffic {
    Traffic {
        rps: passed.rps.map(|rps| quantity(Unit::PerSecond, rps)),
        p95: passed.p95_ms.map(|p95| quantity(Unit::Milliseconds, p95)),
        curve: Curve::new("Requests", Unit::PerSecond, &passed.curve),
    }
}

fn without_scheme(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, host)| host)
}

/// Shows the apps.
pub async fn show(State(console): State<Arc<Console>>, mut visit: Visit) -> Response {
    let page = load(&console, &mut visit).await;
    visit.answer(page)
}

async fn load(console: &Console, visit: &mut Visit) -> Result<Page<AppsPage>, Failure> {
    let (apps, overview, status) = visit
        .ask(|client| async move {
            tokio::try_join!(client.apps(), client.traffic_overview(), client.status())
        })
        .await?;
    let is_moving =
        apps.iter().any(|app| matches!(app.health, AppHealth::Deploying | AppHealth::Deleting));
    let view = AppsPage::new(apps, &console.public_url, status.now).with_traffic(overview);
    Ok(Page { view, status, refresh_s: is_moving.then_some(REFRESH_S) })
}
