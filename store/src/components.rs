//! How the server's parts and the worker's tasks are, as the worker last said.

use slipway_core::time::Timestamp;
use slipway_core::wire::status::TaskRound;
use sqlx::any::AnyRow;

use crate::clock;
use crate::db::{Columns, Json, Store, json};
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
    /// Writes down how parts are (a name, whether it is well, and one sentence), and how the last
    /// rounds of a worker's tasks went.
    pub async fn set_statuses(
        &self,
        parts: &[(&str, bool, String)],
        worker: &str,
        rounds: &[TaskRound],
    ) -> Result<(), StoreError> {
        let now = clock::now();
        let mut tx = self.begin_write().await?;
        for (name, ok, message) in parts {
            statement!("components/set", *name, i64::from(*ok), message.as_str(), now.0)
                .execute(tx.connection())
                .await?;
        }
        statement!("worker_tasks/set", worker, json(&rounds), now.0)
            .execute(tx.connection())
            .await?;
        tx.commit().await
    }

    /// The last rounds of the tasks of the worker that said so last.
    pub async fn task_rounds(&self) -> Result<Vec<TaskRound>, StoreError> {
        let row = statement!("worker_tasks/newest").fetch_optional(self.reader()).await?;
        Ok(row.map(|row| row.col::<Json<_>>("rounds")).transpose()?.map_or(Vec::new(), |it| it.0))
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
