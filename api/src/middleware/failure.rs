//! Errors and panics become answers here, and nowhere else.

use std::any::Any;
use std::sync::Arc;

use anyhow::anyhow;
use axum::Json;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use slipway_core::wire::error::ErrorBody;

use crate::error::{ApiError, Failure};
use crate::middleware::request::RequestId;

/// Writes the body of every answer of 400 and above, and logs our own failures, once.
pub async fn render(request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let is_git = request.uri().path().starts_with("/git/");
    let response = next.run(request).await;
    let Some(error) = failure_of(&response) else { return response };
    if let ApiError::Internal(cause) = error.as_ref() {
        tracing::error!(request_id = id, error = format!("{cause:#}"), "a request failed");
    }
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::CONTENT_TYPE);
    if parts.status == StatusCode::UNAUTHORIZED {
        let scheme = if is_git { r#"Basic realm="Slipway", charset="UTF-8""# } else { "Bearer" };
        parts.headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
    }
    if is_git {
        (parts, text(&error)).into_response()
    } else {
        (parts, json(&error, id)).into_response()
    }
}

/// The answer to a panic in a handler.
pub fn of_panic(panic: Box<dyn Any + Send>) -> Response<Body> {
    let text = panic
        .downcast::<String>()
        .map(|text| *text)
        .or_else(|panic| panic.downcast::<&str>().map(|text| (*text).to_owned()));
    let text = text.unwrap_or_else(|_| "it carried no text".to_owned());
    ApiError::Internal(anyhow!("panic: {text}")).into_response()
}

/// The error that an answer carries. The framework's own refusals carry none and get one by their
/// status, so that they read like ours.
fn failure_of(response: &Response) -> Option<Arc<ApiError>> {
    if let Some(Failure(error)) = response.extensions().get::<Failure>() {
        return Some(Arc::clone(error));
    }
    let error = match response.status() {
        StatusCode::NOT_FOUND => ApiError::NoSuchRoute,
        StatusCode::METHOD_NOT_ALLOWED => ApiError::MethodNotAllowed,
        StatusCode::GATEWAY_TIMEOUT => ApiError::TimedOut,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            ApiError::UnsupportedBody { expected: "gzip, or plain" }
        }
        status if status.is_client_error() => {
            let words = status.canonical_reason().unwrap_or("refused").to_lowercase();
            ApiError::Malformed(format!("the request was refused: {words}"))
        }
        status if status.is_server_error() => ApiError::Internal(anyhow!("answered {status}")),
        _ => return None,
    };
    Some(Arc::new(error))
}

fn json(error: &ApiError, request_id: String) -> Json<ErrorBody> {
    Json(ErrorBody {
        code: error.code().to_owned(),
        message: error.public_message(),
        hint: error.hint(),
        request_id,
    })
}

/// What git shows to its user, line by line.
fn text(error: &ApiError) -> String {
    let hint = error.hint().map(|hint| format!("hint: {hint}\n")).unwrap_or_default();
    format!("error: {}\n{hint}", error.public_message())
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::middleware::from_fn;
    use axum::routing::get;
    use tower::ServiceExt as _;
    use tower_http::catch_panic::CatchPanicLayer;

    use super::*;

    async fn ask(path: &str) -> (StatusCode, String) {
        let app = Router::new()
            .route("/panic", get(async || -> String { panic!("the password is hunter2") }))
            .route("/git/panic", get(async || -> String { panic!("the password is hunter2") }))
            .layer(CatchPanicLayer::custom(of_panic))
            .layer(from_fn(render));
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        let response = app.oneshot(request).await.unwrap();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_panic_is_a_500_that_keeps_its_text_to_itself() {
        let (status, body) = ask("/panic").await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        let body: ErrorBody = serde_json::from_str(&body).unwrap();
        assert_eq!(
            (body.code.as_str(), body.message.as_str()),
            ("internal", "the server failed to do this")
        );
    }

    #[tokio::test]
    async fn git_is_answered_in_plain_text() {
        let (_, body) = ask("/git/panic").await;
        assert!(body.starts_with("error: the server failed to do this\nhint: "), "{body}");
    }
}
