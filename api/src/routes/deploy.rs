//! Deploying without git: an uploaded archive, or a ready image.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use slipway_core::deployment::{Deployment, DeploymentKind};
use slipway_core::id::{ReleaseId, SourceId};
use slipway_core::release::Source;
use slipway_core::wire::deployment::{DeployImage, DeploymentInfo};
use slipway_store::{App, NewDeployment, mint};
use utoipa::IntoParams;

use crate::auth::caller::Caller;
use crate::auth::permission::{Deploy, InApp};
use crate::error::ApiError;
use crate::extract::{Json, Query};
use crate::idempotency::IdempotencyKey;
use crate::state::ApiState;
use crate::upload::{Upload, receive};
use crate::view;

const MAX_DESCRIPTION_CHARACTERS: usize = 200;
const MAX_REFERENCE_BYTES: usize = 500;

/// What came with an archive.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ArchiveQuery {
    /// What it is, for people.
    description: Option<String>,
}

/// Deploys a directory: a gzipped tar of at most 500 MB.
#[utoipa::path(post, path = "/v1/apps/{app}/deploy/archive", operation_id = "deploy_archive",
    tag = "deployments", params(("app" = String, Path), ArchiveQuery, IdempotencyKey),
    request_body(content_type = "application/gzip"),
    responses((status = 202, body = DeploymentInfo)), security(("credential" = ["deploy"])))]
pub async fn archive(
    State(state): State<ApiState>,
    InApp { caller, app, .. }: InApp<Deploy>,
    key: IdempotencyKey,
    Query(query): Query<ArchiveQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, axum::Json<DeploymentInfo>), ApiError> {
    if headers.get(header::CONTENT_TYPE).is_none_or(|value| value != "application/gzip") {
        return Err(ApiError::UnsupportedBody { expected: "application/gzip" });
    }
    let description = described(query.description);
    let upload = receive(&state, &headers, body).await?;
    let request = UploadRequest { description: &description, sha256: &upload.sha256 };
    let began = key.once(&state, &caller, &request, async || {
        let source_id = keep(&state, &app, &upload).await?;
        let wanted = Wanted {
            kind: DeploymentKind::Upload,
            description: format!("deploy {description}"),
            source: Some(Source::Upload { source_id, description: description.clone() }),
            target: None,
        };
        begin(&state, &app, &caller, wanted).await
    });
    Ok((StatusCode::ACCEPTED, axum::Json(began.await?.answer())))
}

/// Deploys a ready image.
#[utoipa::path(post, path = "/v1/apps/{app}/deploy/image", operation_id = "deploy_image",
    tag = "deployments", params(("app" = String, Path), IdempotencyKey),
    request_body = DeployImage,
    responses((status = 202, body = DeploymentInfo)), security(("credential" = ["deploy"])))]
pub async fn image(
    State(state): State<ApiState>,
    InApp { caller, app, .. }: InApp<Deploy>,
    key: IdempotencyKey,
    Json(request): Json<DeployImage>,
) -> Result<(StatusCode, axum::Json<DeploymentInfo>), ApiError> {
    check_reference(&request.reference)?;
    let began = key.once(&state, &caller, &request, async || {
        let wanted = Wanted {
            kind: DeploymentKind::Image,
            description: format!("deploy {}", request.reference),
            source: Some(Source::Image { reference: request.reference.clone() }),
            target: None,
        };
        begin(&state, &app, &caller, wanted).await
    });
    Ok((StatusCode::ACCEPTED, axum::Json(began.await?.answer())))
}

/// What makes two uploads the same request.
#[derive(Serialize)]
struct UploadRequest<'a> {
    description: &'a str,
    sha256: &'a str,
}

/// A deployment that somebody asks for.
pub struct Wanted {
    pub kind: DeploymentKind,
    pub description: String,
    pub source: Option<Source>,
    /// The release that a rollback copies.
    pub target: Option<ReleaseId>,
}

/// Accepts a deployment: from here on it happens, whether or not anybody waits for it.
///
/// # Errors
/// When the app is being destroyed, or the database does not answer.
pub async fn begin(
    state: &ApiState,
    app: &App,
    caller: &Caller,
    wanted: Wanted,
) -> Result<DeploymentInfo, ApiError> {
    let log_start = state.logs.end(&app.id).await?;
    let deployment: Deployment = state
        .store
        .accept(NewDeployment {
            app_id: app.id.clone(),
            kind: wanted.kind,
            source: wanted.source,
            description: wanted.description,
            by: caller.actor(),
            log_start,
            target_release: wanted.target,
        })
        .await?;
    view::deployment::describe(state, &app.name, deployment).await
}

async fn keep(state: &ApiState, app: &App, upload: &Upload) -> Result<SourceId, ApiError> {
    let id: SourceId = mint::id();
    upload.keep_as(&state.data_dir.source(&id)).await.map_err(ApiError::Internal)?;
    state.store.record_source(&id, &app.id, upload.bytes, &upload.sha256).await?;
    Ok(id)
}

fn described(description: Option<String>) -> String {
    let description = description.unwrap_or_default();
    let plain: String = description
        .chars()
        .filter(|character| !character.is_control())
        .take(MAX_DESCRIPTION_CHARACTERS)
        .collect();
    if plain.trim().is_empty() { "an archive".to_owned() } else { plain.trim().to_owned() }
}

fn check_reference(reference: &str) -> Result<(), ApiError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:@".contains(&byte);
    let shaped = (1..=MAX_REFERENCE_BYTES).contains(&reference.len())
        && reference.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
        && reference.bytes().all(allowed);
    if shaped {
        Ok(())
    } else {
        let hint = "use `repository:tag`, `repository@sha256:…` or an image id";
        Err(ApiError::invalid("invalid_image", "that is not the name of an image", hint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_names_are_checked_before_anything_happens() {
        for good in ["nginx", "nginx:1.25", "registry.example.com:5000/team/app@sha256:ab12"] {
            assert!(check_reference(good).is_ok(), "{good}");
        }
        for bad in ["", "-v", "a b", "a;b", "$(x)", "a\nb", "../x", &"a".repeat(501)] {
            assert!(check_reference(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn descriptions_are_one_short_line() {
        assert_eq!(described(None), "an archive");
        assert_eq!(described(Some("a\u{1b}[31m\nb".to_owned())), "a[31mb");
        assert_eq!(described(Some("x".repeat(1000))).len(), MAX_DESCRIPTION_CHARACTERS);
    }
}
