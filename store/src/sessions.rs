//! Sessions, and the refresh tokens that carry them on: each token works once.

use slipway_core::id::{Id, SessionId, UserId};
use slipway_core::time::Timestamp;
use slipway_core::wire::auth::User;
use sqlx::any::AnyRow;

use crate::clock;
use crate::db::{Columns, Store};
use crate::error::StoreError;

/// A session that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    pub id: SessionId,
    pub user_id: UserId,
    /// The stored hash of the password that was given.
    pub password_hash: String,
    /// The hash of its first refresh token.
    pub refresh_hash: String,
    pub expires_at: Timestamp,
}

/// What became of trading a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotated {
    /// It was the newest one; the session goes on with the next.
    Renewed { session_id: SessionId, user: User },
    /// It had been traded before: somebody else has it. The session is revoked.
    Reused { session_id: SessionId },
    /// No live session has it.
    Unknown,
}

impl Store {
    /// Begins a session, unless the person's password is another one by now: a change ends every
    /// session, and one that was being opened meanwhile must not survive it. Whether it began.
    pub async fn create_session(&self, session: &NewSession) -> Result<bool, StoreError> {
        let (id, user_id) = (session.id.as_str(), session.user_id.as_str());
        let mut tx = self.begin_write().await?;
        // A write, so that a change of the password waits for this session, or this for the change.
        let held = statement!("users/hold_password", user_id, &session.password_hash)
            .execute(tx.connection())
            .await?;
        if held.rows_affected() == 0 {
            return Ok(false);
        }
        statement!("sessions/insert", id, user_id, clock::now().0, session.expires_at.0)
            .execute(tx.connection())
            .await?;
        statement!("sessions/insert_refresh_token", &session.refresh_hash, id)
            .execute(tx.connection())
            .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Trades a refresh token for the next one.
    pub async fn rotate_session(
        &self,
        refresh_hash: &str,
        next_hash: &str,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<Rotated, StoreError> {
        let mut tx = self.begin_write().await?;
        // Spent before anything is looked at: of two who come with one token, one is too late.
        let spent = statement!("sessions/spend_refresh_token", refresh_hash, now.0)
            .execute(tx.connection())
            .await?;
        let row = statement!("sessions/of_refresh_token", refresh_hash);
        let Some(row) = row.fetch_optional(tx.connection()).await? else {
            return Ok(Rotated::Unknown);
        };
        let session_id: SessionId = row.col("id")?;
        let revoked = row.col::<Option<Timestamp>>("revoked_at_ms")?.is_some();
        if revoked || row.col::<Timestamp>("expires_at_ms")? <= now {
            return Ok(Rotated::Unknown);
        }
        let id = session_id.as_str();
        if spent.rows_affected() == 0 {
            statement!("sessions/revoke", id, now.0).execute(tx.connection()).await?;
            tx.commit().await?;
            return Ok(Rotated::Reused { session_id });
        }
        statement!("sessions/insert_refresh_token", next_hash, id).execute(tx.connection()).await?;
        statement!("sessions/prolong", id, expires_at.0).execute(tx.connection()).await?;
        tx.commit().await?;
        Ok(Rotated::Renewed { session_id, user: user(&row)? })
    }

    /// Ends a session. Ending it again is success.
    pub async fn revoke_session(&self, id: &SessionId) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let now = clock::now();
        statement!("sessions/revoke", id.as_str(), now.0).execute(tx.connection()).await?;
        tx.commit().await
    }

    /// Whose session this is, as long as it is neither revoked nor expired.
    pub async fn user_of_live_session(
        &self,
        id: &SessionId,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        let row = statement!("sessions/live_user", id.as_str(), now.0);
        row.fetch_optional(self.reader()).await?.as_ref().map(user).transpose()
    }

    /// Forgets sessions that expired or were revoked before `before`; how many those were.
    pub async fn delete_sessions_before(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut tx = self.begin_write().await?;
        let deleted =
            statement!("sessions/delete_ended", before.0).execute(tx.connection()).await?;
        tx.commit().await?;
        Ok(deleted.rows_affected())
    }
}

/// The owner, from a row of a session or of a refresh token.
fn user(row: &AnyRow) -> Result<User, StoreError> {
    Ok(User {
        id: row.col("user_id")?,
        email: row.col("email")?,
        role: row.col("role")?,
        created_at: row.col("created_at_ms")?,
    })
}
