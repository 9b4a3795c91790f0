//! A transaction that writes, with what is told of it once it is committed.

use std::collections::BTreeSet;

use slipway_core::event::EventKind;
use slipway_core::id::{AppId, Id};
use sqlx::{Any, AnyConnection, Transaction};

use super::{Columns, json};
use crate::clock;
use crate::error::StoreError;
use crate::wakes::{Topic, Wakes};

/// Events are gathered and written last, because writing the first one takes a row that every
/// other writer of events waits for. Dropped without a commit, nothing has happened.
pub(crate) struct WriteTx {
    tx: Transaction<'static, Any>,
    wakes: Wakes,
    topics: BTreeSet<Topic>,
    events: Vec<(AppId, EventKind)>,
}

impl WriteTx {
    pub(super) fn new(tx: Transaction<'static, Any>, wakes: Wakes) -> Self {
        Self { tx, wakes, topics: BTreeSet::new(), events: Vec::new() }
    }

    /// Where statements are executed.
    pub(crate) fn connection(&mut self) -> &mut AnyConnection {
        &mut self.tx
    }

    /// Writes an event of an app at the commit.
    pub(crate) fn tell(&mut self, app_id: &AppId, kind: EventKind) {
        self.events.push((app_id.clone(), kind));
        self.wake(Topic::Events);
    }

    /// Wakes those who wait for `topic` after the commit.
    pub(crate) fn wake(&mut self, topic: Topic) {
        self.topics.insert(topic);
    }

    /// Makes everything lasting, then wakes.
    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        for (app_id, kind) in std::mem::take(&mut self.events) {
            self.write_event(&app_id, &kind).await?;
        }
        self.tx.commit().await?;
        for topic in self.topics {
            self.wakes.notify(topic);
        }
        Ok(())
    }

    async fn write_event(&mut self, app_id: &AppId, kind: &EventKind) -> Result<(), StoreError> {
        let id: i64 =
            statement!("events/next_id").fetch_one(self.connection()).await?.col("last_id")?;
        let body = json(kind);
        statement!("events/insert", id, clock::now().0, app_id.as_str(), body)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}
