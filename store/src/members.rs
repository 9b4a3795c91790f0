//! What members may do, and their leaving.
//!
//! Of the verbs here and in [`invitations`](crate::invitations) one runs at a time: each begins
//! with taking the installation's row, so that of two admins who demote each other one finds that
//! the other was faster, and somebody is always left who can manage people.

use slipway_core::id::{Id, UserId};
use slipway_core::wire::auth::{Scope, User};

use crate::db::{Columns, Store, WriteTx};
use crate::error::{MemberError, StoreError};
use crate::users;

impl Store {
    /// Gives a member another role, and returns them with it; `None` when there is no such member.
    /// Whoever is no admin any more takes the links along that they had handed out.
    ///
    /// # Errors
    /// [`MemberError::LastAdmin`] when nobody would be left to manage people.
    pub async fn change_role(&self, id: &UserId, role: Scope) -> Result<Option<User>, StoreError> {
        let mut tx = self.begin_write().await?;
        lock(&mut tx).await?;
        let Some(member) = users::find(&mut tx, id).await? else { return Ok(None) };
        if role < Scope::Admin {
            keep_an_admin(&mut tx, &member).await?;
            statement!("invitations/delete_of_inviter", id.as_str())
                .execute(tx.connection())
                .await?;
        }
        statement!("members/set_role", id.as_str(), role.as_str()).execute(tx.connection()).await?;
        tx.commit().await?;
        Ok(Some(User { role, ..member }))
    }

    /// Removes a member with their sessions, their tokens and the links they had handed out;
    /// whether there was one. What they did stays in the records.
    ///
    /// # Errors
    /// [`MemberError::LastAdmin`] when nobody would be left to manage people.
    pub async fn remove_member(&self, id: &UserId) -> Result<bool, StoreError> {
        let mut tx = self.begin_write().await?;
        lock(&mut tx).await?;
        let Some(member) = users::find(&mut tx, id).await? else { return Ok(false) };
        keep_an_admin(&mut tx, &member).await?;
        statement!("members/delete", id.as_str()).execute(tx.connection()).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Makes every other change of who is a member, and of what they may do, wait for this transaction.
pub(crate) async fn lock(tx: &mut WriteTx) -> Result<(), StoreError> {
    statement!("members/lock").execute(tx.connection()).await?;
    Ok(())
}

/// Refuses to lose the only admin.
async fn keep_an_admin(tx: &mut WriteTx, member: &User) -> Result<(), StoreError> {
    let admins = statement!("members/count_admins").fetch_one(tx.connection()).await?;
    let is_last = member.role == Scope::Admin && admins.col::<i64>("admins")? <= 1;
    if is_last { Err(MemberError::LastAdmin(member.email.clone()).into()) } else { Ok(()) }
}
