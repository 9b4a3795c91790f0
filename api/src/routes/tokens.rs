//! API tokens.

use axum::extract::State;
use axum::http::StatusCode;
use slipway_core::id::TokenId;
use slipway_core::time::Millis;
use slipway_core::wire::auth::{NewToken, Scope, Token, TokenRequest};
use slipway_store::{self as store, clock, mint};

use crate::auth::api_token;
use crate::auth::caller::Caller;
use crate::auth::permission::visible_app;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::idempotency::{IdempotencyKey, Once};
use crate::state::ApiState;

const MAX_NAME_CHARACTERS: usize = 100;
const MAX_DAYS: u32 = 3650;
const DAY: Millis = Millis::from_secs(24 * 60 * 60);

/// Lists one's own tokens, and those of everybody with the scope `admin`; never a secret.
#[utoipa::path(get, path = "/v1/tokens", operation_id = "list_tokens", tag = "people",
    responses((status = 200, body = Vec<Token>)), security(("credential" = ["read"])))]
pub async fn list(
    State(state): State<ApiState>,
    caller: Caller,
) -> Result<axum::Json<Vec<Token>>, ApiError> {
    refuse_limited(&caller)?;
    let owner = (caller.scope < Scope::Admin).then_some(&caller.user.id);
    let tokens = state.store.tokens(owner).await?;
    Ok(axum::Json(tokens.into_iter().map(described).collect()))
}

/// Makes a token of one's own, with at most one's own scope. Needs a session or the scope `admin`,
/// so that a token that leaked cannot make others that outlive it.
#[utoipa::path(post, path = "/v1/tokens", operation_id = "create_token", tag = "people",
    params(IdempotencyKey), request_body = TokenRequest,
    responses((status = 201, body = NewToken)), security(("credential" = ["read"])))]
pub async fn create(
    State(state): State<ApiState>,
    caller: Caller,
    key: IdempotencyKey,
    Json(request): Json<TokenRequest>,
) -> Result<(StatusCode, axum::Json<NewToken>), ApiError> {
    refuse_limited(&caller)?;
    caller.require_session_or_admin()?;
    caller.require(request.scope)?;
    check(&request)?;
    // The secret is remembered nowhere, the answer to a repeated request included.
    let secret = api_token::from_random(&mint::secret());
    let made = key
        .once(&state, &caller, &request, async || make(&state, &caller, &request, &secret).await);
    let token = made.await?;
    match token {
        Once::Fresh(token) => Ok((StatusCode::CREATED, axum::Json(NewToken { token, secret }))),
        Once::Replayed(token) => Err(ApiError::conflict(
            "secret_shown",
            format!("the token `{}` was made already, and its secret is shown only once", token.id),
            "revoke it, and make another",
        )),
    }
}

/// Ends a token: one's own, or anybody's with the scope `admin`.
#[utoipa::path(delete, path = "/v1/tokens/{id}", operation_id = "revoke_token", tag = "people",
    params(("id" = String, Path)),
    responses((status = 204, description = "Revoked")), security(("credential" = ["read"])))]
pub async fn revoke(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let not_found = || ApiError::not_found("token", &id);
    refuse_limited(&caller)?;
    caller.require_session_or_admin()?;
    let token: TokenId = id.parse().map_err(|_| not_found())?;
    let found = state.store.token(&token).await?.ok_or_else(not_found)?;
    let is_own = found.user_id == caller.user.id;
    if (is_own || caller.scope == Scope::Admin) && state.store.revoke_token(&token).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(not_found())
    }
}

async fn make(
    state: &ApiState,
    caller: &Caller,
    request: &TokenRequest,
    secret: &str,
) -> Result<Token, ApiError> {
    let app = match &request.app {
        Some(name) => Some(visible_app(caller, name.as_str(), state).await?.id),
        None => None,
    };
    let now = clock::now();
    let expires_at = request.expires_in_days.map(|days| now + Millis(DAY.0 * u64::from(days)));
    let token = state
        .store
        .create_token(store::NewToken {
            user_id: caller.user.id.clone(),
            name: request.name.trim().to_owned(),
            scope: request.scope,
            app_id: app,
            secret_hash: api_token::hash(secret),
            expires_at,
        })
        .await?;
    Ok(described(token))
}

fn described(token: store::Token) -> Token {
    Token {
        id: token.id,
        name: token.name,
        scope: token.scope,
        app: token.app,
        owner: token.owner,
        created_at: token.created_at,
        expires_at: token.expires_at,
        last_used_at: token.last_used_at,
    }
}

fn check(request: &TokenRequest) -> Result<(), ApiError> {
    let characters = request.name.trim().chars().count();
    if !(1..=MAX_NAME_CHARACTERS).contains(&characters) {
        let message = format!("a token's name has 1 to {MAX_NAME_CHARACTERS} characters");
        return Err(ApiError::invalid("invalid_name", message, "say what the token is for"));
    }
    if request.expires_in_days.is_some_and(|days| !(1..=MAX_DAYS).contains(&days)) {
        let message = format!("a token lasts 1 to {MAX_DAYS} days");
        return Err(ApiError::invalid("invalid_days", message, "leave it out for one without end"));
    }
    Ok(())
}

fn refuse_limited(caller: &Caller) -> Result<(), ApiError> {
    if caller.only_app().is_some() { Err(ApiError::LimitedToApp) } else { Ok(()) }
}
