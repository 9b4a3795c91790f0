//! One-off commands.

use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use slipway_core::id::JobId;
use slipway_core::wire::run::{RunInfo, RunRequest};
use slipway_store::{JobKind, JobRow};

use crate::auth::permission::{InApp, Read, Write};
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::idempotency::IdempotencyKey;
use crate::live::run::send;
use crate::live::sse::{last_event_id, stream};
use crate::serve::Connection;
use crate::state::ApiState;
use crate::view;

const MAX_WORDS: usize = 1000;
const MAX_BYTES: usize = 32 * 1024;
const MAX_TIMEOUT_S: u32 = 24 * 60 * 60;

/// Runs a command once, in a new instance of the live release.
#[utoipa::path(post, path = "/v1/apps/{app}/runs", operation_id = "create_run", tag = "apps",
    params(("app" = String, Path), IdempotencyKey), request_body = RunRequest,
    responses((status = 202, body = RunInfo)), security(("credential" = ["write"])))]
pub async fn create(
    State(state): State<ApiState>,
    InApp { caller, app, .. }: InApp<Write>,
    key: IdempotencyKey,
    Json(request): Json<RunRequest>,
) -> Result<(StatusCode, axum::Json<RunInfo>), ApiError> {
    check(&request)?;
    let began = key.once(&state, &caller, &request, async || {
        let live = view::release::live(&state, &app).await?;
        let job = JobKind::Run {
            app_id: app.id.clone(),
            release_id: live.id,
            command: request.command.clone(),
            timeout_s: request.timeout_s,
        };
        let id = state.store.enqueue(job, &app.id).await?;
        Ok(RunInfo { id, version: live.version })
    });
    Ok((StatusCode::ACCEPTED, axum::Json(began.await?.answer())))
}

/// Streams what a one-off command prints, until it has ended.
#[utoipa::path(get, path = "/v1/apps/{app}/runs/{id}/stream", operation_id = "follow_run",
    tag = "apps", params(("app" = String, Path), ("id" = String, Path)),
    responses((status = 200, description = "Events, each a `RunUpdate`",
        content_type = "text/event-stream")),
    security(("credential" = ["read"])))]
pub async fn follow(
    State(state): State<ApiState>,
    InApp { caller, app, .. }: InApp<Read>,
    Path(names): Path<(String, String)>,
    connection: Option<Extension<Connection>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (_, id) = names;
    let not_found = || ApiError::not_found("run", &id);
    let job: JobId = id.parse().map_err(|_| not_found())?;
    let job = state.store.job(&job).await?.ok_or_else(not_found)?;
    let is_run = |job: &JobRow| job.app_id == app.id && matches!(job.kind, JobKind::Run { .. });
    if !is_run(&job) {
        return Err(not_found());
    }
    let resume = last_event_id(&headers)?;
    let connection = connection.map(|Extension(connection)| connection);
    let follower = state.clone();
    Ok(stream(&state, caller, connection, move |reader| {
        send(follower, app.id, job.id, resume, reader)
    }))
}

fn check(request: &RunRequest) -> Result<(), ApiError> {
    let invalid = |message: &str| {
        ApiError::invalid(
            "invalid_command",
            message,
            "for example `slipway run python manage.py shell`",
        )
    };
    let bytes: usize = request.command.iter().map(String::len).sum();
    if request.command.iter().all(|word| word.trim().is_empty()) {
        return Err(invalid("there is no command to run"));
    }
    if request.command.len() > MAX_WORDS || bytes > MAX_BYTES {
        return Err(invalid("the command is too long"));
    }
    if request.command.iter().any(|word| word.contains('\0')) {
        return Err(invalid("the command contains a NUL byte"));
    }
    if request.timeout_s.is_some_and(|seconds| !(1..=MAX_TIMEOUT_S).contains(&seconds)) {
        let message = format!("a command may take 1 to {MAX_TIMEOUT_S} s");
        return Err(ApiError::invalid("invalid_timeout", message, "leave it out for one hour"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_checked_before_anything_happens() {
        let run = |command: &[&str], timeout_s: Option<u32>| {
            let command = command.iter().map(|word| (*word).to_owned()).collect();
            check(&RunRequest { command, timeout_s })
        };
        assert!(run(&["python", "manage.py", "migrate", ""], Some(60)).is_ok());
        for bad in [&[][..], &[""], &["  "], &["a\0b"], &["x"; MAX_WORDS + 1]] {
            assert!(run(bad, None).is_err(), "{bad:?}");
        }
        assert!(run(&["x"], Some(0)).is_err());
        assert!(run(&["x"], Some(MAX_TIMEOUT_S + 1)).is_err());
    }
}
