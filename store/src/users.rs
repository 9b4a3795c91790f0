//! People who can sign in.

use slipway_core::id::{Id, SessionId, UserId};
use slipway_core::name::Email;
use slipway_core::wire::auth::{Scope, User};
use sqlx::any::AnyRow;

use crate::db::{Columns, Store, WriteTx};
use crate::error::{MemberError, StoreError};
use crate::{clock, mint};

/// A person with what they prove themselves by. Its hash is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    pub user: User,
    pub password_hash: String,
}

impl Store {
    /// # Errors
    /// [`MemberError::EmailTaken`].
    pub async fn create_user(
        &self,
        email: &Email,
        password_hash: &str,
        role: Scope,
    ) -> Result<User, StoreError> {
        let mut tx = self.begin_write().await?;
        let user = insert(&mut tx, email, password_hash, role).await?;
        tx.commit().await?;
        Ok(user)
    }

    pub async fn user_by_email(&self, email: &Email) -> Result<Option<Account>, StoreError> {
        let row = statement!("users/by_email", email.as_str());
        row.fetch_optional(self.reader()).await?.as_ref().map(account).transpose()
    }

    pub async fn user_by_id(&self, id: &UserId) -> Result<Option<Account>, StoreError> {
        let row = statement!("users/by_id", id.as_str());
        row.fetch_optional(self.reader()).await?.as_ref().map(account).transpose()
    }

    /// Everybody, by address.
    pub async fn users(&self) -> Result<Vec<User>, StoreError> {
        let rows = statement!("users/all").fetch_all(self.reader()).await?;
        rows.iter().map(|row| account(row).map(|account| account.user)).collect()
    }

    /// Changes a password; every session of the person ends, but for `keep`.
    pub async fn set_password(
        &self,
        id: &UserId,
        password_hash: &str,
        keep: Option<&SessionId>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        change_password(&mut tx, id, password_hash, keep).await?;
        tx.commit().await
    }
}

/// Makes a person as part of a transaction.
pub(crate) async fn insert(
    tx: &mut WriteTx,
    email: &Email,
    password_hash: &str,
    role: Scope,
) -> Result<User, StoreError> {
    let user = User { id: mint::id(), email: email.clone(), role, created_at: clock::now() };
    let inserted = statement!(
        "users/insert",
        user.id.as_str(),
        email.as_str(),
        password_hash,
        role.as_str(),
        user.created_at.0
    )
    .execute(tx.connection())
    .await?;
    if inserted.rows_affected() == 0 {
        return Err(MemberError::EmailTaken(email.clone()).into());
    }
    Ok(user)
}

/// Changes a password as part of a transaction; every session of the person ends, but for `keep`.
pub(crate) async fn change_password(
    tx: &mut WriteTx,
    id: &UserId,
    password_hash: &str,
    keep: Option<&SessionId>,
) -> Result<(), StoreError> {
    statement!("users/set_password", id.as_str(), password_hash).execute(tx.connection()).await?;
    // No session has the empty id.
    let keep = keep.map_or("", Id::as_str);
    statement!("sessions/revoke_of_user", id.as_str(), keep, clock::now().0)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// The person with this id, as a transaction sees them.
pub(crate) async fn find(tx: &mut WriteTx, id: &UserId) -> Result<Option<User>, StoreError> {
    let row = statement!("users/by_id", id.as_str()).fetch_optional(tx.connection()).await?;
    row.as_ref().map(|row| account(row).map(|account| account.user)).transpose()
}

fn account(row: &AnyRow) -> Result<Account, StoreError> {
    let user = User {
        id: row.col("id")?,
        email: row.col("email")?,
        role: row.col("role")?,
        created_at: row.col("created_at_ms")?,
    };
    Ok(Account { user, password_hash: row.col("password_hash")? })
}
