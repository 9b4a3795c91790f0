//! Claiming, signing in, tokens.

use serde::{Deserialize, Serialize};

use crate::id::{TokenId, UserId};
use crate::name::{AppName, Email};
use crate::time::Timestamp;

/// The header in which the console shows the API what it is known by.
pub const CONSOLE_HEADER: &str = "x-slipway-console";

/// What a person or token may do; each includes the ones before it. A person's is their role, and
/// no token of theirs may do more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// See everything but configuration values.
    Read,
    /// Also push, deploy and roll back.
    Deploy,
    /// Also change apps: configuration, scale, create, destroy, one-off commands.
    Write,
    /// Also manage people, tokens and the server.
    Admin,
}

impl Scope {
    pub const ALL: [Self; 4] = [Self::Read, Self::Deploy, Self::Write, Self::Admin];

    /// The name as stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Deploy => "deploy",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

/// Claims a new installation with the one-time token from its terminal.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ClaimRequest {
    pub claim_token: String,
    pub email: Email,
    /// At least 10 characters.
    pub password: String,
}

/// Signs in with a password.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    pub email: Email,
    pub password: String,
}

/// Trades a refresh token for the next pair; each works once.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    pub refresh_token: String,
}

/// A signed-in session.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Session {
    /// A JWT for `Authorization: Bearer`.
    pub access_token: String,
    pub access_expires_at: Timestamp,
    pub refresh_token: String,
    pub refresh_expires_at: Timestamp,
    pub user: User,
}

/// Changes one's own password; every other session ends.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    pub current_password: String,
    pub new_password: String,
}

/// A person: a member of the installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct User {
    pub id: UserId,
    pub email: Email,
    pub role: Scope,
    pub created_at: Timestamp,
}

/// Who the caller is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct WhoAmI {
    pub user: User,
    /// What this credential may do.
    pub scope: Scope,
    /// The token's name, when signed in by token.
    pub token: Option<String>,
    /// The one app the token is limited to.
    pub app: Option<AppName>,
}

/// Makes an API token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// What it is for, 1 to 100 characters.
    pub name: String,
    pub scope: Scope,
    /// Limits it to one app.
    #[serde(default)]
    pub app: Option<AppName>,
    /// Days until it ends; `None` never.
    #[serde(default)]
    pub expires_in_days: Option<u32>,
}

/// A token without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Token {
    pub id: TokenId,
    pub name: String,
    /// What it may do: never more than its owner's role, whatever it was made with.
    pub scope: Scope,
    pub app: Option<AppName>,
    pub owner: Email,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
}

/// A new token, with the secret that is shown only now.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NewToken {
    pub token: Token,
    /// `slp_…`: store it now, it cannot be shown again.
    pub secret: String,
}
