//! API tokens: what git, scripts and CI sign in with.

use axum::extract::Path;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use slipway_core::id::TokenId;
use slipway_core::name::AppName;
use slipway_core::time::Timestamp;
use slipway_core::wire::auth::{NewToken, Scope, Token, TokenRequest};

use crate::failure::Failure;
use crate::guard::Guarded;
use crate::templates::View;
use crate::view::moment::Moment;
use crate::visit::{Page, Visit};

/// The tokens, and the secret of the one that was just made.
#[derive(Debug, Serialize)]
pub struct TokensPage {
    tokens: Vec<TokenRow>,
    made: Option<MadeToken>,
    scopes: Vec<ScopeChoice>,
}

#[derive(Debug, Serialize)]
struct MadeToken {
    name: String,
    secret: String,
}

#[derive(Debug, Serialize)]
struct TokenRow {
    id: String,
    name: String,
    scope: &'static str,
    app: Option<String>,
    owner: String,
    created: Moment,
    used: Option<Moment>,
    /// The day of its end.
    expires: Option<String>,
}

/// A scope or role, with what it permits.
#[derive(Debug, Serialize)]
pub struct ScopeChoice {
    name: &'static str,
    permits: &'static str,
}

impl TokensPage {
    /// As somebody sees it who may do so much.
    pub fn new(tokens: Vec<Token>, made: Option<NewToken>, may: Scope, now: Timestamp) -> Self {
        Self {
            tokens: tokens.into_iter().map(|token| row(token, now)).collect(),
            made: made.map(|made| MadeToken { name: made.token.name, secret: made.secret }),
            scopes: choices(may),
        }
    }
}

/// The scopes up to one, from which people choose.
pub fn choices(most: Scope) -> Vec<ScopeChoice> {
    let choice = |scope: Scope| ScopeChoice { name: scope.as_str(), permits: permits(scope) };
    Scope::ALL.into_iter().filter(|scope| *scope <= most).map(choice).collect()
}

fn permits(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "see everything but configuration values",
        Scope::Deploy => "also push, deploy and roll back",
        Scope::Write => "also change apps",
        Scope::Admin => "also manage people, tokens and the server",
    }
}

fn row(token: Token, now: Timestamp) -> TokenRow {
    TokenRow {
        id: token.id.to_string(),
        name: token.name,
        scope: token.scope.as_str(),
        app: token.app.map(|app| app.to_string()),
        owner: token.owner.to_string(),
        created: Moment::new(token.created_at, now),
        used: token.last_used_at.map(|at| Moment::new(at, now)),
        expires: token.expires_at.map(|at| Moment::new(at, now).date),
    }
}

impl View for TokensPage {
    const TEMPLATE: &'static str = "tokens.html";
}

#[derive(Deserialize)]
pub struct TokenForm {
    name: String,
    scope: Scope,
    app: String,
    /// Days; empty is never.
    expires: String,
}

impl TokenForm {
    fn request(&self) -> Result<TokenRequest, Failure> {
        let refuse = |what: &str| Failure::UnreadableForm(what.to_owned());
        let app = (!self.app.trim().is_empty()).then(|| self.app.trim().parse::<AppName>());
        let expires = (!self.expires.is_empty()).then(|| self.expires.parse::<u32>());
        Ok(TokenRequest {
            name: self.name.trim().to_owned(),
            scope: self.scope,
            app: app.transpose().map_err(|_| refuse("this is no app's name"))?,
            expires_in_days: expires.transpose().map_err(|_| refuse("these are no days"))?,
        })
    }
}

/// The form has nothing but its token: the address says it all.
#[derive(Deserialize)]
pub struct RevokeForm {}

/// Shows the tokens.
pub async fn show(mut visit: Visit) -> Response {
    let page = load(&mut visit, None).await;
    visit.answer(page)
}

async fn load(visit: &mut Visit, made: Option<NewToken>) -> Result<Page<TokensPage>, Failure> {
    let (tokens, status) = visit
        .ask(|client| async move { tokio::try_join!(client.tokens(), client.status()) })
        .await?;
    let view = TokensPage::new(tokens, made, visit.scope(), status.now);
    Ok(Page { view, status, refresh_s: None })
}

/// Makes a token and shows its secret, which nothing else will.
pub async fn create(mut visit: Visit, Guarded(form): Guarded<TokenForm>) -> Response {
    let page = make(&mut visit, &form).await;
    visit.answer(page)
}

async fn make(visit: &mut Visit, form: &TokenForm) -> Result<Page<TokensPage>, Failure> {
    let request = form.request()?;
    let made = visit
        .ask(|client| {
            let request = request.clone();
            async move { client.create_token(&request).await }
        })
        .await?;
    load(visit, Some(made)).await
}

/// Ends a token.
pub async fn revoke(mut visit: Visit, Path(id): Path<String>, _: Guarded<RevokeForm>) -> Response {
    let to = end(&mut visit, &id).await;
    visit.lead(to)
}

async fn end(visit: &mut Visit, id: &str) -> Result<String, Failure> {
    let id: TokenId = id.parse().map_err(|_| Failure::NotFound)?;
    visit
        .ask(|client| {
            let id = id.clone();
            async move { client.revoke_token(&id).await }
        })
        .await?;
    Ok("/tokens".to_owned())
}
