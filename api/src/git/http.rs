//! The three routes of smart HTTP.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use slipway_core::wire::auth::Scope;
use slipway_store::App;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use utoipa::IntoParams;

use crate::auth::permission::{Deploy, InApp, Read};
use crate::error::ApiError;
use crate::extract::Query;
use crate::git::exchange::{Bounds, exchange};
use crate::git::hook::{PUSH, SOCKET};
use crate::git::hooks::Hooks;
use crate::git::judge::socket_path;
use crate::git::pushes::Push;
use crate::git::repository::{Repository, configuration};
use crate::state::ApiState;

const ADVERTISE_DEADLINE: Duration = Duration::from_secs(30);
const FETCH_DEADLINE: Duration = Duration::from_mins(15);
/// A request of `git fetch` is a list of what both sides have.
const FETCH_REQUEST_BYTES: u64 = 8 * 1024 * 1024;
/// What a push may send besides its pack.
const PUSH_COMMANDS_BYTES: u64 = 1024 * 1024;
const RETRY_AFTER_S: u64 = 10;

/// A service of git's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Service {
    #[serde(rename = "git-receive-pack")]
    Receive,
    #[serde(rename = "git-upload-pack")]
    Upload,
}

impl Service {
    fn name(self) -> &'static str {
        match self {
            Self::Receive => "git-receive-pack",
            Self::Upload => "git-upload-pack",
        }
    }

    /// The subcommand of git.
    fn verb(self) -> &'static str {
        match self {
            Self::Receive => "receive-pack",
            Self::Upload => "upload-pack",
        }
    }

    fn needs(self) -> Scope {
        match self {
            Self::Receive => Scope::Deploy,
            Self::Upload => Scope::Read,
        }
    }

    fn request_type(self) -> String {
        format!("application/x-{}-request", self.name())
    }

    fn result_type(self) -> String {
        format!("application/x-{}-result", self.name())
    }
}

/// Which service's refs are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Advertisement {
    /// `git-receive-pack` or `git-upload-pack`.
    #[param(value_type = String)]
    service: Service,
}

/// Lists a repository's refs, the first step of a push and of a fetch. A push needs `deploy`.
#[utoipa::path(get, path = "/git/{app}/info/refs", operation_id = "git_refs", tag = "git",
    params(("app" = String, Path, description = "`shop.git` or `shop`"), Advertisement),
    responses((status = 200, description = "Refs, in git's own form")),
    security(("credential" = ["read"])))]
pub async fn advertise(
    State(state): State<ApiState>,
    InApp { caller, app, .. }: InApp<Read>,
    Query(Advertisement { service }): Query<Advertisement>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    caller.require(service.needs())?;
    let _slot = slot(&state)?;
    let repository = repository(&state, &app).await?;
    let modern = service == Service::Upload && speaks_version_2(&headers);
    let mut command = served(&repository, service, modern);
    command.arg("--advertise-refs").arg(repository.git().directory()).stdout(Stdio::piped());
    let git = tokio::process::Command::from(command).kill_on_drop(true).output();
    let output = timeout(ADVERTISE_DEADLINE, git)
        .await
        .map_err(|_| ApiError::TimedOut)?
        .context("start git")
        .and_then(|output| {
            ensure!(output.status.success(), "git {}: {}", service.verb(), output.status);
            Ok(output)
        })
        .map_err(ApiError::Internal)?;
    let mut body = if modern { Vec::new() } else { announcement(service).into_bytes() };
    body.extend(output.stdout);
    answer(&format!("application/x-{}-advertisement", service.name()), Body::from(body))
}

/// Takes a push. The answer lasts until the deployment is live or has ended, and tells it live.
#[utoipa::path(post, path = "/git/{app}/git-receive-pack", operation_id = "git_push", tag = "git",
    params(("app" = String, Path, description = "`shop.git` or `shop`")),
    request_body(content_type = "application/x-git-receive-pack-request"),
    responses((status = 200, description = "What git says, with the deployment's lines")),
    security(("credential" = ["deploy"])))]
