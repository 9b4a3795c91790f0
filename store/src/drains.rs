//! Receivers of the apps' log lines, and how far each has got them.

use slipway_core::drain::DrainTarget;
use slipway_core::id::{AppId, DrainId, Id};
use slipway_core::log::LogSource;
use slipway_core::name::ConfigKey;
use slipway_core::time::Timestamp;
use sqlx::any::AnyRow;

use crate::apps::{AppState, lock_app};
use crate::db::{Columns, Json, Store, json};
use crate::error::StoreError;
use crate::keys::KeyRing;
use crate::logs::{LogFilter, LogPosition};
use crate::wakes::Topic;
use crate::{clock, mint};

/// Most receivers of one app.
pub const MAX_DRAINS: usize = 10;

/// A receiver to be added.
#[derive(Clone, PartialEq, Eq)]
pub struct NewDrain {
    pub app_id: AppId,
    pub target: DrainTarget,
    /// Everybody, when empty.
    pub sources: Vec<LogSource>,
    /// What was written before is not sent.
    pub position: LogPosition,
    pub by: String,
}

/// A receiver, its target sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drain {
    pub id: DrainId,
    pub app_id: AppId,
    sealed_target: String,
    /// The target without what may be secret in it.
    pub address: String,
    pub sources: Vec<LogSource>,
    /// Up to where the app's log was delivered.
    pub position: LogPosition,
    pub created_at: Timestamp,
    pub created_by: String,
    pub delivered_at: Option<Timestamp>,
    /// Since when nothing arrives, and what happened the last time.
    pub failure: Option<(Timestamp, String)>,
    /// The last test that was asked for.
    pub test: Option<DrainTrial>,
}

/// A test of a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrainTrial {
    pub asked_at: Timestamp,
    /// What came of it; `None` while it has not ended.
    pub outcome: Option<Result<(), String>>,
}

impl Drain {
    /// Where its lines go.
    ///
    /// # Errors
    /// When the keys are not those it was sealed with.
    pub fn target(&self, keys: &KeyRing) -> Result<DrainTarget, StoreError> {
        let text = keys.open(&self.app_id, &seal_name(&self.id), &self.sealed_target)?;
        serde_json::from_str(&text).map_err(|error| StoreError::Corrupt {
            column: "sealed_target".to_owned(),
            problem: error.to_string(),
        })
    }

    /// Which lines it gets.
    pub fn filter(&self) -> LogFilter {
        LogFilter { sources: self.sources.clone(), ..LogFilter::default() }
    }
}

impl Store {
    /// Adds a receiver.
    ///
    /// # Errors
    /// [`StoreError::TooManyDrains`], [`StoreError::AppDeleting`].
    pub async fn create_drain(&self, new: NewDrain, keys: &KeyRing) -> Result<Drain, StoreError> {
        let id: DrainId = mint::id();
        let target = keys.seal(&new.app_id, &seal_name(&id), &json(&new.target))?;
        let mut tx = self.begin_write().await?;
        if lock_app(&mut tx, &new.app_id).await?.state == AppState::Deleting {
            return Err(StoreError::AppDeleting);
        }
        let app = new.app_id.as_str();
        let there = statement!("drains/of_app", app).fetch_all(tx.connection()).await?;
        if there.len() >= MAX_DRAINS {
            return Err(StoreError::TooManyDrains);
        }
        statement!(
            "drains/insert",
            id.as_str(),
            app,
            target,
            new.target.describe(),
            json(&new.sources),
            new.position.to_string(),
            clock::now().0,
            new.by
        )
        .execute(tx.connection())
        .await?;
        let row = statement!("drains/by_id", app, id.as_str()).fetch_one(tx.connection()).await?;
        tx.wake(Topic::Drains);
        tx.commit().await?;
        drain(&row)
    }

    /// An app's receivers, oldest first.
    pub async fn drains(&self, app_id: &AppId) -> Result<Vec<Drain>, StoreError> {
        let rows = statement!("drains/of_app", app_id.as_str());
        rows.fetch_all(self.reader()).await?.iter().map(drain).collect()
    }

