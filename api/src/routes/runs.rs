//! One-off commands, in instances of their own or in those that run.

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use slipway_core::id::{AppId, Id as _, JobId};
use slipway_core::instance::InstanceState;
use slipway_core::wire::attach::Attach;
use slipway_core::wire::run::{ExecInfo, ExecRequest, RunInfo, RunRequest};
use slipway_store::{App, Instance, JobKind, JobRow, JobState};

use crate::auth::permission::{InApp, Read, Write};
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::idempotency::IdempotencyKey;
use crate::live::attach::{NoWebSocket, attach_to, check_origin};
use crate::live::run::send;
use crate::live::sse::{last_event_id, stream};
use crate::serve::Connection;
use crate::state::ApiState;
use crate::view;

const MAX_WORDS: usize = 1000;
const MAX_BYTES: usize = 32 * 1024;
const MAX_TIMEOUT_S: u32 = 24 * 60 * 60;
const MAX_TERMINAL_KIND: usize = 64;

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
    check(&request.command, request.timeout_s)?;
    request.attach.as_ref().map_or(Ok(()), check_terminal)?;
    let began = key.once(&state, &caller, &request, async || {
        let live = view::release::live(&state, &app).await?;
        let job = JobKind::Run {
            app_id: app.id.clone(),
            release_id: live.id,
            command: request.command.clone(),
            timeout_s: request.timeout_s,
            attach: request.attach.clone(),
            instance_id: None,
        };
        let id = state.store.enqueue(job, &app.id).await?;
        Ok(RunInfo { id, version: live.version })
    });
    Ok((StatusCode::ACCEPTED, axum::Json(began.await?.answer())))
}

/// Runs a command in an instance that runs, for whoever attaches to it.
#[utoipa::path(post, path = "/v1/apps/{app}/exec", operation_id = "create_exec", tag = "apps",
    params(("app" = String, Path), IdempotencyKey), request_body = ExecRequest,
    responses((status = 202, body = ExecInfo)), security(("credential" = ["write"])))]
pub async fn exec(
    State(state): State<ApiState>,
    InApp { caller, app, .. }: InApp<Write>,
    key: IdempotencyKey,
    Json(request): Json<ExecRequest>,
) -> Result<(StatusCode, axum::Json<ExecInfo>), ApiError> {
    check(&request.command, request.timeout_s)?;
    check_terminal(&request.attach)?;
    let began = key.once(&state, &caller, &request, async || {
        let instance = meant(&state, &app, &request).await?;
        let short = instance.id.short().to_owned();
        let job = JobKind::Run {
            app_id: app.id.clone(),
            release_id: instance.release_id,
            command: request.command.clone(),
            timeout_s: request.timeout_s,
            attach: Some(request.attach.clone()),
            instance_id: Some(instance.id),
        };
        let id = state.store.enqueue(job, &app.id).await?;
        Ok(ExecInfo { id, process: instance.process, instance: short })
    });
    Ok((StatusCode::ACCEPTED, axum::Json(began.await?.answer())))
}

/// Attaches to a command that waits for it: a WebSocket of binary messages, each a frame.
#[utoipa::path(get, path = "/v1/apps/{app}/runs/{id}/attach", operation_id = "attach_run",
    tag = "apps", params(("app" = String, Path), ("id" = String, Path)),
    responses((status = 101, description = "A WebSocket: a first byte says what a message is. \
        To the command: 0 input, 1 end of input, 2 window size (rows and columns, 16 bits each). \
        From it: 10 output, 11 error output, 12 input taken (32 bits), 13 exit code (64 bits), \
        14 failure (JSON with `message` and `hint`). Numbers are big endian; at most 32 KiB a \
        message, and 256 KiB of input that was not taken")),
    security(("credential" = ["write"])))]
pub async fn attach(
    State(state): State<ApiState>,
    InApp { caller, app, .. }: InApp<Write>,
    Path(names): Path<(String, String)>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, NoWebSocket>,
) -> Result<Response, ApiError> {
    let (_, id) = names;
    let job = run_of(&state, &app.id, &id).await?;
    check_origin(&state, &headers)?;
    let waits = matches!(job.state, JobState::Queued | JobState::Running) && job.kind.is_attached();
    if !waits {
        let message = "there is nothing to attach to: the command has ended, or runs by itself";
        return Err(ApiError::conflict("not_attachable", message, "run it again"));
    }
    let upgrade = upgrade.map_err(|_| {
        ApiError::Malformed("this address takes a WebSocket, and the request asks for none".into())
    })?;
    attach_to(&state, caller, &job.id, upgrade).await
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
    let job = run_of(&state, &app.id, &id).await?;
    let resume = last_event_id(&headers)?;
    let connection = connection.map(|Extension(connection)| connection);
    let follower = state.clone();
    Ok(stream(&state, caller, connection, move |reader| {
        send(follower, app.id, job.id, resume, reader)
    }))
}

