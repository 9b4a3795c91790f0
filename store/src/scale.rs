//! How many instances of each process are wanted. Only desired state: the worker makes it so.

use std::collections::BTreeMap;

use slipway_core::event::EventKind;
use slipway_core::id::{AppId, Id};
use slipway_core::name::ProcessName;

use crate::apps::{AppState, lock_app};
use crate::db::{Columns, Store, WriteTx};
use crate::error::StoreError;
use crate::wakes::Topic;

/// Most instances of one process.
pub const MAX_COUNT: u32 = 100;

/// What is wanted of one process.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    count: u32,
    /// What [`Store::start_app`] goes back to.
    before_stop: u32,
}

impl Store {
    /// The wanted count of every process the app ever had.
    pub async fn scale(&self, app_id: &AppId) -> Result<BTreeMap<ProcessName, u32>, StoreError> {
        let rows = statement!("scale/of_app", app_id.as_str()).fetch_all(self.reader()).await?;
        rows.iter().map(|row| Ok((row.col("process")?, row.col("wanted")?))).collect()
    }

    /// Sets wanted counts; processes that are not named keep theirs.
    ///
    /// # Errors
    /// [`StoreError::UnknownProcess`], [`StoreError::TooManyInstances`].
    pub async fn set_scale(
        &self,
        app_id: &AppId,
        counts: &BTreeMap<ProcessName, u32>,
        by: &str,
    ) -> Result<(), StoreError> {
        let mut change = Change::begin(self, app_id, by).await?;
        for (process, count) in counts {
            change.set(process, *count).await?;
        }
        change.tx.commit().await
    }

    /// Wants no instances, and remembers how many there were.
    pub async fn stop_app(&self, app_id: &AppId, by: &str) -> Result<(), StoreError> {
        let mut change = Change::begin(self, app_id, by).await?;
        for process in change.wanted.keys().cloned().collect::<Vec<_>>() {
            change.set(&process, 0).await?;
        }
        change.tx.commit().await
    }

    /// Wants what was wanted before everything was set to zero, and leaves alone what was not.
    pub async fn start_app(&self, app_id: &AppId, by: &str) -> Result<(), StoreError> {
        let mut change = Change::begin(self, app_id, by).await?;
        for (process, wanted) in change.wanted.clone() {
            if wanted.count == 0 {
                change.set(&process, wanted.before_stop).await?;
            }
        }
        change.tx.commit().await
    }
}

/// A change of counts under way.
struct Change {
    tx: WriteTx,
    app_id: AppId,
    by: String,
    wanted: BTreeMap<ProcessName, Wanted>,
}

impl Change {
    async fn begin(store: &Store, app_id: &AppId, by: &str) -> Result<Self, StoreError> {
        let mut tx = store.begin_write().await?;
        if lock_app(&mut tx, app_id).await?.state == AppState::Deleting {
            return Err(StoreError::AppDeleting);
        }
        let rows = statement!("scale/of_app", app_id.as_str()).fetch_all(tx.connection()).await?;
        let mut wanted = BTreeMap::new();
        for row in rows {
            let of_process =
                Wanted { count: row.col("wanted")?, before_stop: row.col("before_stop")? };
            wanted.insert(row.col("process")?, of_process);
        }
        Ok(Self { tx, app_id: app_id.clone(), by: by.to_owned(), wanted })
    }

    async fn set(&mut self, process: &ProcessName, to: u32) -> Result<(), StoreError> {
        if to > MAX_COUNT {
            return Err(StoreError::TooManyInstances { process: process.clone(), count: to });
        }
        let Some(Wanted { count: from, before_stop }) = self.wanted.get(process).copied() else {
            let known = self.wanted.keys().cloned().collect();
            return Err(StoreError::UnknownProcess { process: process.clone(), known });
        };
        if from == to {
            return Ok(());
        }
        // Zero is not worth going back to, so a stop of what is stopped remembers nothing new.
        let before_stop = if to > 0 {
            to
        } else if from > 0 {
            from
        } else {
            before_stop
        };
        statement!(
            "scale/set",
            self.app_id.as_str(),
            process.as_str(),
            i64::from(to),
            i64::from(before_stop)
        )
        .execute(self.tx.connection())
        .await?;
        let event =
            EventKind::Scaled { process: process.to_string(), from, to, by: self.by.clone() };
        self.tx.tell(&self.app_id, event);
        self.tx.wake(Topic::Instances);
        Ok(())
    }
}
