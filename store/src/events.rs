//! The feed of what happened, in commit order.

use slipway_core::event::Event;
use slipway_core::id::{AppId, Id};
use slipway_core::time::Timestamp;
use sqlx::any::AnyRow;

use crate::db::{Columns, Json, Store};
use crate::error::StoreError;

impl Store {
    /// Events after `after`, oldest first; of one app, or of all.
    pub async fn events(
        &self,
        app_id: Option<&AppId>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        let limit = i64::from(limit);
        let rows = if let Some(app_id) = app_id {
            statement!("events/of_app_after", app_id.as_str(), after, limit)
        } else {
            statement!("events/after", after, limit)
        };
        rows.fetch_all(self.reader()).await?.iter().map(event).collect()
    }

    /// The newest events, oldest first; of one app, or of all.
    pub async fn newest_events(
        &self,
        app_id: Option<&AppId>,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        let limit = i64::from(limit);
        let rows = if let Some(app_id) = app_id {
            statement!("events/of_app_newest", app_id.as_str(), limit)
        } else {
            statement!("events/newest", limit)
        };
        rows.fetch_all(self.reader()).await?.iter().rev().map(event).collect()
    }

    /// The oldest events of an app that happened from `since` on and before `until`.
    pub async fn events_between(
        &self,
        app_id: &AppId,
        since: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        let limit = i64::from(limit);
        let rows = statement!("events/of_app_between", app_id.as_str(), since.0, until.0, limit);
        rows.fetch_all(self.reader()).await?.iter().map(event).collect()
    }

    /// The newest event's id; 0 before the first.
    pub async fn last_event_id(&self) -> Result<i64, StoreError> {
        statement!("events/last_id").fetch_one(self.reader()).await?.col("last_id")
    }

    /// Forgets all but the newest `keep` events; how many those were.
    pub async fn prune_events(&self, keep: u32) -> Result<u64, StoreError> {
        let mut tx = self.begin_write().await?;
        let pruned = statement!("events/prune", i64::from(keep)).execute(tx.connection()).await?;
        tx.commit().await?;
        Ok(pruned.rows_affected())
    }
}

fn event(row: &AnyRow) -> Result<Event, StoreError> {
    Ok(Event {
        id: row.col("id")?,
        at: row.col("at_ms")?,
        app: row.col("app")?,
        kind: row.col::<Json<_>>("body")?.0,
    })
}
