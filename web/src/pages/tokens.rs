//! API tokens: what git, scripts and CI sign in with.

use axum::extract::Path;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use slipway_core::id::TokenId;
use slipway_core::name::AppName;
use slipway_core::time::Timestamp;
use slipway_core::wire::auth::{NewToken, Scope, Token, TokenRequest};

use crate::failure::{Failure, Refusal};
use crate::guard::Guarded;
use crate::templates::View;
use crate::view::moment::Moment;
use crate::visit::{Page, Visit};

/// The tokens, the secret of the one that was just made, and the form for one more.
#[derive(Debug, Serialize)]
pub struct TokensPage {
    tokens: Vec<TokenRow>,
    made: Option<MadeToken>,
    scopes: Vec<ScopeChoice>,
    endings: Vec<Ending>,
    form: TokenForm,
    refusal: Option<Refusal>,
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

/// When a token may end.
#[derive(Debug, Serialize)]
struct Ending {
    days: &'static str,
    label: &'static str,
}

const ENDINGS: [(&str, &str); 4] =
    [("30", "in 30 days"), ("90", "in 90 days"), ("365", "in a year"), ("", "never")];

impl TokensPage {
    /// As somebody sees it who may do so much.
    pub fn new(tokens: Vec<Token>, made: Option<NewToken>, may: Scope, now: Timestamp) -> Self {
        Self {
            tokens: tokens.into_iter().map(|token| row(token, now)).collect(),
            made: made.map(|made| MadeToken { name: made.token.name, secret: made.secret }),
            scopes: choices(may),
            endings: ENDINGS.map(|(days, label)| Ending { days, label }).into(),
            form: TokenForm::new(may),
            refusal: None,
        }
    }

    /// The same with this in its form, and what speaks against it.
    #[must_use]
    pub fn with_form(self, form: TokenForm, refusal: Refusal) -> Self {
        Self { form, refusal: Some(refusal), ..self }
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

/// What somebody typed.
#[derive(Debug, Serialize, Deserialize)]
pub struct TokenForm {
    name: String,
    scope: Scope,
    app: String,
    /// Days; empty is never.
    expires: String,
}

impl TokenForm {
    /// An empty one, for somebody who may do so much.
    fn new(may: Scope) -> Self {
        let expires = "90".to_owned();
        Self { name: String::new(), scope: may.min(Scope::Deploy), app: String::new(), expires }
    }

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
    let page = match make(&mut visit, &form).await.map_err(Failure::into_refusal) {
        Ok(made) => load(&mut visit, Some(made)).await,
        Err(Ok(refusal)) => {
            let page = load(&mut visit, None).await;
            page.map(|page| Page { view: page.view.with_form(form, refusal), ..page })
        }
        Err(Err(failure)) => Err(failure),
    };
    visit.answer(page)
}

async fn make(visit: &mut Visit, form: &TokenForm) -> Result<NewToken, Failure> {
    let request = form.request()?;
    visit
        .ask(|client| {
            let request = request.clone();
            async move { client.create_token(&request).await }
        })
        .await
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
