//! Addresses where nothing is.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use axum_extra::extract::CookieJar;

use crate::console::Console;
use crate::failure::Failure;

/// An address that people may have mistyped.
pub async fn show(State(console): State<Arc<Console>>, jar: CookieJar) -> Response {
    let session = console.cookies.session(&jar);
    Failure::NotFound.into_page(&console, session.as_ref())
}

/// An address that only takes other methods.
pub async fn wrong_method(State(console): State<Arc<Console>>, jar: CookieJar) -> Response {
    let session = console.cookies.session(&jar);
    Failure::WrongMethod.into_page(&console, session.as_ref())
}
