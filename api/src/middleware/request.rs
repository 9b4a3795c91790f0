//! The request's id and its span.

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::state::ApiState;

/// The header that carries the id back.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The id of one request, made here: what a client sends is not taken over.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Gives the request an id and a span, and logs and counts how it ended.
pub async fn identify(State(state): State<ApiState>, mut request: Request, next: Next) -> Response {
    let id = format!("{:032x}", rand::random::<u128>());
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or("-", MatchedPath::as_str);
    let method = request.method().clone();
    let span = tracing::info_span!("request", id, %method, route);
    request.extensions_mut().insert(RequestId(id.clone()));
    let began = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let status = response.status().as_u16();
    state.tally.count(&method, route, status, began.elapsed());
    span.in_scope(|| tracing::debug!(status, duration_ms, "answered {status}"));
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}
