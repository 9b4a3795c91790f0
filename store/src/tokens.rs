//! API tokens, of which only a hash is stored.

use slipway_core::id::{AppId, Id, TokenId, UserId};
use slipway_core::name::{AppName, Email};
use slipway_core::time::Timestamp;
use slipway_core::wire::auth::{Scope, User};
use sqlx::any::AnyRow;

use crate::db::{Columns, Store};
use crate::error::StoreError;
use crate::{clock, mint};

/// A token to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    pub user_id: UserId,
    pub name: String,
    pub scope: Scope,
    /// Limits it to one app, and to that app's life.
    pub app_id: Option<AppId>,
    pub secret_hash: String,
    pub expires_at: Option<Timestamp>,
}

/// A token without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub id: TokenId,
    pub user_id: UserId,
    pub owner: Email,
    pub name: String,
    /// What it may do now: the scope it was made with, and never more than its owner's role.
    pub scope: Scope,
    pub app_id: Option<AppId>,
    /// The name of the app it is limited to.
    pub app: Option<AppName>,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
}

impl Store {
    pub async fn create_token(&self, new: NewToken) -> Result<Token, StoreError> {
        let id: TokenId = mint::id();
        let mut tx = self.begin_write().await?;
        statement!(
            "tokens/insert",
            id.as_str(),
            new.user_id.as_str(),
            new.name,
            new.scope.as_str(),
            new.app_id.as_ref().map(Id::as_str),
            new.secret_hash,
            clock::now().0,
            new.expires_at.map(|at| at.0)
        )
        .execute(tx.connection())
        .await?;
        let token = statement!("tokens/by_id", id.as_str()).fetch_one(tx.connection()).await?;
        tx.commit().await?;
        self::token(&token)
    }

    pub async fn token(&self, id: &TokenId) -> Result<Option<Token>, StoreError> {
        let row = statement!("tokens/by_id", id.as_str());
        row.fetch_optional(self.reader()).await?.as_ref().map(self::token).transpose()
    }

    /// The token with this secret and its owner, unless it has expired or was revoked.
    pub async fn token_by_hash(
        &self,
        secret_hash: &str,
        now: Timestamp,
    ) -> Result<Option<(Token, User)>, StoreError> {
        let row = statement!("tokens/by_hash", secret_hash, now.0);
        let row = row.fetch_optional(self.reader()).await?;
        row.as_ref().map(|row| Ok((self::token(row)?, owner(row)?))).transpose()
    }

    /// The tokens of one person, or everybody's; oldest first.
    pub async fn tokens(&self, user_id: Option<&UserId>) -> Result<Vec<Token>, StoreError> {
        let rows = if let Some(user_id) = user_id {
            statement!("tokens/of_user", user_id.as_str())
        } else {
            statement!("tokens/all")
        };
        rows.fetch_all(self.reader()).await?.iter().map(self::token).collect()
    }

    /// Revokes a token; whether there was one.
    pub async fn revoke_token(&self, id: &TokenId) -> Result<bool, StoreError> {
        let mut tx = self.begin_write().await?;
        let deleted = statement!("tokens/delete", id.as_str()).execute(tx.connection()).await?;
        tx.commit().await?;
        Ok(deleted.rows_affected() > 0)
    }

    /// Notes that a token was used.
    pub async fn touch_token(&self, id: &TokenId, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        statement!("tokens/touch", id.as_str(), now.0).execute(tx.connection()).await?;
        tx.commit().await
    }
}

fn token(row: &AnyRow) -> Result<Token, StoreError> {
    Ok(Token {
        id: row.col("id")?,
        user_id: row.col("user_id")?,
        owner: row.col("email")?,
        name: row.col("name")?,
        scope: row.col::<Scope>("scope")?.min(row.col("role")?),
        app_id: row.col("app_id")?,
        app: row.col("app")?,
        created_at: row.col("created_at_ms")?,
        expires_at: row.col("expires_at_ms")?,
        last_used_at: row.col("last_used_at_ms")?,
    })
}

fn owner(row: &AnyRow) -> Result<User, StoreError> {
    Ok(User {
        id: row.col("user_id")?,
        email: row.col("email")?,
        role: row.col("role")?,
        created_at: row.col("user_created_at_ms")?,
    })
}
