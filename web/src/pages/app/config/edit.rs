//! Editing all keys as one text: first what it would change is shown, then it becomes a release.

use axum::extract::Path;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use slipway_core::id::Id as _;
use slipway_core::name::AppName;
use slipway_core::time::Timestamp;
use slipway_core::wire::app::AppInfo;
use slipway_core::wire::config::ConfigList;
use slipway_core::wire::status::ServerStatus;

use crate::failure::Failure;
use crate::guard::Guarded;
use crate::pages::app::config::plan::{Change, Plan, UNCHANGED, text};
use crate::pages::app::named;
use crate::templates::View;
use crate::view::app_head::{AppHead, Tab};
use crate::view::prose::{Piece, sentence};
use crate::visit::{Page, Visit};

/// The text, and what it would change once it was sent.
#[derive(Debug, Serialize)]
pub struct EditPage {
    head: AppHead,
    text: String,
    /// What the text was made from: the change is refused when somebody else was faster.
    etag: String,
    /// How an untouched value looks.
    unchanged: &'static str,
    error: Option<Vec<Piece>>,
    /// Whether the text was sent and understood.
    is_read: bool,
    changes: Vec<Change>,
}

impl EditPage {
    /// The text as it is.
    pub fn new(app: AppInfo, config: ConfigList, now: Timestamp) -> Self {
        Self {
            head: AppHead::new(app.summary, Tab::Configuration, now),
            text: text(&config.entries),
            etag: config.etag,
            unchanged: UNCHANGED,
            error: None,
            is_read: false,
            changes: Vec::new(),
        }
    }

    /// The text as it was sent, with what it would change.
    pub fn review(app: AppInfo, config: ConfigList, form: EditForm, now: Timestamp) -> Self {
        let plan = Plan::new(&config.entries, &form.text);
        let page = Self { text: form.text, etag: form.etag, ..Self::new(app, config, now) };
        match plan {
            Ok(plan) => Self { is_read: true, changes: plan.changes, ..page },
            Err(error) => Self { error: Some(sentence(&error)), ..page },
        }
    }
}

impl View for EditPage {
    const TEMPLATE: &'static str = "app_config_edit.html";
}

#[derive(Deserialize)]
pub struct EditForm {
    text: String,
    etag: String,
}

/// Shows the text.
pub async fn ask(mut visit: Visit, Path(name): Path<String>) -> Response {
    let page = now(&mut visit, &name).await.map(|(app, config, status)| Page {
        view: EditPage::new(app, config, status.now),
        status,
        refresh_s: None,
    });
    visit.answer(page)
}

/// Shows what the text would change.
pub async fn review(
    mut visit: Visit,
    Path(name): Path<String>,
    Guarded(form): Guarded<EditForm>,
) -> Response {
    let page = now(&mut visit, &name).await.map(|(app, config, status)| Page {
        view: EditPage::review(app, config, form, status.now),
        status,
        refresh_s: None,
    });
    visit.answer(page)
}

async fn now(
    visit: &mut Visit,
    name: &str,
) -> Result<(AppInfo, ConfigList, ServerStatus), Failure> {
    let name = named(name)?;
    visit
        .ask(|client| {
            let name = name.clone();
            async move { tokio::try_join!(client.app(&name), client.config(&name), client.status()) }
        })
        .await
}

/// Makes the change, and leads to the deployment that carries it.
pub async fn accept(
    mut visit: Visit,
    Path(name): Path<String>,
    Guarded(form): Guarded<EditForm>,
) -> Response {
    let to = change(&mut visit, &name, &form).await;
    visit.lead(to)
}

async fn change(visit: &mut Visit, name: &str, form: &EditForm) -> Result<String, Failure> {
    let app: AppName = named(name)?;
    let config = visit
        .ask(|client| {
            let app = app.clone();
            async move { client.config(&app).await }
        })
        .await?;
    let patch = Plan::new(&config.entries, &form.text).map_err(Failure::UnreadableForm)?.patch();
    let changed = visit
        .ask(|client| {
            let (app, patch, etag) = (app.clone(), patch.clone(), form.etag.clone());
            async move { client.change_config(&app, &patch, Some(&etag)).await }
        })
        .await?;
    Ok(match changed.deployment {
        Some(deployment) => format!("/deployments/{}", deployment.id.as_str()),
        None => format!("/apps/{name}/config"),
    })
}
