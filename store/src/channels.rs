//! Channels with their sealed targets, and the messages on their way to them.
//!
//! A message is owed from the transaction that made it until its receiver confirmed it, or until it
//! was tried often enough. An attempt is counted before it is made. A sender that dies in between
//! leaves the message owed, so it is sent once more rather than never; one that was confirmed is
//! never sent again. The id of a message stays the same, for receivers that want to tell.

use serde::{Deserialize, Serialize};
use slipway_core::channel::{Target, retry_after};
use slipway_core::id::{AppId, ChannelId, DeliveryId, Id};
use slipway_core::name::{AppName, ChannelName};
use slipway_core::time::{Millis, Timestamp};
use slipway_core::wire::alert::Firing;
use slipway_core::wire::channel::{Delivery, DeliveryState};
use sqlx::any::AnyRow;

use crate::alerts::AlertScope;
use crate::db::{Columns, Json, Store, WriteTx, json};
use crate::error::StoreError;
use crate::keys::KeyRing;
use crate::wakes::Topic;
use crate::{clock, mint};

/// How long an attempt may take before another sender would make the next one.
const ATTEMPT: Millis = Millis::from_secs(30);

/// A channel without its target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelRow {
    pub id: ChannelId,
    pub name: ChannelName,
    /// The app it is limited to.
    pub app_id: Option<AppId>,
    pub app: Option<AppName>,
    pub kind: String,
    /// The target without what may be secret in it.
    pub description: String,
    pub created_at: Timestamp,
    pub created_by: String,
}

/// What a message tells of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Message {
    /// An alert fires.
    Fires { firing: Firing },
    /// It is over.
    Ends { firing: Firing },
    /// Somebody wants to see one arrive.
    Test { channel: ChannelName, by: String },
}

/// A message that is due.
#[derive(Debug, Clone, PartialEq)]
pub struct Owed {
    pub id: DeliveryId,
    pub channel_id: ChannelId,
    pub message: Message,
    pub created_at: Timestamp,
    /// How often it was tried, this time included.
    pub attempts: u32,
}

impl Message {
    /// Its first line: `[firing] shop: errors is 3.2 %, above 1 % for 5 min`.
    pub fn subject(&self) -> String {
        match self {
            Self::Fires { firing } => format!("[firing] {}: {}", about(firing), firing.sentence),
            Self::Ends { firing } => {
                let ending = firing.ending.as_deref().unwrap_or(&firing.sentence);
                format!("[resolved] {}: {ending}", about(firing))
            }
            Self::Test { channel, by } => format!("[test] a message to {channel}, by {by}"),
        }
    }
}

/// The app, or the host.
fn about(firing: &Firing) -> &str {
    firing.app.as_ref().map_or("host", AppName::as_str)
}

impl Store {
    /// Makes a channel.
    ///
    /// # Errors
    /// [`StoreError::ChannelNameTaken`].
    pub async fn create_channel(
        &self,
        name: &ChannelName,
        app_id: Option<&AppId>,
        target: &Target,
        keys: &KeyRing,
        by: &str,
    ) -> Result<ChannelRow, StoreError> {
        let id: ChannelId = mint::id();
        let sealed = keys.seal_target(&id, &json(target))?;
        let mut tx = self.begin_write().await?;
        let inserted = statement!(
            "channels/insert",
            id.as_str(),
            name.as_str(),
            app_id.map(Id::as_str),
            target.kind(),
            target.describe(),
            sealed,
            clock::now().0,
            by
        )
        .execute(tx.connection())
        .await?;
        if inserted.rows_affected() == 0 {
            return Err(StoreError::ChannelNameTaken(name.clone()));
        }
        let row = statement!("channels/by_name", name.as_str()).fetch_one(tx.connection()).await?;
        tx.commit().await?;
        channel(&row)
    }

    /// Every channel, by name.
    pub async fn channels(&self) -> Result<Vec<ChannelRow>, StoreError> {
        let rows = statement!("channels/all").fetch_all(self.reader()).await?;
        rows.iter().map(channel).collect()
    }

    pub async fn channel(&self, name: &ChannelName) -> Result<Option<ChannelRow>, StoreError> {
        let row = statement!("channels/by_name", name.as_str());
        row.fetch_optional(self.reader()).await?.as_ref().map(channel).transpose()
    }

    /// Where a channel leads, secrets included; `None` when it is gone.
    pub async fn channel_target(
        &self,
        id: &ChannelId,
        keys: &KeyRing,
    ) -> Result<Option<Target>, StoreError> {
        let row = statement!("channels/target", id.as_str());
        let Some(row) = row.fetch_optional(self.reader()).await? else { return Ok(None) };
        let opened = keys.open_target(id, &row.col::<String>("sealed_target")?)?;
        serde_json::from_str(&opened).map(Some).map_err(|_| StoreError::Corrupt {
            column: "sealed_target".to_owned(),
            // The parser's own words may repeat what it read.
            problem: "it is no target".to_owned(),
        })
    }

    /// Removes a channel with the messages on their way to it.
    pub async fn delete_channel(&self, id: &ChannelId) -> Result<bool, StoreError> {
        let mut tx = self.begin_write().await?;
        let deleted = statement!("channels/delete", id.as_str()).execute(tx.connection()).await?;
        tx.commit().await?;
        Ok(deleted.rows_affected() > 0)
    }

