//! Sessions: an access token of 15 minutes, and a refresh token that works once.

use std::convert::Infallible;
use std::net::IpAddr;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use slipway_core::time::Millis;
use slipway_core::wire::auth::{Session, User};
use slipway_store::{NewSession, Rotated, clock, mint};

use crate::auth::address::client_address;
use crate::auth::api_token;
use crate::error::ApiError;
use crate::state::ApiState;

/// How long a session lasts after its last refresh.
const REFRESH_LIFETIME: Millis = Millis::from_secs(30 * 24 * 60 * 60);

/// Where the request comes from.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub IpAddr);

impl FromRequestParts<ApiState> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Infallible> {
        Ok(Self(client_address(&parts.extensions, &parts.headers, &state.settings)))
    }
}

/// A limit of sign-ins as an answer.
pub fn too_many(wait: Duration) -> ApiError {
    ApiError::TooManyAttempts { retry_after_s: wait.as_secs().max(1) }
}

/// Opens a session for a person whose password, stored as `password_hash`, was given.
///
/// # Errors
/// [`ApiError::WrongPassword`] when it was changed meanwhile; when the database does not answer.
pub async fn sign_in(
    state: &ApiState,
    user: User,
    password_hash: String,
) -> Result<Session, ApiError> {
    let now = clock::now();
    let refresh_token = mint::secret();
    let refresh_expires_at = now + REFRESH_LIFETIME;
    let session = NewSession {
        id: mint::id(),
        user_id: user.id.clone(),
        password_hash,
        refresh_hash: api_token::hash(&refresh_token),
        expires_at: refresh_expires_at,
    };
    if !state.store.create_session(&session).await? {
        return Err(ApiError::WrongPassword);
    }
    let issued =
        state.access_tokens.issue(&user.id, &session.id, now).map_err(ApiError::internal)?;
    let (access_token, access_expires_at) = issued;
    Ok(Session { access_token, access_expires_at, refresh_token, refresh_expires_at, user })
}

/// Trades a refresh token for the next pair. One that was used before has been stolen from
/// somebody, it cannot be told from whom: its session ends.
///
/// # Errors
/// [`ApiError::InvalidCredential`] for a token that is not good, or not good any more.
pub async fn renew(state: &ApiState, used: &str) -> Result<Session, ApiError> {
    let now = clock::now();
    let refresh_token = mint::secret();
    let refresh_expires_at = now + REFRESH_LIFETIME;
    let (old, new) = (api_token::hash(used), api_token::hash(&refresh_token));
    match state.store.rotate_session(&old, &new, refresh_expires_at, now).await? {
        Rotated::Renewed { session_id, user } => {
            let issued = state.access_tokens.issue(&user.id, &session_id, now);
            let (access_token, access_expires_at) = issued.map_err(ApiError::internal)?;
            Ok(Session { access_token, access_expires_at, refresh_token, refresh_expires_at, user })
        }
        Rotated::Reused { session_id } => {
            tracing::warn!(%session_id, "a refresh token was used twice; its session ends");
            Err(ApiError::InvalidCredential)
        }
        Rotated::Unknown => Err(ApiError::InvalidCredential),
    }
}
