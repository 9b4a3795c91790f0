//! Every route of the console, on one page.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use tower_http::timeout::TimeoutLayer;

use crate::console::Console;
use crate::pages::{app, apps, claim, deployment, not_found, sign_in, sign_out};
use crate::{assets, guard, headers};

/// The largest form is an address and a password.
const FORM_BYTES: usize = 16 * 1024;
/// Longer than the client's own deadline for the API.
const PAGE_DEADLINE: Duration = Duration::from_secs(40);

/// The console's pages.
///
/// It has no fallback, which it would take from the API in the same process; instead the places
/// where people mistype an address have a page that says so.
pub fn router(console: Arc<Console>) -> Router {
    Router::new()
        .route("/", get(apps::show))
        .route("/apps/{app}", get(app::show))
        .route("/deployments/{id}", get(deployment::show))
        .route("/claim", get(claim::ask).post(claim::accept))
        .route("/sign-in", get(sign_in::ask).post(sign_in::accept))
        .route("/sign-out", post(sign_out::accept))
        .route("/assets/{file}", get(assets::serve))
        .route("/{page}", get(not_found::show))
        .route("/apps/{app}/{*page}", get(not_found::show))
        .route("/deployments/{id}/{*page}", get(not_found::show))
        .method_not_allowed_fallback(not_found::wrong_method)
        .layer(from_fn_with_state(Arc::clone(&console), guard::refuse_foreign))
        .layer(DefaultBodyLimit::max(FORM_BYTES))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, PAGE_DEADLINE))
        .layer(from_fn(headers::secure))
        .with_state(console)
}
