//! Taking an app back: what differs, what stays as it is, and one confirmation.

use axum::extract::Path;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use slipway_core::id::Id as _;
use slipway_core::time::Timestamp;
use slipway_core::wire::app::AppInfo;
use slipway_core::wire::deployment::RollbackRequest;
use slipway_core::wire::release::{Differences, ReleaseInfo};

use crate::failure::Failure;
use crate::guard::Guarded;
use crate::pages::app::named;
use crate::templates::View;
use crate::view::app_head::{AppHead, Tab};
use crate::visit::{Page, Visit};

/// What a rollback would do. Without JavaScript it is a page, else a dialog of the releases.
#[derive(Debug, Serialize)]
pub struct RollbackPage {
    head: AppHead,
    from: Option<u32>,
    to: u32,
    /// The code's summary on both sides.
    code: Option<(String, String)>,
    keys: Vec<KeyChange>,
    processes: Vec<String>,
    is_same: bool,
    /// Wanted counts, which a rollback leaves alone: `web=2`.
    counts: Vec<String>,
    can_return: bool,
    stable: bool,
}

#[derive(Debug, Serialize)]
struct KeyChange {
    key: String,
    /// What happens to it: `returns`, `goes` or `changes`.
    what: &'static str,
}

impl RollbackPage {
    pub fn new(app: AppInfo, release: ReleaseInfo, now: Timestamp) -> Self {
        let counts =
            app.processes.iter().map(|process| format!("{}={}", process.name, process.wanted));
        let differences = release.differs_from_live.unwrap_or_default();
        Self {
            counts: counts.collect(),
            from: app.summary.version,
            to: release.summary.version,
            can_return: release.summary.image_kept && !release.summary.live,
            stable: release.summary.stable,
            is_same: differences.is_empty(),
            keys: keys(&differences),
            code: differences.code,
            processes: differences.processes,
            head: AppHead::new(app.summary, Tab::Releases, now),
        }
    }
}

fn keys(differences: &Differences) -> Vec<KeyChange> {
    [
        (&differences.config_added, "returns"),
        (&differences.config_changed, "changes"),
        (&differences.config_removed, "goes"),
    ]
    .into_iter()
    .flat_map(|(keys, what)| keys.iter().map(move |key| KeyChange { key: key.to_string(), what }))
    .collect()
}

impl View for RollbackPage {
    const TEMPLATE: &'static str = "app_rollback.html";
}

/// The form has nothing but its token: the address says it all.
#[derive(Deserialize)]
pub struct RollbackForm {}

/// Shows what would differ.
pub async fn ask(mut visit: Visit, Path((name, version)): Path<(String, String)>) -> Response {
    let page = load(&mut visit, &name, &version).await;
    visit.answer(page)
}

async fn load(visit: &mut Visit, name: &str, version: &str) -> Result<Page<RollbackPage>, Failure> {
    let name = named(name)?;
    let version = numbered(version)?;
    let (app, release, status) = visit
        .ask(|client| {
            let name = name.clone();
            async move {
                tokio::try_join!(client.app(&name), client.release(&name, version), client.status())
            }
        })
        .await?;
    let view = RollbackPage::new(app, release, status.now);
    Ok(Page { view, status, refresh_s: None })
}

/// Begins the rollback and leads to its deployment.
pub async fn accept(
    mut visit: Visit,
    Path((name, version)): Path<(String, String)>,
    _: Guarded<RollbackForm>,
) -> Response {
    let to = begin(&mut visit, &name, &version).await;
    visit.lead(to)
}

async fn begin(visit: &mut Visit, name: &str, version: &str) -> Result<String, Failure> {
    let name = named(name)?;
    let request = RollbackRequest { version: Some(numbered(version)?) };
    let deployment = visit
        .ask(|client| {
            let (name, request) = (name.clone(), request.clone());
            async move { client.roll_back(&name, &request).await }
        })
        .await?;
    Ok(format!("/deployments/{}", deployment.id.as_str()))
}

fn numbered(version: &str) -> Result<u32, Failure> {
    version.parse().map_err(|_| Failure::NotFound)
}
