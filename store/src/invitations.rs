//! One-time links by which people join, or set a new password. Only a hash of the secret is stored.

use slipway_core::id::{Id, InvitationId, UserId};
use slipway_core::name::Email;
use slipway_core::time::Timestamp;
use slipway_core::wire::auth::{Scope, User};
use sqlx::any::AnyRow;

use crate::db::{Columns, Store, WriteTx};
use crate::error::{MemberError, StoreError};
use crate::{clock, members, mint, users};

/// A link to be handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInvitation {
    pub secret_hash: String,
    /// The admin who hands it out.
    pub invited_by: UserId,
    pub expires_at: Timestamp,
}

/// A link that was not used yet, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    pub id: InvitationId,
    pub email: Email,
    pub role: Scope,
    /// Whose new password it is for; `None` for somebody who joins.
    pub user_id: Option<UserId>,
    pub invited_by: Email,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

impl Store {
    /// Invites somebody. An earlier invitation of the same address stops working.
    ///
    /// # Errors
    /// [`MemberError::AlreadyMember`]; [`StoreError::Stale`] when the inviter is no admin any more.
    pub async fn invite(
        &self,
        email: &Email,
        role: Scope,
        new: &NewInvitation,
    ) -> Result<Invitation, StoreError> {
        let mut tx = self.begin_write().await?;
        members::lock(&mut tx).await?;
        let found = statement!("members/has_email", email.as_str());
        if found.fetch_one(tx.connection()).await?.col::<i64>("members")? > 0 {
            return Err(MemberError::AlreadyMember(email.clone()).into());
        }
        let invitation = insert(&mut tx, email, role, None, new).await?;
        tx.commit().await?;
        Ok(invitation)
    }

    /// Lets a member set a new password; `None` when there is no such member. An earlier link of
    /// theirs stops working; the old password works until the new one is set.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when whoever hands it out is no admin any more.
    pub async fn invite_to_reset(
        &self,
        id: &UserId,
        new: &NewInvitation,
    ) -> Result<Option<Invitation>, StoreError> {
        let mut tx = self.begin_write().await?;
        members::lock(&mut tx).await?;
        let Some(member) = users::find(&mut tx, id).await? else { return Ok(None) };
        let invitation = insert(&mut tx, &member.email, member.role, Some(id), new).await?;
        tx.commit().await?;
        Ok(Some(invitation))
    }

    /// The links that can be used at `now`, by address.
    pub async fn open_invitations(&self, now: Timestamp) -> Result<Vec<Invitation>, StoreError> {
        let rows = statement!("invitations/open", now.0).fetch_all(self.reader()).await?;
        rows.iter().map(invitation).collect()
    }

    /// The link with this secret, as long as it can be used.
    pub async fn invitation_by_hash(
        &self,
        secret_hash: &str,
        now: Timestamp,
    ) -> Result<Option<Invitation>, StoreError> {
        let row = statement!("invitations/by_hash", secret_hash, now.0);
        row.fetch_optional(self.reader()).await?.as_ref().map(invitation).transpose()
    }

    /// Makes a link useless; whether there was one.
    pub async fn revoke_invitation(&self, id: &InvitationId) -> Result<bool, StoreError> {
        let mut tx = self.begin_write().await?;
        let deleted =
            statement!("invitations/delete", id.as_str()).execute(tx.connection()).await?;
        tx.commit().await?;
        Ok(deleted.rows_affected() > 0)
    }

    /// Uses a link: makes a member of whom it invites, or sets the password of whom it is for and
    /// ends their sessions. `None` when it does not work, or does not any more; it works once.
    ///
    /// # Errors
    /// [`MemberError::EmailTaken`] when they became a member in another way meanwhile.
    pub async fn use_invitation(
        &self,
        secret_hash: &str,
        password_hash: &str,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        let mut tx = self.begin_write().await?;
        members::lock(&mut tx).await?;
        let spent = statement!("invitations/spend", secret_hash, now.0);
        let Some(row) = spent.fetch_optional(tx.connection()).await? else { return Ok(None) };
        let user = if let Some(id) = row.col::<Option<UserId>>("user_id")? {
            users::change_password(&mut tx, &id, password_hash, None).await?;
            users::find(&mut tx, &id).await?
        } else {
            let (email, role) = (row.col("email")?, row.col("role")?);
            Some(users::insert(&mut tx, &email, password_hash, role).await?)
        };
        tx.commit().await?;
        Ok(user)
    }
}

/// Writes a link in the place of an earlier one of the same address, and of those that have ended;
/// [`StoreError::Stale`] when whoever hands it out is no admin any more.
async fn insert(
    tx: &mut WriteTx,
    email: &Email,
    role: Scope,
    user_id: Option<&UserId>,
    new: &NewInvitation,
) -> Result<Invitation, StoreError> {
    let inviter = users::find(tx, &new.invited_by).await?;
    if inviter.is_none_or(|inviter| inviter.role < Scope::Admin) {
        return Err(StoreError::Stale);
    }
    let (id, now): (InvitationId, _) = (mint::id(), clock::now());
    statement!("invitations/make_room", email.as_str(), now.0).execute(tx.connection()).await?;
    statement!(
        "invitations/insert",
        id.as_str(),
        email.as_str(),
        role.as_str(),
        user_id.map(Id::as_str),
        &new.secret_hash,
        new.invited_by.as_str(),
        now.0,
        new.expires_at.0
    )
    .execute(tx.connection())
    .await?;
    let row = statement!("invitations/by_id", id.as_str()).fetch_one(tx.connection()).await?;
    invitation(&row)
}

fn invitation(row: &AnyRow) -> Result<Invitation, StoreError> {
    Ok(Invitation {
        id: row.col("id")?,
        email: row.col("email")?,
        role: row.col("role")?,
        user_id: row.col("user_id")?,
        invited_by: row.col("invited_by")?,
        created_at: row.col("created_at_ms")?,
        expires_at: row.col("expires_at_ms")?,
    })
}
