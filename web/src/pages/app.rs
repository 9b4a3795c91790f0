//! One app: whether it is well, what runs, what was deployed. Its other pages are below.

pub mod autoscale;
pub mod config;
pub mod deployments;
pub mod domains;
pub mod drains;
pub mod glance;
pub mod logs;
pub mod metrics;
pub mod releases;
pub mod rollback;
pub mod rows;
pub mod scale;
pub mod settings;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use slipway_client::ServerUrl;
use slipway_core::event::Event;
use slipway_core::name::AppName;
use slipway_core::time::Timestamp;
use slipway_core::wire::app::AppInfo;
use slipway_core::wire::deployment::DeploymentInfo;
use slipway_core::wire::metrics::AppMetrics;
use slipway_core::wire::process::InstanceInfo;

use crate::console::Console;
use crate::failure::Failure;
use crate::pages::app::glance::{glance, query};
use crate::pages::app::rows::{DeploymentRow, InstanceRow, ProcessRow};
use crate::templates::View;
use crate::view::app_head::{AppHead, Tab};
use crate::view::happening::{Happening, newest_first};
use crate::view::tile::Tile;
use crate::visit::{Page, Visit};

const DEPLOYMENTS_SHOWN: usize = 5;
const EVENTS_SHOWN: usize = 8;
/// Seconds between two looks while something is being deployed.
const REFRESH_S: u32 = 5;

/// An app, described.
#[derive(Debug, Serialize)]
pub struct AppPage {
    head: AppHead,
    /// How it does; empty before anything was measured.
    tiles: Vec<Tile>,
    processes: Vec<ProcessRow>,
    instances: Vec<InstanceRow>,
    deployments: Vec<DeploymentRow>,
    events: Vec<Happening>,
    push: Push,
}

/// How to deploy it.
#[derive(Debug, Serialize)]
pub struct Push {
    server: String,
    git_url: String,
    branch: String,
}

/// What the API says about an app.
#[derive(Debug)]
pub struct Answers {
    pub app: AppInfo,
    pub instances: Vec<InstanceInfo>,
    pub deployments: Vec<DeploymentInfo>,
    pub events: Vec<Event>,
    pub metrics: AppMetrics,
}

impl Answers {
    /// Whether anything will look different in a moment.
    fn are_moving(&self) -> bool {
        self.deployments.iter().any(|deployment| !deployment.state.is_terminal())
    }
}

impl AppPage {
    pub fn new(answers: Answers, server: &ServerUrl, now: Timestamp) -> Self {
        let Answers { app, instances, deployments, events, metrics } = answers;
        let deployments = deployments.into_iter().take(DEPLOYMENTS_SHOWN);
        Self {
            push: Push {
                server: server.to_string(),
                git_url: app.git_url,
                branch: app.deploy_branch,
            },
            head: AppHead::new(app.summary, Tab::Overview, now),
            tiles: glance(&metrics),
            processes: app.processes.into_iter().map(ProcessRow::from).collect(),
            instances: instances.into_iter().map(|row| InstanceRow::new(row, now)).collect(),
            deployments: deployments.map(|row| DeploymentRow::new(row, now)).collect(),
            events: newest_first(events, now).into_iter().take(EVENTS_SHOWN).collect(),
        }
    }
}

impl View for AppPage {
    const TEMPLATE: &'static str = "app.html";
}

/// Shows an app.
pub async fn show(
    State(console): State<Arc<Console>>,
    mut visit: Visit,
    Path(name): Path<String>,
) -> Response {
    let page = load(&console, &mut visit, &name).await;
    visit.answer(page)
}

async fn load(console: &Console, visit: &mut Visit, name: &str) -> Result<Page<AppPage>, Failure> {
    let name = named(name)?;
    let (app, instances, deployments, events, metrics, status) = visit
        .ask(|client| {
            let (name, query) = (name.clone(), query());
            async move {
                tokio::try_join!(
                    client.app(&name),
                    client.instances(&name),
                    client.deployments(&name),
                    client.events(Some(&name), None),
                    client.app_metrics(&name, &query),
                    client.status(),
                )
            }
        })
        .await?;
    let answers = Answers { app, instances, deployments, events, metrics };
    let refresh_s = answers.are_moving().then_some(REFRESH_S);
    let view = AppPage::new(answers, &console.public_url, status.now);
    Ok(Page { view, status, refresh_s })
}

/// The app that an address names.
///
/// # Errors
/// [`Failure::NotFound`] when no app can have this name.
pub fn named(name: &str) -> Result<AppName, Failure> {
    name.parse().map_err(|_| Failure::NotFound)
}
