//! An app's releases, each with the way back to it.

use axum::extract::{Path, Query};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use slipway_client::ReleasePage;

use crate::failure::Failure;
use crate::pages::app::named;
use crate::pages::app::rows::ReleaseRow;
use crate::templates::View;
use crate::view::app_head::{AppHead, Tab};
use crate::visit::{Page, Visit};

const SHOWN: u32 = 30;

/// A part of an app's releases.
#[derive(Debug, Serialize)]
pub struct ReleasesPage {
    pub head: AppHead,
    pub releases: Vec<ReleaseRow>,
    /// Where older ones are, when there are any.
    pub older: Option<u32>,
}

impl View for ReleasesPage {
    const TEMPLATE: &'static str = "app_releases.html";
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Asked {
    before: Option<u32>,
}

/// Shows the releases, the newest first, or those before one of them.
pub async fn show(
    mut visit: Visit,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    let page = load(&mut visit, &name, asked).await;
    visit.answer(page)
}

async fn load(visit: &mut Visit, name: &str, asked: Asked) -> Result<Page<ReleasesPage>, Failure> {
    let name = named(name)?;
    let wanted = ReleasePage { limit: Some(SHOWN), before: asked.before };
    let (app, releases, status) = visit
        .ask(|client| {
            let name = name.clone();
            async move {
                tokio::try_join!(client.app(&name), client.releases(&name, wanted), client.status())
            }
        })
        .await?;
    let is_full = releases.len() == SHOWN as usize;
    let last = releases.last().map(|release| release.version);
    let view = ReleasesPage {
        head: AppHead::new(app.summary, Tab::Releases, status.now),
        older: last.filter(|last| is_full && *last > 1),
        releases: releases.into_iter().map(|row| ReleaseRow::new(row, status.now)).collect(),
    };
    Ok(Page { view, status, refresh_s: None })
}
