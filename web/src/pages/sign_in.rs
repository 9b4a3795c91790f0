//! Signing in with a password.

use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use slipway_client::ClientError;
use slipway_core::name::Email;
use slipway_core::wire::auth::LoginRequest;

use crate::guard::Guarded;
use crate::return_path::ReturnPath;
use crate::templates::View;
use crate::view::prose::{Piece, sentence};
use crate::visitor::{Visitor, refusal};

/// The form, empty or as it was sent.
#[derive(Debug, Default, Serialize)]
pub struct SignInPage {
    pub email: String,
    /// What is against it.
    pub error: Option<Vec<Piece>>,
    /// The path to go to.
    pub next: String,
}

impl View for SignInPage {
    const TEMPLATE: &'static str = "sign_in.html";
}

#[derive(Debug, Deserialize)]
pub struct Asked {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub struct SignInForm {
    email: String,
    password: String,
    next: String,
}

/// Shows the form.
pub async fn ask(visitor: Visitor, Query(asked): Query<Asked>) -> Response {
    let next = ReturnPath::parse(&asked.next).to_string();
    visitor.answer(StatusCode::OK, &SignInPage { next, ..SignInPage::default() })
}

/// Signs in, or shows the form with what is against it.
pub async fn accept(visitor: Visitor, Guarded(form): Guarded<SignInForm>) -> Response {
    let return_to = ReturnPath::parse(&form.next);
    let again = |error: &str| SignInPage {
        email: form.email.clone(),
        error: Some(sentence(error)),
        next: return_to.to_string(),
    };
    let email: Email = match form.email.parse() {
        Ok(email) => email,
        Err(error) => return visitor.answer(StatusCode::UNPROCESSABLE_ENTITY, &again(error.rule)),
    };
    let request = LoginRequest { email, password: form.password.clone() };
    match visitor.client().login(&request).await {
        Ok(session) => visitor.welcome(&session, &return_to),
        Err(error) => visitor.answer(refusal(&error), &again(&explained(&error))),
    }
}

/// What the API says, with the time to wait when there is one.
fn explained(error: &ClientError) -> String {
    if let ClientError::Api { retry_after: Some(wait), .. } = error {
        format!("{error}; try again in {} s", wait.as_secs())
    } else {
        error.to_string()
    }
}
