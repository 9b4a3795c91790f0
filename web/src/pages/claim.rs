//! The first run: making the server one's own.

use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use slipway_core::name::Email;
use slipway_core::wire::auth::ClaimRequest;

use crate::guard::Guarded;
use crate::return_path::ReturnPath;
use crate::templates::View;
use crate::view::prose::{Piece, sentence};
use crate::visitor::{Visitor, refusal};

/// The form, empty or as it was sent. The claim token is not sent back.
#[derive(Debug, Default, Serialize)]
pub struct ClaimPage {
    pub email: String,
    /// What is against it.
    pub error: Option<Vec<Piece>>,
    pub hint: Option<Vec<Piece>>,
}

impl View for ClaimPage {
    const TEMPLATE: &'static str = "claim.html";
}

#[derive(Deserialize)]
pub struct ClaimForm {
    claim_token: String,
    email: String,
    password: String,
}

/// Shows the form.
pub async fn ask(visitor: Visitor) -> Response {
    visitor.answer(StatusCode::OK, &ClaimPage::default())
}

/// Claims the server and signs in, or shows the form with what is against it.
pub async fn accept(visitor: Visitor, Guarded(form): Guarded<ClaimForm>) -> Response {
    let again = |error: &str, hint: Option<String>| ClaimPage {
        email: form.email.clone(),
        error: Some(sentence(error)),
        hint: hint.as_deref().map(sentence),
    };
    let email: Email = match form.email.parse() {
        Ok(email) => email,
        Err(error) => {
            let page = again(error.rule, None);
            return visitor.answer(StatusCode::UNPROCESSABLE_ENTITY, &page);
        }
    };
    let claim_token = form.claim_token.trim().to_owned();
    let request = ClaimRequest { claim_token, email, password: form.password.clone() };
    match visitor.client().claim(&request).await {
        Ok(session) => visitor.welcome(&session, &ReturnPath::parse("/")),
        Err(error) => visitor.answer(refusal(&error), &again(&error.to_string(), error.hint())),
    }
}
