//! The console: Slipway in a browser.
//!
//! ```text
//! browser ──cookie──▶ console ──bearer token──▶ API
//! ```
//!
//! Pages are made here, on the server, from what the typed client of the API answers, and work as
//! they are; a script of our own saves reloads and follows what is live. The console holds no state of its own but a minute's memory of renewed sessions
//! (see [`session::renewals`]), and it can do nothing that the signed-in person's API token cannot.
//!
//! Every form passes [`guard`], every answer passes [`headers`], and every text that a template
//! shows is escaped by it.

mod assets;
mod behalf;
mod console;
mod dotenv;
mod failure;
mod guard;
mod headers;
mod pages;
mod relay;
mod return_path;
mod routes;
mod session;
mod templates;
mod view;
mod visit;
mod visitor;

use axum::Router;
use slipway_client::{ClientError, InvalidServerUrl};

use crate::console::Console;

/// Where the console finds the API, and where people find the console.
#[derive(Clone)]
pub struct WebSettings {
    /// The API's own address, as the console reaches it: `http://127.0.0.1:8090`.
    pub api_url: String,
    /// The address that people type and git pushes to: `https://slipway.example.com`.
    pub public_url: String,
    /// What the API of the same process knows the console by. A console that runs apart has none: its
    /// API is told its address.
    pub secret: Option<String>,
}

/// Why the console cannot start.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    #[error(transparent)]
    Address(#[from] InvalidServerUrl),
    #[error("cannot make the console's client of the API: {0}")]
    Client(#[from] ClientError),
    #[error("cannot load the console's templates: {0}")]
    Templates(#[from] tera::Error),
}

/// The console's routes. They can be merged with the API's: none of them begins with `/v1`, `/git`,
/// `/docs`, `/openapi.json`, `/healthz` or `/readyz`, and there is no fallback.
///
/// # Errors
/// When an address is not one, or a template is broken.
pub fn router(settings: WebSettings) -> Result<Router, WebError> {
    Console::new(settings).map(routes::router)
}
