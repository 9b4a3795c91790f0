//! Oneself.

use std::time::Instant;

use axum::extract::State;
use axum::http::StatusCode;
use slipway_core::wire::auth::{PasswordChange, WhoAmI};

use crate::auth::caller::{Caller, Credential};
use crate::auth::session::{ClientAddress, too_many};
use crate::error::ApiError;
use crate::extract::Json;
use crate::state::ApiState;

/// Tells who the credential belongs to, and what it may do.
#[utoipa::path(get, path = "/v1/me", operation_id = "me", tag = "people",
    responses((status = 200, body = WhoAmI)), security(("credential" = ["read"])))]
pub async fn me(
    State(state): State<ApiState>,
    caller: Caller,
) -> Result<axum::Json<WhoAmI>, ApiError> {
    let app = match caller.only_app() {
        Some(id) => state.store.app_by_id(id).await?.map(|app| app.name),
        None => None,
    };
    let token = match &caller.credential {
        Credential::Session(_) => None,
        Credential::Token { name, .. } => Some(name.clone()),
    };
    Ok(axum::Json(WhoAmI { user: caller.user, scope: caller.scope, token, app }))
}

/// Changes one's own password. Needs a session; every other session of one's own ends.
#[utoipa::path(put, path = "/v1/me/password", operation_id = "change_password", tag = "people",
    request_body = PasswordChange,
    responses((status = 204, description = "Changed")),
    security(("credential" = ["read"])))]
pub async fn change_password(
    State(state): State<ApiState>,
    caller: Caller,
    ClientAddress(address): ClientAddress,
    Json(change): Json<PasswordChange>,
) -> Result<StatusCode, ApiError> {
    let session = caller.session()?;
    let email = &caller.user.email;
    state.login_limits.attempt(Some(email), address, Instant::now()).map_err(too_many)?;
    let account = state.store.user_by_id(&caller.user.id).await?;
    let stored = account.map(|account| account.password_hash);
    if !state.passwords.verify(change.current_password, stored).await? {
        return Err(ApiError::WrongPassword);
    }
    state.login_limits.succeeded(Some(email), address);
    let hash = state.passwords.hash(change.new_password).await?;
    state.store.set_password(&caller.user.id, &hash, Some(session)).await?;
    Ok(StatusCode::NO_CONTENT)
}
