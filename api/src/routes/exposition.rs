//! What is measured, for Prometheus.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use slipway_core::telemetry::exposition::{Format, text};
use slipway_core::telemetry::{Family, bound, catalogue};

use crate::auth::permission::{Everywhere, Read};
use crate::error::ApiError;
use crate::measurements::of_worker;
use crate::state::ApiState;

/// Tells all that is measured, as a scraper reads it.
#[utoipa::path(get, path = "/metrics", operation_id = "metrics", tag = "server",
    responses((status = 200, description = "Prometheus' text format, or OpenMetrics for whoever \
        accepts `application/openmetrics-text`", content_type = "text/plain")),
    security(("credential" = ["read"])))]
pub async fn expose(
    State(state): State<ApiState>,
    _: Everywhere<Read>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let format = Format::accepted(accept.unwrap_or_default());
    let mut up = Family::of(&catalogue::WORKER_UP);
    let mut families = match of_worker(&state).await {
        Ok(families) => {
            up.add(&[], 1.0);
            families
        }
        Err(error) => {
            tracing::warn!(%error, "the worker does not tell what it measures");
            up.add(&[], 0.0);
            Vec::new()
        }
    };
    families.push(up);
    families.extend(state.tally.families());
    bound(&mut families);
    Ok(([(header::CONTENT_TYPE, format.content_type())], text(&families, format)).into_response())
}
