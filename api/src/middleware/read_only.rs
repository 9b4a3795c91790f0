//! While the disk is full, only what makes room again is let through.

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::error::ApiError;
use crate::state::ApiState;

/// Changes that are taken on a full disk, besides deleting: whoever makes room has to sign in, and
/// a fetch is a `POST` that changes nothing.
const LET_THROUGH: [&str; 4] =
    ["/v1/login", "/v1/refresh", "/v1/logout", "/git/{app}/git-upload-pack"];
/// What git asks before it pushes; refused here, its text reaches the pusher.
const ABOUT_TO_PUSH: &str = "service=git-receive-pack";

/// Refuses what a full disk has no room for.
pub async fn refuse(State(state): State<ApiState>, request: Request, next: Next) -> Response {
    if state.store.is_read_only() && needs_room(&request) {
        return ApiError::ReadOnly.into_response();
    }
    next.run(request).await
}

fn needs_room(request: &Request) -> bool {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    match *request.method() {
        Method::GET | Method::HEAD | Method::OPTIONS => {
            request.uri().query().is_some_and(|query| query.contains(ABOUT_TO_PUSH))
        }
        Method::DELETE => false,
        _ => !LET_THROUGH.contains(&route),
    }
}
