//! What is done seldom: a restart, and the end of an app.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use slipway_core::id::Id as _;

use crate::console::Console;
use crate::failure::Failure;
use crate::guard::Guarded;
use crate::pages::app::named;
use crate::templates::View;
use crate::view::app_head::{AppHead, Tab};
use crate::visit::{Page, Visit};

/// An app's addresses, its restart and its deletion.
#[derive(Debug, Serialize)]
pub struct SettingsPage {
    pub head: AppHead,
    pub server: String,
    pub git_url: String,
    pub branch: String,
    /// That the name which was typed is another one.
    pub mistyped: bool,
}

impl View for SettingsPage {
    const TEMPLATE: &'static str = "app_settings.html";
}

/// The form has nothing but its token.
#[derive(Deserialize)]
pub struct RestartForm {}

#[derive(Deserialize)]
pub struct DeleteForm {
    /// The app's name, typed by hand.
    confirm: String,
}

/// Shows the settings.
pub async fn show(
    State(console): State<Arc<Console>>,
    mut visit: Visit,
    Path(name): Path<String>,
) -> Response {
    let page = load(&console, &mut visit, &name, false).await;
    visit.answer(page)
}

async fn load(
    console: &Console,
    visit: &mut Visit,
    name: &str,
    mistyped: bool,
) -> Result<Page<SettingsPage>, Failure> {
    let name = named(name)?;
    let (app, status) = visit
        .ask(|client| {
            let name = name.clone();
            async move { tokio::try_join!(client.app(&name), client.status()) }
        })
        .await?;
    let view = SettingsPage {
        head: AppHead::new(app.summary, Tab::Settings, status.now),
        server: console.public_url.to_string(),
        git_url: app.git_url,
        branch: app.deploy_branch,
        mistyped,
    };
    Ok(Page { view, status, refresh_s: None })
}

/// Begins to replace every instance with a fresh one, and leads to that deployment.
pub async fn restart(
    mut visit: Visit,
    Path(name): Path<String>,
    _: Guarded<RestartForm>,
) -> Response {
    let to = begin_restart(&mut visit, &name).await;
    visit.lead(to)
}

async fn begin_restart(visit: &mut Visit, name: &str) -> Result<String, Failure> {
    let name = named(name)?;
    let deployment = visit
        .ask(|client| {
            let name = name.clone();
            async move { client.restart(&name).await }
        })
        .await?;
    Ok(format!("/deployments/{}", deployment.id.as_str()))
}

/// Begins to delete the app when its name was typed, else says that it was not.
pub async fn delete(
    State(console): State<Arc<Console>>,
    mut visit: Visit,
    Path(name): Path<String>,
    Guarded(form): Guarded<DeleteForm>,
) -> Response {
    if form.confirm.trim() != name {
        let page = load(&console, &mut visit, &name, true).await;
        return visit.answer(page);
    }
    let to = begin_delete(&mut visit, &name).await;
    visit.lead(to)
}

async fn begin_delete(visit: &mut Visit, name: &str) -> Result<String, Failure> {
    let name = named(name)?;
    visit
        .ask(|client| {
            let name = name.clone();
            async move { client.destroy_app(&name).await }
        })
        .await?;
    Ok("/".to_owned())
}
