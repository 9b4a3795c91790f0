//! Requests that may be repeated: the answer to a key is given once and then remembered for 24 h.

use slipway_core::id::{Id, UserId};
use slipway_core::time::{Millis, Timestamp};

use crate::db::{Columns, Store};
use crate::error::StoreError;

/// How long an answer is remembered.
pub const KEPT: Millis = Millis::from_secs(24 * 60 * 60);
/// How long a request may be under way before its key is taken for abandoned.
pub const UNDER_WAY: Millis = Millis::from_secs(5 * 60);

/// What a key says about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Idempotency {
    /// It was not seen before: go on, then finish or abandon it.
    New,
    /// The same request is under way.
    UnderWay,
    /// The same request was answered with this.
    Replay { status: u16, body: String },
    /// Another request had the key.
    Conflict,
}

impl Store {
    /// Looks a person's key up, and takes it for a request with this hash if it is free.
    pub async fn begin_idempotent(
        &self,
        key: &str,
        user_id: &UserId,
        request_hash: &str,
        now: Timestamp,
    ) -> Result<Idempotency, StoreError> {
        let user_id = user_id.as_str();
        let (stale, abandoned) = (now - KEPT, now - UNDER_WAY);
        let mut tx = self.begin_write().await?;
        let take =
            statement!("idempotency/take", user_id, key, request_hash, now.0, stale.0, abandoned.0);
        if take.execute(tx.connection()).await?.rows_affected() > 0 {
            tx.commit().await?;
            return Ok(Idempotency::New);
        }
        let row = statement!("idempotency/find", user_id, key).fetch_one(tx.connection()).await?;
        if row.col::<String>("request_hash")? != request_hash {
            return Ok(Idempotency::Conflict);
        }
        match (row.col("status")?, row.col("body")?) {
            (Some(status), Some(body)) => Ok(Idempotency::Replay { status, body }),
            _ => Ok(Idempotency::UnderWay),
        }
    }

    /// Remembers the answer.
    pub async fn finish_idempotent(
        &self,
        key: &str,
        user_id: &UserId,
        status: u16,
        body: &str,
    ) -> Result<(), StoreError> {
        let (user_id, status) = (user_id.as_str(), i64::from(status));
        let mut tx = self.begin_write().await?;
        statement!("idempotency/finish", user_id, key, status, body)
            .execute(tx.connection())
            .await?;
        tx.commit().await
    }

    /// Frees the key of a request that came to no lasting answer.
    pub async fn abandon_idempotent(&self, key: &str, user_id: &UserId) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        statement!("idempotency/abandon", user_id.as_str(), key).execute(tx.connection()).await?;
        tx.commit().await
    }

    /// Forgets keys from before `before`; how many those were.
    pub async fn delete_idempotency_before(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut tx = self.begin_write().await?;
        let deleted =
            statement!("idempotency/delete_before", before.0).execute(tx.connection()).await?;
        tx.commit().await?;
        Ok(deleted.rows_affected())
    }
}
