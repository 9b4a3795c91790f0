//! The people who share the server.

use axum::extract::State;
use axum::http::StatusCode;
use slipway_core::id::UserId;
use slipway_core::wire::auth::{Scope, User};
use slipway_core::wire::member::{NewInvitation, RoleChange};

use crate::auth::permission::{Admin, Everywhere, Read};
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::routes::invitations::Link;
use crate::state::ApiState;

/// Lists everybody who can sign in, by address.
#[utoipa::path(get, path = "/v1/members", operation_id = "list_members", tag = "people",
    responses((status = 200, body = Vec<User>)), security(("credential" = ["read"])))]
pub async fn list(
    State(state): State<ApiState>,
    _: Everywhere<Read>,
) -> Result<axum::Json<Vec<User>>, ApiError> {
    Ok(axum::Json(state.store.users().await?))
}

/// Changes what a member may do, at once, and what their tokens may with it. Whoever is no admin
/// any more takes the invitations along that they had made. The only admin stays one.
#[utoipa::path(put, path = "/v1/members/{id}", operation_id = "change_role", tag = "people",
    params(("id" = String, Path)), request_body = RoleChange,
    responses((status = 200, body = User)), security(("credential" = ["admin"])))]
pub async fn change_role(
    State(state): State<ApiState>,
    _: Everywhere<Admin>,
    Path(id): Path<String>,
    Json(change): Json<RoleChange>,
) -> Result<axum::Json<User>, ApiError> {
    let member = state.store.change_role(&named(&id)?, change.role).await?;
    member.map(axum::Json).ok_or_else(|| not_found(&id))
}

/// Removes a member with their sessions, tokens and invitations: anybody with the scope `admin`,
/// oneself with a session. The only admin stays.
#[utoipa::path(delete, path = "/v1/members/{id}", operation_id = "remove_member", tag = "people",
    params(("id" = String, Path)),
    responses((status = 204, description = "Removed")), security(("credential" = ["read"])))]
pub async fn remove(
    State(state): State<ApiState>,
    Everywhere { caller, .. }: Everywhere<Read>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    if caller.user.id.to_string() == id {
        caller.require_session_or_admin()?;
    } else {
        caller.require(Scope::Admin)?;
    }
    if state.store.remove_member(&named(&id)?).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(not_found(&id))
    }
}

/// Makes a one-time link for a member who lost their password. Their sessions end when it is used;
/// an earlier link of theirs stops working.
#[utoipa::path(post, path = "/v1/members/{id}/password-reset", operation_id = "reset_password",
    tag = "people", params(("id" = String, Path)),
    responses((status = 201, body = NewInvitation)), security(("credential" = ["admin"])))]
pub async fn reset_password(
    State(state): State<ApiState>,
    Everywhere { caller, .. }: Everywhere<Admin>,
    Path(id): Path<String>,
) -> Result<(StatusCode, axum::Json<NewInvitation>), ApiError> {
    let link = Link::new(&caller);
    let made = state.store.invite_to_reset(&named(&id)?, &link.stored).await?;
    let made = made.ok_or_else(|| not_found(&id))?;
    Ok((StatusCode::CREATED, axum::Json(link.described(made, &state))))
}

/// What is no id belongs to nobody.
fn named(id: &str) -> Result<UserId, ApiError> {
    id.parse().map_err(|_| not_found(id))
}

fn not_found(id: &str) -> ApiError {
    ApiError::not_found("member", id)
}
