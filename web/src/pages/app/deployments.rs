//! Everything that was deployed to an app.

use axum::extract::Path;
use axum::response::Response;
use serde::Serialize;

use crate::failure::Failure;
use crate::pages::app::named;
use crate::pages::app::rows::DeploymentRow;
use crate::templates::View;
use crate::view::app_head::{AppHead, Tab};
use crate::visit::{Page, Visit};

/// Seconds between two looks while something is being deployed.
const REFRESH_S: u32 = 5;

/// An app's deployments.
#[derive(Debug, Serialize)]
pub struct DeploymentsPage {
    pub head: AppHead,
    pub deployments: Vec<DeploymentRow>,
}

impl View for DeploymentsPage {
    const TEMPLATE: &'static str = "app_deployments.html";
}

/// Shows the deployments.
pub async fn show(mut visit: Visit, Path(name): Path<String>) -> Response {
    let page = load(&mut visit, &name).await;
    visit.answer(page)
}

async fn load(visit: &mut Visit, name: &str) -> Result<Page<DeploymentsPage>, Failure> {
    let name = named(name)?;
    let (app, deployments, status) = visit
        .ask(|client| {
            let name = name.clone();
            async move {
                tokio::try_join!(client.app(&name), client.deployments(&name), client.status())
            }
        })
        .await?;
    let is_moving = deployments.iter().any(|deployment| !deployment.state.is_terminal());
    let view = DeploymentsPage {
        head: AppHead::new(app.summary, Tab::Deployments, status.now),
        deployments: deployments
            .into_iter()
            .map(|deployment| DeploymentRow::new(deployment, status.now))
            .collect(),
    };
    Ok(Page { view, status, refresh_s: is_moving.then_some(REFRESH_S) })
}
