//! One-time links by which people join, or set a new password.

use std::time::Instant;

use axum::extract::{Extension, State};
use axum::http::StatusCode;
use slipway_core::id::InvitationId;
use slipway_core::time::Millis;
use slipway_core::wire::auth::Session;
use slipway_core::wire::member::{
    Invitation, InvitationKind, InviteRequest, JoinRequest, NewInvitation,
};
use slipway_store::{self as store, clock, mint};

use crate::auth::api_token;
use crate::auth::caller::Caller;
use crate::auth::permission::{Admin, Everywhere};
use crate::auth::session::{ClientAddress, sign_in, too_many};
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::middleware::trail::Trail;
use crate::state::ApiState;

/// How long a link can be used.
const LIFETIME: Millis = Millis::from_secs(72 * 60 * 60);

/// A link with its secret, which is stored nowhere and leaves the server once.
pub struct Link {
    secret: String,
    pub stored: store::NewInvitation,
}

impl Link {
    /// A new one, handed out by the caller.
    pub fn new(caller: &Caller) -> Self {
        let secret = mint::secret();
        let stored = store::NewInvitation {
            secret_hash: api_token::hash(&secret),
            invited_by: caller.user.id.clone(),
            expires_at: clock::now() + LIFETIME,
        };
        Self { secret, stored }
    }

    /// What whoever hands it out is shown.
    pub fn described(self, made: store::Invitation, state: &ApiState) -> NewInvitation {
        let url = format!("{}/join#{}", state.settings.public_url, self.secret);
        NewInvitation { invitation: described(made), token: self.secret, url }
    }
}

/// Lists the links that were not used yet, without their secrets.
#[utoipa::path(get, path = "/v1/members/invitations", operation_id = "list_invitations",
    tag = "people", responses((status = 200, body = Vec<Invitation>)),
    security(("credential" = ["admin"])))]
pub async fn list(
    State(state): State<ApiState>,
    _: Everywhere<Admin>,
) -> Result<axum::Json<Vec<Invitation>>, ApiError> {
    let open = state.store.open_invitations(clock::now()).await?;
    Ok(axum::Json(open.into_iter().map(described).collect()))
}

/// Invites somebody with a one-time link, which works for 72 hours and is shown only now. Nobody is
/// sent anything. An earlier invitation of the same address stops working.
#[utoipa::path(post, path = "/v1/members/invitations", operation_id = "invite", tag = "people",
    request_body = InviteRequest,
    responses((status = 201, body = NewInvitation)), security(("credential" = ["admin"])))]
pub async fn invite(
    State(state): State<ApiState>,
    Everywhere { caller, .. }: Everywhere<Admin>,
    Json(request): Json<InviteRequest>,
) -> Result<(StatusCode, axum::Json<NewInvitation>), ApiError> {
    let link = Link::new(&caller);
    let made = state.store.invite(&request.email, request.role, &link.stored).await?;
    Ok((StatusCode::CREATED, axum::Json(link.described(made, &state))))
}

/// Makes a link useless that was not used yet.
#[utoipa::path(delete, path = "/v1/members/invitations/{id}", operation_id = "revoke_invitation",
    tag = "people", params(("id" = String, Path)),
    responses((status = 204, description = "Revoked")), security(("credential" = ["admin"])))]
pub async fn revoke(
    State(state): State<ApiState>,
    _: Everywhere<Admin>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let not_found = || ApiError::not_found("invitation", &id);
    let invitation: InvitationId = id.parse().map_err(|_| not_found())?;
    if state.store.revoke_invitation(&invitation).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(not_found())
    }
}

/// Uses a one-time link and signs in: makes the account that it invites to, or sets the password
/// that it is for and ends every other session of that member.
#[utoipa::path(post, path = "/v1/members/join", operation_id = "join", tag = "people",
    request_body = JoinRequest, responses((status = 201, body = Session)))]
pub async fn join(
    State(state): State<ApiState>,
    ClientAddress(address): ClientAddress,
    Extension(trail): Extension<Trail>,
    Json(request): Json<JoinRequest>,
) -> Result<(StatusCode, axum::Json<Session>), ApiError> {
    state.login_limits.attempt(None, address, Instant::now()).map_err(too_many)?;
    let secret_hash = api_token::hash(request.token.trim());
    let open = state.store.invitation_by_hash(&secret_hash, clock::now()).await?;
    trail.claims_to_be(&open.ok_or(ApiError::InvalidInvitation)?.email);
    // A password that is refused leaves the link as it was.
    let password_hash = state.passwords.hash(request.password).await?;
    let user = state.store.use_invitation(&secret_hash, &password_hash, clock::now()).await?;
    let user = user.ok_or(ApiError::InvalidInvitation)?;
    state.login_limits.succeeded(Some(&user.email), address);
    Ok((StatusCode::CREATED, axum::Json(sign_in(&state, user, password_hash).await?)))
}

fn described(invitation: store::Invitation) -> Invitation {
    Invitation {
        kind: match invitation.user_id {
            Some(_) => InvitationKind::PasswordReset,
            None => InvitationKind::Join,
        },
        id: invitation.id,
        email: invitation.email,
        role: invitation.role,
        invited_by: invitation.invited_by,
        created_at: invitation.created_at,
        expires_at: invitation.expires_at,
    }
}
