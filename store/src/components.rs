//! How the server's parts are, as the worker last said.

use slipway_core::time::Timestamp;
use sqlx::any::AnyRow;

use crate::clock;
use crate::db::{Columns, Store};
use crate::error::StoreError;

/// The word on one part: `docker`, `proxy`, `worker`, `disk`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentRow {
    pub name: String,
    pub ok: bool,
    /// One sentence.
    pub message: String,
    pub at: Timestamp,
}

impl Store {
    pub async fn set_component_status(
        &self,
        name: &str,
        ok: bool,
        message: &str,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        statement!("components/set", name, i64::from(ok), message, clock::now().0)
            .execute(tx.connection())
            .await?;
        tx.commit().await
    }

    /// Writes down how parts are: a name, whether it is well, and one sentence.
    pub async fn set_component_statuses(
        &self,
        parts: &[(&str, bool, String)],
    ) -> Result<(), StoreError> {
        let now = clock::now();
        let mut tx = self.begin_write().await?;
        for (name, ok, message) in parts {
            statement!("components/set", *name, i64::from(*ok), message.as_str(), now.0)
                .execute(tx.connection())
                .await?;
        }
        tx.commit().await
    }

    /// What is known of every part, by name.
    pub async fn component_statuses(&self) -> Result<Vec<ComponentRow>, StoreError> {
        let rows = statement!("components/all").fetch_all(self.reader()).await?;
        rows.iter().map(component).collect()
    }
}

fn component(row: &AnyRow) -> Result<ComponentRow, StoreError> {
    Ok(ComponentRow {
        name: row.col("name")?,
        ok: row.col("ok")?,
        message: row.col("message")?,
        at: row.col("at_ms")?,
    })
}