/// The run of this app.
async fn run_of(state: &ApiState, app: &AppId, id: &str) -> Result<JobRow, ApiError> {
    let not_found = || ApiError::not_found("run", id);
    let job: JobId = id.parse().map_err(|_| not_found())?;
    let job = state.store.job(&job).await?.ok_or_else(not_found)?;
    let is_run = job.app_id == *app && matches!(job.kind, JobKind::Run { .. });
    if is_run { Ok(job) } else { Err(not_found()) }
}

/// The instance that is meant: the one that is named, else the newest ready one of the process.
async fn meant(state: &ApiState, app: &App, request: &ExecRequest) -> Result<Instance, ApiError> {
    let instances = state.store.instances(&app.id).await?;
    if let Some(name) = &request.instance {
        let is_named =
            |instance: &Instance| name == instance.id.short() || name == instance.id.as_str();
        let found = instances.into_iter().rfind(is_named);
        return found.ok_or_else(|| ApiError::not_found("instance", name));
    }
    let live = view::release::live(state, app).await?;
    let runs = |instance: &Instance| {
        instance.release_id == live.id
            && matches!(instance.state, InstanceState::Ready | InstanceState::Unready)
    };
    let wanted = |instance: &Instance| match &request.process {
        Some(process) => instance.process == *process,
        None => true,
    };
    let running = instances.into_iter().filter(|instance| runs(instance) && wanted(instance));
    // Readiness before age, and without a name the process that serves before the others.
    let best = running.max_by_key(|instance| {
        let ready = instance.state == InstanceState::Ready;
        (ready, instance.process.is_web(), instance.created_at)
    });
    best.ok_or_else(|| {
        let what = request.process.as_ref().map_or("of it".into(), |name| format!("of `{name}`"));
        let message = format!("no instance {what} runs");
        ApiError::conflict("nothing_running", message, "run `slipway ps`, or use `slipway run`")
    })
}

fn check_terminal(attach: &Attach) -> Result<(), ApiError> {
    let Some(terminal) = &attach.terminal else { return Ok(()) };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-+._".contains(c);
    let kind = &terminal.kind;
    if (1..=MAX_TERMINAL_KIND).contains(&kind.len()) && kind.chars().all(is_plain) {
        return Ok(());
    }
    let message = "that is not a kind of terminal";
    Err(ApiError::invalid("invalid_terminal", message, "for example `xterm-256color`"))
}

fn check(command: &[String], timeout_s: Option<u32>) -> Result<(), ApiError> {
    let invalid = |message: &str| {
        ApiError::invalid(
            "invalid_command",
            message,
            "for example `slipway run python manage.py shell`",
        )
    };
    let bytes: usize = command.iter().map(String::len).sum();
    if command.iter().all(|word| word.trim().is_empty()) {
        return Err(invalid("there is no command to run"));
    }
    if command.len() > MAX_WORDS || bytes > MAX_BYTES {
        return Err(invalid("the command is too long"));
    }
    if command.iter().any(|word| word.contains('\0')) {
        return Err(invalid("the command contains a NUL byte"));
    }
    if timeout_s.is_some_and(|seconds| !(1..=MAX_TIMEOUT_S).contains(&seconds)) {
        let message = format!("a command may take 1 to {MAX_TIMEOUT_S} s");
        return Err(ApiError::invalid("invalid_timeout", message, "leave it out for one hour"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use slipway_core::wire::attach::{Terminal, WindowSize};

    use super::*;

    #[test]
    fn a_command_is_checked_before_anything_happens() {
        let run = |command: &[&str], timeout_s: Option<u32>| {
            let command: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
            check(&command, timeout_s)
        };
        assert!(run(&["python", "manage.py", "migrate", ""], Some(60)).is_ok());
        for bad in [&[][..], &[""], &["  "], &["a\0b"], &["x"; MAX_WORDS + 1]] {
            assert!(run(bad, None).is_err(), "{bad:?}");
        }
        assert!(run(&["x"], Some(0)).is_err());
        assert!(run(&["x"], Some(MAX_TIMEOUT_S + 1)).is_err());
    }

    #[test]
    fn a_kind_of_terminal_is_a_plain_word() {
        let of = |kind: &str| {
            let window = WindowSize { rows: 24, columns: 80 };
            let terminal = Some(Terminal { kind: kind.to_owned(), window });
            check_terminal(&Attach { terminal }).is_ok()
        };
        assert!(of("xterm-256color") && of("tmux") && check_terminal(&Attach::default()).is_ok());
        for bad in ["", "a b", "x\n", "a=b", &"x".repeat(MAX_TERMINAL_KIND + 1)] {
            assert!(!of(bad), "{bad:?}");
        }
    }
}
