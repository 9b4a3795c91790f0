//! Joining by a link, or setting a new password by one.
//!
//! The link's secret is behind its `#`, so it reaches no server and no log on the way here. The
//! page's script moves it into the form; without a script people paste the link themselves.

use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use slipway_core::wire::member::{JoinRequest, pasted_token};

use crate::guard::Guarded;
use crate::return_path::ReturnPath;
use crate::templates::View;
use crate::view::prose::{Piece, sentence};
use crate::visitor::{Visitor, refusal};

/// The form, empty: what was sent is not sent back.
#[derive(Debug, Default, Serialize)]
pub struct JoinPage {
    /// What is against what was sent.
    pub error: Option<Vec<Piece>>,
    pub hint: Option<Vec<Piece>>,
}

impl View for JoinPage {
    const TEMPLATE: &'static str = "join.html";
}

#[derive(Deserialize)]
pub struct JoinForm {
    /// The link, or its token alone.
    link: String,
    password: String,
}

/// Shows the form.
pub async fn ask(visitor: Visitor) -> Response {
    visitor.answer(StatusCode::OK, &JoinPage::default())
}

/// Joins and signs in, or shows the form with what is against it.
pub async fn accept(visitor: Visitor, Guarded(form): Guarded<JoinForm>) -> Response {
    let token = pasted_token(&form.link).to_owned();
    let request = JoinRequest { token, password: form.password };
    match visitor.client().join(&request).await {
        Ok(session) => visitor.welcome(&session, &ReturnPath::parse("/")),
        Err(error) => {
            let hint = error.hint().as_deref().map(sentence);
            let page = JoinPage { error: Some(sentence(&error.to_string())), hint };
            visitor.answer(refusal(&error), &page)
        }
    }
}