    /// Every app's receivers.
    pub async fn all_drains(&self) -> Result<Vec<Drain>, StoreError> {
        statement!("drains/all").fetch_all(self.reader()).await?.iter().map(drain).collect()
    }

    /// One of an app's receivers.
    pub async fn drain(&self, app_id: &AppId, id: &DrainId) -> Result<Option<Drain>, StoreError> {
        let row = statement!("drains/by_id", app_id.as_str(), id.as_str());
        row.fetch_optional(self.reader()).await?.as_ref().map(drain).transpose()
    }

    /// Removes a receiver; whether there was one.
    pub async fn delete_drain(&self, app_id: &AppId, id: &DrainId) -> Result<bool, StoreError> {
        let mut tx = self.begin_write().await?;
        let deleted = statement!("drains/delete", app_id.as_str(), id.as_str());
        let deleted = deleted.execute(tx.connection()).await?;
        tx.wake(Topic::Drains);
        tx.commit().await?;
        Ok(deleted.rows_affected() > 0)
    }

    /// Notes that a receiver has everything up to this position.
    pub async fn note_delivered(
        &self,
        id: &DrainId,
        position: LogPosition,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        statement!("drains/delivered", id.as_str(), position.to_string(), clock::now().0)
            .execute(tx.connection())
            .await?;
        tx.commit().await
    }

    /// Notes that a receiver could not be reached, or took nothing.
    pub async fn note_drain_failure(&self, id: &DrainId, message: &str) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        statement!("drains/failed", id.as_str(), clock::now().0, message)
            .execute(tx.connection())
            .await?;
        tx.commit().await
    }

    /// Asks for a line to be sent to a receiver, apart from all others; when that was, or `None`
    /// when there is no such receiver.
    pub async fn ask_drain_test(
        &self,
        app_id: &AppId,
        id: &DrainId,
    ) -> Result<Option<Timestamp>, StoreError> {
        let now = clock::now();
        let mut tx = self.begin_write().await?;
        let asked = statement!("drains/ask_test", app_id.as_str(), id.as_str(), now.0);
        let asked = asked.execute(tx.connection()).await?.rows_affected() > 0;
        tx.wake(Topic::Drains);
        tx.commit().await?;
        Ok(asked.then_some(now))
    }

    /// Notes what came of the test that was asked for at that time.
    pub async fn end_drain_test(
        &self,
        id: &DrainId,
        asked_at: Timestamp,
        outcome: &Result<(), String>,
    ) -> Result<(), StoreError> {
        let error = outcome.as_ref().err().map(String::as_str);
        let mut tx = self.begin_write().await?;
        statement!("drains/end_test", id.as_str(), asked_at.0, clock::now().0, error)
            .execute(tx.connection())
            .await?;
        tx.commit().await
    }
}

/// What a target is sealed under. An id is made of letters that a key may have.
fn seal_name(id: &DrainId) -> ConfigKey {
    id.as_str().parse().expect("an id is a valid key")
}

fn drain(row: &AnyRow) -> Result<Drain, StoreError> {
    let failing_since: Option<Timestamp> = row.col("failing_since_ms")?;
    let error: Option<String> = row.col("test_error")?;
    let done: Option<Timestamp> = row.col("test_done_ms")?;
    let asked: Option<Timestamp> = row.col("test_asked_ms")?;
    Ok(Drain {
        id: row.col("id")?,
        app_id: row.col("app_id")?,
        sealed_target: row.col("sealed_target")?,
        address: row.col("address")?,
        sources: row.col::<Json<_>>("sources")?.0,
        position: row.col("position")?,
        created_at: row.col("created_at_ms")?,
        created_by: row.col("created_by")?,
        delivered_at: row.col("delivered_at_ms")?,
        failure: failing_since.zip(row.col("failure")?),
        test: asked.map(|asked_at| DrainTrial {
            asked_at,
            outcome: done.map(|_| error.map_or(Ok(()), Err)),
        }),
    })
}
