//! The people who share a server.

use slipway_core::id::{Id, InvitationId, UserId};
use slipway_core::wire::auth::{Session, User};
use slipway_core::wire::member::{
    Invitation, InviteRequest, JoinRequest, NewInvitation, RoleChange,
};

use crate::call::Call;
use crate::client::Client;
use crate::error::ClientError;

impl Client {
    /// Everybody who can sign in, by address.
    pub async fn members(&self) -> Result<Vec<User>, ClientError> {
        self.fetch(Call::get(&["v1", "members"])).await
    }

    /// Changes what a member may do, at once.
    pub async fn change_role(&self, id: &UserId, change: RoleChange) -> Result<User, ClientError> {
        self.fetch(Call::put(&["v1", "members", id.as_str()]).json(&change)).await
    }

    /// Removes a member with their sessions and tokens.
    pub async fn remove_member(&self, id: &UserId) -> Result<(), ClientError> {
        self.perform(Call::delete(&["v1", "members", id.as_str()])).await
    }

    /// Makes a one-time link by which a member sets a new password.
    pub async fn reset_password(&self, id: &UserId) -> Result<NewInvitation, ClientError> {
        self.fetch(Call::post(&["v1", "members", id.as_str(), "password-reset"])).await
    }

    /// The one-time links that were not used yet.
    pub async fn invitations(&self) -> Result<Vec<Invitation>, ClientError> {
        self.fetch(Call::get(&["v1", "members", "invitations"])).await
    }

    /// Invites somebody; the secret is in this answer and nowhere else.
    pub async fn invite(&self, request: &InviteRequest) -> Result<NewInvitation, ClientError> {
        self.fetch(Call::post(&["v1", "members", "invitations"]).json(request)).await
    }

    /// Makes a one-time link useless.
    pub async fn revoke_invitation(&self, id: &InvitationId) -> Result<(), ClientError> {
        self.perform(Call::delete(&["v1", "members", "invitations", id.as_str()])).await
    }

    /// Uses a one-time link and signs in. It works once, so it is never sent twice.
    pub async fn join(&self, request: &JoinRequest) -> Result<Session, ClientError> {
        self.fetch(Call::post(&["v1", "members", "join"]).json(request)).await
    }
}
