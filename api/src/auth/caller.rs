//! Who calls: a person, by a session or by a token of theirs.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use slipway_core::id::{AppId, SessionId, TokenId};
use slipway_core::time::Millis;
use slipway_core::wire::auth::{Scope, User};
use slipway_store::clock;

use crate::auth::api_token;
use crate::error::ApiError;
use crate::middleware::trail::Trail;
use crate::state::ApiState;

/// How exact the time of a token's last use is: not every request is a write.
const TOUCHED_EVERY: Millis = Millis::from_secs(60);

/// A caller whose credential was good when the request came.
#[derive(Debug, Clone)]
pub struct Caller {
    pub user: User,
    /// What they may do: the person's role, narrowed by the token's scope.
    pub scope: Scope,
    pub credential: Credential,
}

/// What they showed.
#[derive(Debug, Clone)]
pub enum Credential {
    Session(SessionId),
    Token { id: TokenId, name: String, secret_hash: String, app: Option<AppId> },
}

impl Caller {
    /// # Errors
    /// [`ApiError::ScopeTooSmall`] when they may not do what needs this scope.
    pub fn require(&self, needs: Scope) -> Result<(), ApiError> {
        if self.scope >= needs {
            Ok(())
        } else {
            Err(ApiError::ScopeTooSmall { needs, has: self.scope })
        }
    }

    /// The session they are signed in with.
    ///
    /// # Errors
    /// [`ApiError::SessionRequired`] when they came with an API token.
    pub fn session(&self) -> Result<&SessionId, ApiError> {
        match &self.credential {
            Credential::Session(id) => Ok(id),
            Credential::Token { .. } => Err(ApiError::SessionRequired),
        }
    }

    /// Lets a person through who is signed in, and an API token with the scope `admin`: what a
    /// token that leaked must not be able to do.
    ///
    /// # Errors
    /// [`ApiError::ScopeTooSmall`] for any other token.
    pub fn require_session_or_admin(&self) -> Result<(), ApiError> {
        match self.credential {
            Credential::Session(_) => Ok(()),
            Credential::Token { .. } => self.require(Scope::Admin),
        }
    }

    /// The one app their token is limited to.
    pub fn only_app(&self) -> Option<&AppId> {
        match &self.credential {
            Credential::Session(_) => None,
            Credential::Token { app, .. } => app.as_ref(),
        }
    }

    /// Whether an app exists as far as they are concerned.
    pub fn may_see(&self, app: &AppId) -> bool {
        self.only_app().is_none_or(|only| only == app)
    }

    /// Who did it, for the records.
    pub fn actor(&self) -> String {
        self.user.email.to_string()
    }

    /// Whether the same credential would be good now, for as much as it was: for streams, which
    /// outlive the look-up they began with.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn is_still_welcome(&self, state: &ApiState) -> Result<bool, ApiError> {
        let now = match &self.credential {
            Credential::Session(id) => by_session(id, state).await?,
            Credential::Token { secret_hash, .. } => by_token(secret_hash.clone(), state).await?,
        };
        Ok(now.is_some_and(|now| now.scope >= self.scope))
    }
}

impl FromRequestParts<ApiState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let is_git = parts.uri.path().starts_with("/git/");
        let credential = credential(&parts.headers, is_git).ok_or(ApiError::NotSignedIn)?;
        let caller = identify(&credential, state).await?;
        if let Some(trail) = parts.extensions.get::<Trail>() {
            trail.is_of(&caller);
        }
        Ok(caller)
    }
}

/// What the `Authorization` header carries: a bearer token, or, for git, the password of Basic
/// authentication, whatever the user name is. Nothing but git may use Basic: a browser would send
/// it again by itself, for any page that asks it to.
fn credential(headers: &HeaderMap, is_git: bool) -> Option<String> {
    let header = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, value) = header.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(value.trim().to_owned());
    }
    if !is_git || !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
    decoded.split_once(':').map(|(_, password)| password.to_owned())
}

async fn identify(credential: &str, state: &ApiState) -> Result<Caller, ApiError> {
    let caller = if api_token::is_api_token(credential) {
        by_token(api_token::hash(credential), state).await?
    } else {
        match state.access_tokens.verify(credential) {
            Some(claims) => {
                by_session(&claims.sid, state).await?.filter(|caller| caller.user.id == claims.sub)
            }
            None => None,
        }
    };
    caller.ok_or(ApiError::InvalidCredential)
}

async fn by_session(id: &SessionId, state: &ApiState) -> Result<Option<Caller>, ApiError> {
    let user = state.store.user_of_live_session(id, clock::now()).await?;
    Ok(user.map(|user| Caller {
        scope: user.role,
        user,
        credential: Credential::Session(id.clone()),
    }))
}

async fn by_token(secret_hash: String, state: &ApiState) -> Result<Option<Caller>, ApiError> {
    let now = clock::now();
    let Some((token, user)) = state.store.token_by_hash(&secret_hash, now).await? else {
        return Ok(None);
    };
    if token.last_used_at.is_none_or(|last| now.since(last) >= TOUCHED_EVERY) {
        state.store.touch_token(&token.id, now).await?;
    }
    Ok(Some(Caller {
        scope: token.scope,
        user,
        credential: Credential::Token {
            id: token.id,
            name: token.name,
            secret_hash,
            app: token.app_id,
        },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_header(value: &str, is_git: bool) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        credential(&headers, is_git)
    }

    #[test]
    fn a_credential_is_a_bearer_and_for_git_also_the_password_of_basic() {
        assert_eq!(from_header("Bearer slp_x", false).as_deref(), Some("slp_x"));
        let basic = |text: &str| format!("basic {}", STANDARD.encode(text));
        assert_eq!(from_header(&basic("git:slp_x"), true).as_deref(), Some("slp_x"));
        assert_eq!(from_header(&basic(":a:b"), true).as_deref(), Some("a:b"));
        assert_eq!(from_header(&basic("git:slp_x"), false), None);
        for nothing in ["Digest x", "slp_x", "Basic %%%", "Basic"] {
            assert_eq!(from_header(nothing, true), None, "{nothing}");
        }
    }
}
