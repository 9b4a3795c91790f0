//! Claiming a new installation: the first person proves to have its terminal.

use slipway_core::name::Email;
use slipway_core::time::Timestamp;
use slipway_core::wire::auth::{Scope, User};

use crate::db::{Columns, Store};
use crate::error::StoreError;
use crate::users;

impl Store {
    /// Whether somebody can sign in.
    pub async fn is_claimed(&self) -> Result<bool, StoreError> {
        let users: i64 = statement!("users/count").fetch_one(self.reader()).await?.col("users")?;
        Ok(users > 0)
    }

    /// Makes this the one claim token that works, until it expires.
    pub async fn issue_claim(&self, hash: &str, expires_at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        statement!("claims/issue", hash, expires_at.0).execute(tx.connection()).await?;
        tx.commit().await
    }

    /// Makes the first person, an admin, if the token is the one that works now and nobody was
    /// faster; `None` otherwise. A token works once.
    pub async fn use_claim(
        &self,
        hash: &str,
        email: &Email,
        password_hash: &str,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        let mut tx = self.begin_write().await?;
        // Deleting it takes the one row there is, so of two claims one waits and finds it gone.
        let spent = statement!("claims/spend", hash, now.0).execute(tx.connection()).await?;
        let users: i64 =
            statement!("users/count").fetch_one(tx.connection()).await?.col("users")?;
        if spent.rows_affected() == 0 || users > 0 {
            return Ok(None);
        }
        let user = users::insert(&mut tx, email, password_hash, Scope::Admin).await?;
        tx.commit().await?;
        Ok(Some(user))
    }
}
