//! An app's configuration: keys without their values, one value on demand, and all of them edited
//! as one text.

pub mod edit;
pub mod plan;

use axum::extract::Path;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use slipway_core::name::ConfigKey;
use slipway_core::time::Timestamp;
use slipway_core::wire::app::AppInfo;
use slipway_core::wire::config::{ConfigEntry, ConfigList, ConfigValue};

use crate::failure::Failure;
use crate::guard::Guarded;
use crate::pages::app::named;
use crate::templates::View;
use crate::view::app_head::{AppHead, Tab};
use crate::view::moment::Moment;
use crate::visit::{Page, Visit};

/// The keys, and the one value that was asked for.
#[derive(Debug, Serialize)]
pub struct ConfigPage {
    head: AppHead,
    entries: Vec<EntryRow>,
}

/// A key.
#[derive(Debug, Serialize)]
struct EntryRow {
    key: String,
    bytes: u64,
    generated: bool,
    updated: Moment,
    /// Whether the value is shown; it may be empty.
    is_revealed: bool,
    value: Option<String>,
}

impl ConfigPage {
    pub fn new(
        app: AppInfo,
        config: ConfigList,
        revealed: Option<&ConfigValue>,
        now: Timestamp,
    ) -> Self {
        let is_revealed = |entry: &ConfigEntry| revealed.is_some_and(|it| it.key == entry.key);
        let row = |entry: ConfigEntry| EntryRow {
            is_revealed: is_revealed(&entry),
            value: revealed.filter(|_| is_revealed(&entry)).map(|it| it.value.clone()),
            key: entry.key.to_string(),
            bytes: entry.bytes,
            generated: entry.generated,
            updated: Moment::new(entry.updated_at, now),
        };
        Self {
            head: AppHead::new(app.summary, Tab::Configuration, now),
            entries: config.entries.into_iter().map(row).collect(),
        }
    }
}

impl View for ConfigPage {
    const TEMPLATE: &'static str = "app_config.html";
}

#[derive(Deserialize)]
pub struct RevealForm {
    key: String,
}

/// Shows the keys.
pub async fn show(mut visit: Visit, Path(name): Path<String>) -> Response {
    let page = load(&mut visit, &name, None).await;
    visit.answer(page)
}

/// Shows the keys with the value of one. The API writes down who asked.
pub async fn reveal(
    mut visit: Visit,
    Path(name): Path<String>,
    Guarded(form): Guarded<RevealForm>,
) -> Response {
    let page = load(&mut visit, &name, Some(&form.key)).await;
    visit.answer(page)
}

async fn load(
    visit: &mut Visit,
    name: &str,
    asked: Option<&str>,
) -> Result<Page<ConfigPage>, Failure> {
    let name = named(name)?;
    let asked: Option<ConfigKey> =
        asked.map(str::parse).transpose().map_err(|_| Failure::NotFound)?;
    let (app, config, status) = visit
        .ask(|client| {
            let name = name.clone();
            async move { tokio::try_join!(client.app(&name), client.config(&name), client.status()) }
        })
        .await?;
    let revealed = match asked {
        None => None,
        Some(key) => Some(
            visit
                .ask(|client| {
                    let (name, key) = (name.clone(), key.clone());
                    async move { client.config_value(&name, &key).await }
                })
                .await?,
        ),
    };
    let view = ConfigPage::new(app, config, revealed.as_ref(), status.now);
    Ok(Page { view, status, refresh_s: None })
}
