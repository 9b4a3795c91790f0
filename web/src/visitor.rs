//! A request of somebody who need not be signed in, to a page with a form.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;
use slipway_client::{Client, ClientError};
use slipway_core::wire::auth::Session;

use crate::behalf;
use crate::console::Console;
use crate::failure::Failure;
use crate::return_path::ReturnPath;
use crate::session::{BrowserSession, lifetime, new_form_token};
use crate::templates::{Frame, View};

/// Somebody, with the token that their forms carry.
pub struct Visitor {
    console: Arc<Console>,
    client: Client,
    form_token: String,
    /// Whether the browser does not have the token yet.
    is_new: bool,
}

impl Visitor {
    /// The API, signed in as nobody.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// A page with a form.
    pub fn answer<V: View>(self, status: StatusCode, view: &V) -> Response {
        let frame = Frame::with_form(&self.console, self.form_token.clone());
        let response = match self.console.templates.render(&frame, view) {
            Ok(html) => (status, html).into_response(),
            Err(error) => return Failure::from(error).into_page(&self.console, None),
        };
        if self.is_new {
            let cookie = self.console.cookies.keep_form_token(&self.form_token);
            (CookieJar::new().add(cookie), response).into_response()
        } else {
            response
        }
    }

    /// Begins a session in this browser and goes where the person wanted to.
    pub fn welcome(self, session: &Session, return_to: &ReturnPath) -> Response {
        let begun = BrowserSession::begin(session);
        let cookie = self.console.cookies.keep_session(&begun, lifetime(session));
        (CookieJar::new().add(cookie), Redirect::to(return_to.as_str())).into_response()
    }
}

/// The status of a page that shows a form again, with what the API says against it.
pub fn refusal(error: &ClientError) -> StatusCode {
    error
        .status()
        .and_then(|status| StatusCode::from_u16(status).ok())
        .filter(StatusCode::is_client_error)
        .unwrap_or(StatusCode::BAD_GATEWAY)
}

impl FromRequestParts<Arc<Console>> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        console: &Arc<Console>,
    ) -> Result<Self, Infallible> {
        let known = console.cookies.form_token(&CookieJar::from_headers(&parts.headers));
        let is_new = known.is_none();
        let form_token = known.unwrap_or_else(new_form_token);
        let client = behalf::client(console, parts);
        Ok(Self { console: Arc::clone(console), client, form_token, is_new })
    }
}
