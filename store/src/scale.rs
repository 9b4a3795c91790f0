//! How many instances of each process are wanted. Only desired state: the worker makes it so.

use std::collections::BTreeMap;

use slipway_core::event::EventKind;
use slipway_core::id::{AppId, Id};
use slipway_core::name::ProcessName;
use sqlx::any::AnyRow;

use crate::apps::{AppState, lock_app};
use crate::autoscale;
use crate::db::{Columns, Store};
use crate::error::StoreError;
use crate::wakes::Topic;

/// Most instances of one process.
pub const MAX_COUNT: u32 = 100;

impl Store {
    /// The wanted count of every process the app ever had.
    pub async fn scale(&self, app_id: &AppId) -> Result<BTreeMap<ProcessName, u32>, StoreError> {
        counts_of(&statement!("scale/of_app", app_id.as_str()).fetch_all(self.reader()).await?)
    }

    /// Sets wanted counts; processes that are not named keep theirs. One that scales by itself
    /// goes on from its new count; at 0 it pauses until the count is more.
    ///
    /// # Errors
    /// [`StoreError::UnknownProcess`], [`StoreError::TooManyInstances`],
    /// [`StoreError::OutsideBounds`].
    pub async fn set_scale(
        &self,
        app_id: &AppId,
        counts: &BTreeMap<ProcessName, u32>,
        by: &str,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        if lock_app(&mut tx, app_id).await?.state == AppState::Deleting {
            return Err(StoreError::AppDeleting);
        }
        let rows = statement!("scale/of_app", app_id.as_str()).fetch_all(tx.connection()).await?;
        let before = counts_of(&rows)?;
        let autoscaled = autoscale::settings_in(&mut tx, app_id).await?;
        for (process, to) in counts {
            let from = changeable(&before, process, *to)?;
            if let Some((settings, _)) = autoscaled.get(process) {
                if !settings.admits(*to) {
                    let (process, min, max) = (process.clone(), settings.awake_min(), settings.max);
                    return Err(StoreError::OutsideBounds { process, count: *to, min, max });
                }
                autoscale::set_paused(&mut tx, app_id, process, *to == 0).await?;
            }
            if from == *to {
                continue;
            }
            statement!("scale/set", app_id.as_str(), process.as_str(), i64::from(*to))
                .execute(tx.connection())
                .await?;
            let process = process.to_string();
            tx.tell(
                app_id,
                EventKind::Scaled { process, from, to: *to, by: by.to_owned(), reason: None },
            );
            tx.wake(Topic::Instances);
        }
        tx.commit().await
    }
}

/// The count of a process before it is set to `to`, if it may be.
fn changeable(
    before: &BTreeMap<ProcessName, u32>,
    process: &ProcessName,
    to: u32,
) -> Result<u32, StoreError> {
    if to > MAX_COUNT {
        return Err(StoreError::TooManyInstances { process: process.clone(), count: to });
    }
    before.get(process).copied().ok_or_else(|| StoreError::UnknownProcess {
        process: process.clone(),
        known: before.keys().cloned().collect(),
    })
}

pub(crate) fn counts_of(rows: &[AnyRow]) -> Result<BTreeMap<ProcessName, u32>, StoreError> {
    rows.iter().map(|row| Ok((row.col("process")?, row.col("wanted")?))).collect()
}