pub async fn receive(
    State(state): State<ApiState>,
    InApp { caller, app, .. }: InApp<Deploy>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let limits = &state.settings.limits;
    let bounds = Bounds {
        request_bytes: limits.source_bytes + PUSH_COMMANDS_BYTES,
        standstill: limits.standstill,
        deadline: limits.git_time,
        outlives_client: true,
    };
    check_request(Service::Receive, &headers, bounds.request_bytes)?;
    let slot = slot(&state)?;
    let repository = repository(&state, &app).await?;
    let mut command = served(&repository, Service::Receive, false);
    command.arg(repository.git().directory());
    let underway = state.pushes.begin(Push {
        app_id: app.id,
        deploy_branch: app.deploy_branch,
        repository,
        by: caller.actor(),
    });
    command.env(SOCKET, socket_path(&state)).env(PUSH, underway.secret());
    let said = exchange(&state, command, body, bounds, (underway, slot)).await?;
    answer(&Service::Receive.result_type(), said)
}

/// Serves a fetch or a clone.
#[utoipa::path(post, path = "/git/{app}/git-upload-pack", operation_id = "git_fetch", tag = "git",
    params(("app" = String, Path, description = "`shop.git` or `shop`")),
    request_body(content_type = "application/x-git-upload-pack-request"),
    responses((status = 200, description = "What git says")),
    security(("credential" = ["read"])))]
pub async fn upload(
    State(state): State<ApiState>,
    InApp { app, .. }: InApp<Read>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let bounds = Bounds {
        request_bytes: FETCH_REQUEST_BYTES,
        standstill: state.settings.limits.standstill,
        deadline: FETCH_DEADLINE,
        outlives_client: false,
    };
    check_request(Service::Upload, &headers, bounds.request_bytes)?;
    let slot = slot(&state)?;
    let repository = repository(&state, &app).await?;
    let mut command = served(&repository, Service::Upload, speaks_version_2(&headers));
    command.arg(repository.git().directory());
    let said = exchange(&state, command, body, bounds, slot).await?;
    answer(&Service::Upload.result_type(), said)
}

/// A git command that serves one stateless request.
fn served(repository: &Repository, service: Service, modern: bool) -> Command {
    let mut command = repository.git().command();
    command.args([service.verb(), "--stateless-rpc"]);
    if modern {
        command.env("GIT_PROTOCOL", "version=2");
    }
    command
}

async fn repository(state: &ApiState, app: &App) -> Result<Repository, ApiError> {
    let directory = state.data_dir.repository(&app.id);
    let hooks = Hooks::directory(&state.data_dir);
    let config = configuration(&hooks, state.settings.limits.source_bytes);
    let id = app.id.clone();
    tokio::task::spawn_blocking(move || Repository::ensure(&directory, &id, &config))
        .await
        .map_err(ApiError::internal)?
        .map_err(ApiError::Internal)
}

fn slot(state: &ApiState) -> Result<OwnedSemaphorePermit, ApiError> {
    Arc::clone(&state.git_slots)
        .try_acquire_owned()
        .map_err(|_| ApiError::Busy { what: "git", retry_after_s: RETRY_AFTER_S })
}

fn check_request(service: Service, headers: &HeaderMap, most: u64) -> Result<(), ApiError> {
    let sent = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if sent != Some(service.request_type().as_str()) {
        let expected = match service {
            Service::Receive => "application/x-git-receive-pack-request",
            Service::Upload => "application/x-git-upload-pack-request",
        };
        return Err(ApiError::UnsupportedBody { expected });
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    match length.and_then(|length| length.parse::<u64>().ok()) {
        Some(length) if length > most => Err(ApiError::TooLarge { limit: most }),
        _ => Ok(()),
    }
}

fn speaks_version_2(headers: &HeaderMap) -> bool {
    headers.get("git-protocol").is_some_and(|value| value == "version=2")
}

/// The service line that comes before the refs, counted, and the flush after it.
fn announcement(service: Service) -> String {
    let line = format!("# service={}\n", service.name());
    format!("{:04x}{line}0000", line.len() + 4)
}

fn answer(content_type: &str, body: Body) -> Result<Response, ApiError> {
    let content_type = HeaderValue::from_str(content_type).map_err(ApiError::internal)?;
    let uncached = HeaderValue::from_static("no-cache, max-age=0, must-revalidate");
    let headers = [(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, uncached)];
    Ok((headers, body).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_announcement_counts_itself() {
        assert_eq!(announcement(Service::Receive), "001f# service=git-receive-pack\n0000");
    }
}