    /// Owes a channel a message that somebody wants to see arrive.
    pub async fn test_channel(
        &self,
        channel: &ChannelRow,
        by: &str,
    ) -> Result<Delivery, StoreError> {
        let message = Message::Test { channel: channel.name.clone(), by: by.to_owned() };
        let mut tx = self.begin_write().await?;
        let id = insert(&mut tx, &channel.id, None, &message, clock::now()).await?;
        tx.commit().await?;
        let made = self.deliveries(&channel.id, u32::MAX).await?;
        made.into_iter().find(|delivery| delivery.id == id).ok_or(StoreError::Stale)
    }

    /// The newest messages to a channel, newest first.
    pub async fn deliveries(
        &self,
        id: &ChannelId,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        let rows = statement!("deliveries/of_channel", id.as_str(), i64::from(limit));
        rows.fetch_all(self.reader()).await?.iter().map(delivery).collect()
    }

    /// Takes a message that is due, and counts the attempt. It is due again a while later, unless
    /// the attempt is settled before.
    pub async fn take_delivery(&self, now: Timestamp) -> Result<Option<Owed>, StoreError> {
        let due = statement!("deliveries/due", now.0, 1_i64);
        let Some(row) = due.fetch_optional(self.reader()).await? else { return Ok(None) };
        let (id, before): (DeliveryId, i64) = (row.col("id")?, row.col("attempts")?);
        let mut tx = self.begin_write().await?;
        let begun = statement!("deliveries/begin", id.as_str(), before, (now + ATTEMPT).0)
            .execute(tx.connection())
            .await?;
        tx.commit().await?;
        if begun.rows_affected() == 0 {
            return Ok(None);
        }
        Ok(Some(Owed {
            id,
            channel_id: row.col("channel_id")?,
            message: row.col::<Json<_>>("body")?.0,
            created_at: row.col("created_at_ms")?,
            attempts: row.col::<u32>("attempts")? + 1,
        }))
    }

    /// The receiver confirmed a message.
    pub async fn confirm_delivery(&self, id: &DeliveryId) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        statement!("deliveries/confirm", id.as_str(), clock::now().0)
            .execute(tx.connection())
            .await?;
        tx.commit().await
    }

    /// An attempt failed: it is tried again after a while, or given up. `for_good` gives it up at
    /// once, because trying again could not help.
    pub async fn fail_delivery(
        &self,
        owed: &Owed,
        error: &str,
        for_good: bool,
    ) -> Result<DeliveryState, StoreError> {
        let again = retry_after(owed.attempts).filter(|_| !for_good);
        let mut tx = self.begin_write().await?;
        let (state, written) = match again {
            Some(wait) => {
                let next = (clock::now() + wait).0;
                let retry = statement!("deliveries/retry", owed.id.as_str(), next, error);
                (DeliveryState::Waiting, retry)
            }
            None => {
                (DeliveryState::Failed, statement!("deliveries/give_up", owed.id.as_str(), error))
            }
        };
        written.execute(tx.connection()).await?;
        tx.commit().await?;
        Ok(state)
    }
}

/// Owes every channel of a scope a message about a firing that began or ended.
pub(crate) async fn owe(
    tx: &mut WriteTx,
    scope: &AlertScope,
    firing: &Firing,
    now: Timestamp,
) -> Result<(), StoreError> {
    let message = match firing.ended_at {
        None => Message::Fires { firing: firing.clone() },
        Some(_) => Message::Ends { firing: firing.clone() },
    };
    // No app has the id of the host, so the host's alerts go to channels without an app alone.
    let app_id = scope.app_id().map_or("host", Id::as_str);
    let rows = statement!("channels/of_scope", app_id).fetch_all(tx.connection()).await?;
    for row in rows {
        insert(tx, &row.col("id")?, Some(firing), &message, now).await?;
    }
    Ok(())
}

async fn insert(
    tx: &mut WriteTx,
    channel_id: &ChannelId,
    firing: Option<&Firing>,
    message: &Message,
    now: Timestamp,
) -> Result<DeliveryId, StoreError> {
    let id: DeliveryId = mint::id();
    let firing_id = firing.map(|firing| firing.id.as_str());
    statement!(
        "deliveries/insert",
        id.as_str(),
        channel_id.as_str(),
        firing_id,
        json(message),
        now.0
    )
    .execute(tx.connection())
    .await?;
    tx.wake(Topic::Deliveries);
    Ok(id)
}

fn channel(row: &AnyRow) -> Result<ChannelRow, StoreError> {
    Ok(ChannelRow {
        id: row.col("id")?,
        name: row.col("name")?,
        app_id: row.col("app_id")?,
        app: row.col("app")?,
        kind: row.col("kind")?,
        description: row.col("description")?,
        created_at: row.col("created_at_ms")?,
        created_by: row.col("created_by")?,
    })
}

fn delivery(row: &AnyRow) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        id: row.col("id")?,
        subject: row.col::<Json<Message>>("body")?.0.subject(),
        state: row.col("state")?,
        attempts: row.col("attempts")?,
        last_error: row.col("last_error")?,
        created_at: row.col("created_at_ms")?,
        sent_at: row.col("sent_at_ms")?,
    })
}
