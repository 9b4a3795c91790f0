//! Configuration values: sealed at rest, opened for whoever holds the keys.

mod change;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use slipway_core::config::Config;
use slipway_core::deployment::Deployment;
use slipway_core::id::{AppId, Id, ReleaseId};
use slipway_core::name::ConfigKey;
use slipway_core::wire::config::ConfigEntry;
use sqlx::any::AnyRow;

use crate::clock;
use crate::db::{Columns, Json, Store};
use crate::error::StoreError;
use crate::keys::KeyRing;

/// Values as they are stored, by key. Copied from release to release as they are, so that equal
/// values stay equal to the byte.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SealedConfig(pub BTreeMap<ConfigKey, String>);

/// What a change of configuration made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigOutcome {
    pub etag: String,
    /// Whether any value is another than before.
    pub changed: bool,
    /// The deployment that carries the change; `None` when there is nothing to carry it to.
    pub deployment: Option<Deployment>,
}

impl SealedConfig {
    /// The values in the clear.
    ///
    /// # Errors
    /// When a value was sealed for another app or with other keys, or was tampered with.
    pub fn open(&self, app_id: &AppId, keys: &KeyRing) -> Result<Config, StoreError> {
        let opened =
            self.0.iter().map(|(key, sealed)| Ok((key.clone(), keys.open(app_id, key, sealed)?)));
        opened.collect::<Result<_, StoreError>>().map(Config)
    }

    fn from_rows(rows: &[AnyRow]) -> Result<Self, StoreError> {
        let values = rows.iter().map(|row| Ok((row.col("key")?, row.col("sealed")?)));
        values.collect::<Result<_, StoreError>>().map(Self)
    }
}

impl Store {
    /// The values in the clear.
    pub async fn config(&self, app_id: &AppId, keys: &KeyRing) -> Result<Config, StoreError> {
        self.sealed_config_of_app(app_id).await?.open(app_id, keys)
    }

    /// The keys without their values, and the version of the whole.
    pub async fn config_entries(
        &self,
        app_id: &AppId,
    ) -> Result<(Vec<ConfigEntry>, String), StoreError> {
        // The version first: read beside a change, the entries may be newer than it and never
        // older, so a write based on them is refused rather than lost.
        let version = statement!("apps/config_version", app_id.as_str());
        let version = version.fetch_optional(self.reader()).await?.ok_or(StoreError::AppMissing)?;
        let rows = statement!("config/of_app", app_id.as_str()).fetch_all(self.reader()).await?;
        let entries = rows.iter().map(entry).collect::<Result<_, _>>()?;
        Ok((entries, etag(version.col("config_version")?)))
    }

    /// One value in the clear.
    pub async fn config_value(
        &self,
        app_id: &AppId,
        key: &ConfigKey,
        keys: &KeyRing,
    ) -> Result<Option<String>, StoreError> {
        let row = statement!("config/value", app_id.as_str(), key.as_str());
        let Some(row) = row.fetch_optional(self.reader()).await? else { return Ok(None) };
        let sealed: String = row.col("sealed")?;
        Ok(Some(keys.open(app_id, key, &sealed)?))
    }

    /// Sets a value that Slipway made up, unless the key has one. Makes no deployment.
    pub async fn generate_config_if_absent(
        &self,
        app_id: &AppId,
        key: &ConfigKey,
        value: &str,
        keys: &KeyRing,
    ) -> Result<(), StoreError> {
        let sealed = keys.seal(app_id, key, value)?;
        let mut tx = self.begin_write().await?;
        let version = statement!("apps/next_config_version", app_id.as_str());
        version.fetch_optional(tx.connection()).await?.ok_or(StoreError::AppMissing)?;
        let inserted = statement!(
            "config/generate_if_absent",
            app_id.as_str(),
            key.as_str(),
            sealed,
            bytes(value),
            clock::now().0
        )
        .execute(tx.connection())
        .await?;
        // Without an insert nothing changed, and neither has the version.
        if inserted.rows_affected() > 0 { tx.commit().await } else { Ok(()) }
    }

    /// The app's values as stored.
    pub async fn sealed_config_of_app(&self, app_id: &AppId) -> Result<SealedConfig, StoreError> {
        let rows = statement!("config/of_app", app_id.as_str()).fetch_all(self.reader()).await?;
        SealedConfig::from_rows(&rows)
    }

    /// A release's snapshot as stored.
    ///
    /// # Errors
    /// [`StoreError::ReleaseMissing`].
    pub async fn sealed_config_of_release(
        &self,
        release_id: &ReleaseId,
    ) -> Result<SealedConfig, StoreError> {
        Ok(self.snapshot(release_id).await?.1)
    }

    /// A release's snapshot in the clear.
    ///
    /// # Errors
    /// [`StoreError::ReleaseMissing`].
    pub async fn release_config(
        &self,
        release_id: &ReleaseId,
        keys: &KeyRing,
    ) -> Result<Config, StoreError> {
        let (app_id, sealed) = self.snapshot(release_id).await?;
        sealed.open(&app_id, keys)
    }

    async fn snapshot(&self, id: &ReleaseId) -> Result<(AppId, SealedConfig), StoreError> {
        let row = statement!("releases/sealed_config", id.as_str());
        let row = row.fetch_optional(self.reader()).await?;
        let row = row.ok_or_else(|| StoreError::ReleaseMissing(id.clone()))?;
        Ok((row.col("app_id")?, row.col::<Json<_>>("sealed_config")?.0))
    }
}

/// Names a version of an app's configuration.
fn etag(version: i64) -> String {
    format!("c{version}")
}

fn bytes(value: &str) -> i64 {
    i64::try_from(value.len()).unwrap_or(i64::MAX)
}

fn entry(row: &AnyRow) -> Result<ConfigEntry, StoreError> {
    Ok(ConfigEntry {
        key: row.col("key")?,
        bytes: row.col("bytes")?,
        updated_at: row.col("updated_at_ms")?,
        generated: row.col("generated")?,
    })
}
