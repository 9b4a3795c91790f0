//! Source archives. The files lie in the data directory; these rows say whose they are.

use slipway_core::id::{AppId, Id, SourceId};
use slipway_core::time::Timestamp;

use crate::clock;
use crate::db::{Columns, Store};
use crate::error::StoreError;

impl Store {
    /// Records an archive that was written.
    pub async fn record_source(
        &self,
        id: &SourceId,
        app_id: &AppId,
        bytes: u64,
        sha256: &str,
    ) -> Result<(), StoreError> {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let mut tx = self.begin_write().await?;
        statement!("sources/insert", id.as_str(), app_id.as_str(), bytes, sha256, clock::now().0)
            .execute(tx.connection())
            .await?;
        tx.commit().await
    }

    /// The archives of an app.
    pub async fn sources(&self, app_id: &AppId) -> Result<Vec<SourceId>, StoreError> {
        let rows = statement!("sources/of_app", app_id.as_str()).fetch_all(self.reader()).await?;
        rows.iter().map(|row| row.col("id")).collect()
    }

    /// Archives recorded before `older_than` that neither a deployment under way nor a release
    /// whose image is kept came from.
    pub async fn unreferenced_sources(
        &self,
        older_than: Timestamp,
    ) -> Result<Vec<SourceId>, StoreError> {
        let rows =
            statement!("sources/unreferenced", older_than.0).fetch_all(self.reader()).await?;
        rows.iter().map(|row| row.col("id")).collect()
    }

    /// Forgets an archive whose file was removed.
    pub async fn delete_source(&self, id: &SourceId) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        statement!("sources/delete", id.as_str()).execute(tx.connection()).await?;
        tx.commit().await
    }
}
