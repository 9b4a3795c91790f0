//! Claiming an installation, signing in and out.

use std::time::Instant;

use axum::extract::{Extension, State};
use axum::http::StatusCode;
use slipway_core::wire::auth::{ClaimRequest, LoginRequest, RefreshRequest, Session};
use slipway_store::clock;

use crate::auth::api_token;
use crate::auth::caller::Caller;
use crate::auth::session::{ClientAddress, renew, sign_in, too_many};
use crate::error::ApiError;
use crate::extract::Json;
use crate::middleware::trail::Trail;
use crate::state::ApiState;

/// Claims a new installation with the one-time token from its terminal, and signs in.
#[utoipa::path(post, path = "/v1/claim", operation_id = "claim", tag = "people",
    request_body = ClaimRequest, responses((status = 201, body = Session)))]
pub async fn claim(
    State(state): State<ApiState>,
    ClientAddress(address): ClientAddress,
    Extension(trail): Extension<Trail>,
    Json(request): Json<ClaimRequest>,
) -> Result<(StatusCode, axum::Json<Session>), ApiError> {
    trail.claims_to_be(&request.email);
    state.login_limits.attempt(None, address, Instant::now()).map_err(too_many)?;
    let hash = state.passwords.hash(request.password).await?;
    let token = api_token::hash(request.claim_token.trim());
    let user = state.store.use_claim(&token, &request.email, &hash, clock::now()).await?;
    let user = user.ok_or(ApiError::InvalidCredential)?;
    state.login_limits.succeeded(None, address);
    Ok((StatusCode::CREATED, axum::Json(sign_in(&state, user, hash).await?)))
}

/// Signs in with a password. After ten failures an account waits.
#[utoipa::path(post, path = "/v1/login", operation_id = "login", tag = "people",
    request_body = LoginRequest, responses((status = 200, body = Session)))]
pub async fn login(
    State(state): State<ApiState>,
    ClientAddress(address): ClientAddress,
    Extension(trail): Extension<Trail>,
    Json(request): Json<LoginRequest>,
) -> Result<axum::Json<Session>, ApiError> {
    let email = &request.email;
    trail.claims_to_be(email);
    state.login_limits.attempt(Some(email), address, Instant::now()).map_err(too_many)?;
    let account = state.store.user_by_email(email).await?;
    let stored = account.as_ref().map(|account| account.password_hash.clone());
    let right = state.passwords.verify(request.password, stored).await?;
    let account = account.filter(|_| right).ok_or(ApiError::WrongPassword)?;
    state.login_limits.succeeded(Some(email), address);
    Ok(axum::Json(sign_in(&state, account.user, account.password_hash).await?))
}

/// Trades a refresh token for the next pair. Each works once; a second use ends the session.
#[utoipa::path(post, path = "/v1/refresh", operation_id = "refresh", tag = "people",
    request_body = RefreshRequest, responses((status = 200, body = Session)))]
pub async fn refresh(
    State(state): State<ApiState>,
    Json(request): Json<RefreshRequest>,
) -> Result<axum::Json<Session>, ApiError> {
    Ok(axum::Json(renew(&state, &request.refresh_token).await?))
}

/// Ends the session. Needs one: a token is revoked instead.
#[utoipa::path(post, path = "/v1/logout", operation_id = "logout", tag = "people",
    responses((status = 204, description = "Signed out")), security(("credential" = ["read"])))]
pub async fn logout(State(state): State<ApiState>, caller: Caller) -> Result<StatusCode, ApiError> {
    state.store.revoke_session(caller.session()?).await?;
    Ok(StatusCode::NO_CONTENT)
}
