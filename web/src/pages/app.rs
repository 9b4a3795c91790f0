//! One app: whether it is well, what runs, what was deployed, and the way back.

pub mod rows;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use slipway_client::{ReleasePage, ServerUrl};
use slipway_core::name::AppName;
use slipway_core::time::Timestamp;
use slipway_core::wire::app::AppInfo;
use slipway_core::wire::deployment::DeploymentInfo;
use slipway_core::wire::process::InstanceInfo;
use slipway_core::wire::release::ReleaseSummary;

use crate::console::Console;
use crate::failure::Failure;
use crate::pages::app::rows::{DeploymentRow, InstanceRow, ProcessRow, ReleaseRow};
use crate::pages::apps::AppRow;
use crate::templates::View;
use crate::visit::{Page, Visit};

const DEPLOYMENTS_SHOWN: usize = 8;
const RELEASES_SHOWN: u32 = 10;
/// Seconds between two looks while something is being deployed.
const REFRESH_S: u32 = 5;

/// An app, described.
#[derive(Debug, Serialize)]
pub struct AppPage {
    app: AppRow,
    processes: Vec<ProcessRow>,
    instances: Vec<InstanceRow>,
    deployments: Vec<DeploymentRow>,
    releases: Vec<ReleaseRow>,
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
    pub releases: Vec<ReleaseSummary>,
}

impl Answers {
    /// Whether anything will look different in a moment.
    fn are_moving(&self) -> bool {
        self.deployments.iter().any(|deployment| !deployment.state.is_terminal())
    }
}

impl AppPage {
    pub fn new(answers: Answers, server: &ServerUrl, now: Timestamp) -> Self {
        let Answers { app, instances, deployments, releases } = answers;
        let deployments = deployments.into_iter().take(DEPLOYMENTS_SHOWN);
        Self {
            push: Push {
                server: server.to_string(),
                git_url: app.git_url,
                branch: app.deploy_branch,
            },
            app: AppRow::new(app.summary, now),
            processes: app.processes.into_iter().map(ProcessRow::from).collect(),
            instances: instances.into_iter().map(|row| InstanceRow::new(row, now)).collect(),
            deployments: deployments.map(|row| DeploymentRow::new(row, now)).collect(),
            releases: releases.into_iter().map(|row| ReleaseRow::new(row, now)).collect(),
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
    let name: AppName = name.parse().map_err(|_| Failure::NotFound)?;
    let releases = ReleasePage { limit: Some(RELEASES_SHOWN), before: None };
    let (app, instances, deployments, releases, status) = visit
        .ask(|client| {
            let name = name.clone();
            async move {
                tokio::try_join!(
                    client.app(&name),
                    client.instances(&name),
                    client.deployments(&name),
                    client.releases(&name, releases),
                    client.status(),
                )
            }
        })
        .await?;
    let answers = Answers { app, instances, deployments, releases };
    let refresh_s = answers.are_moving().then_some(REFRESH_S);
    let view = AppPage::new(answers, &console.public_url, status.now);
    Ok(Page { view, status, refresh_s })
}
