//! People who share an installation: inviting them, what they may do, and their leaving.
//!
//! Nobody is sent anything. An invitation is a one-time link that whoever made it hands over by a
//! way of their own; so is a new password.

use serde::{Deserialize, Serialize};

use crate::id::InvitationId;
use crate::name::Email;
use crate::time::Timestamp;
use crate::wire::auth::Scope;

/// What a one-time link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum InvitationKind {
    /// Becoming a member.
    Join,
    /// Setting a new password, as a member who lost theirs.
    PasswordReset,
}

/// A one-time link that was not used yet, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Invitation {
    pub id: InvitationId,
    pub kind: InvitationKind,
    pub email: Email,
    /// The role they will have, or have already.
    pub role: Scope,
    pub invited_by: Email,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// Invites somebody; an earlier invitation of the same address stops working.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct InviteRequest {
    pub email: Email,
    pub role: Scope,
}

/// A new one-time link, with the secret that is shown only now.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NewInvitation {
    pub invitation: Invitation,
    /// What `join` takes: it cannot be shown again.
    pub token: String,
    /// The console's page for it. The token is behind the `#`, which browsers send to nobody.
    pub url: String,
}

/// Uses a one-time link.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct JoinRequest {
    pub token: String,
    /// At least 10 characters.
    pub password: String,
}

/// Gives a member another role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RoleChange {
    pub role: Scope,
}

/// The token in what people paste: the link, or the token alone.
pub fn pasted_token(pasted: &str) -> &str {
    let pasted = pasted.trim();
    pasted.rsplit_once('#').map_or(pasted, |(_, token)| token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_in_its_link_and_alone() {
        for pasted in ["abc-_9", " abc-_9\n", "https://slipway.example.com/join#abc-_9", "#abc-_9"]
        {
            assert_eq!(pasted_token(pasted), "abc-_9", "{pasted}");
        }
        assert_eq!(pasted_token("https://slipway.example.com/join#"), "");
    }
}
