//! The domains of an app: names that it answers at beside the one it was given.

use axum::extract::State;
use axum::http::StatusCode;
use slipway_core::domain::{Domain, InvalidDomain, ReservedName};
use slipway_core::wire::domain::{DomainAdded, DomainInfo, DomainRequest};
use slipway_store::{DomainRow, NewDomain};

use crate::auth::permission::{InApp, Read, Write};
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::idempotency::IdempotencyKey;
use crate::state::ApiState;
use crate::view;

/// Lists an app's domains, and what DNS has to say for each.
#[utoipa::path(get, path = "/v1/apps/{app}/domains", operation_id = "list_domains", tag = "apps",
    params(("app" = String, Path)),
    responses((status = 200, body = Vec<DomainInfo>)), security(("credential" = ["read"])))]
pub async fn list(
    State(state): State<ApiState>,
    InApp { app, .. }: InApp<Read>,
) -> Result<axum::Json<Vec<DomainInfo>>, ApiError> {
    let rows = state.store.domains(&app.id).await?;
    Ok(axum::Json(rows.into_iter().map(|row| described(&state, row)).collect()))
}

/// Adds a domain to an app. The proxy answers at it within seconds, and instances are replaced so
/// that their environment names it. Adding one that the app has already changes nothing.
#[utoipa::path(post, path = "/v1/apps/{app}/domains", operation_id = "add_domain", tag = "apps",
    params(("app" = String, Path), IdempotencyKey), request_body = DomainRequest,
    responses((status = 201, body = DomainAdded)), security(("credential" = ["write"])))]
pub async fn add(
    State(state): State<ApiState>,
    InApp { caller, app, .. }: InApp<Write>,
    key: IdempotencyKey,
    Json(request): Json<DomainRequest>,
) -> Result<(StatusCode, axum::Json<DomainAdded>), ApiError> {
    let domain: Domain = request.domain.parse()?;
    state.settings.reserved.check(&domain)?;
    let added = key.once(&state, &caller, &request, async || {
        let new = NewDomain {
            app_id: app.id.clone(),
            domain: domain.clone(),
            by: caller.actor(),
            log_start: state.logs.end(&app.id).await?,
        };
        let outcome = state.store.add_domain(new).await?;
        let deployment = match outcome.deployment {
            Some(deployment) => {
                Some(view::deployment::describe(&state, &app.name, deployment).await?)
            }
            None => None,
        };
        Ok(DomainAdded { domain: described(&state, outcome.row), deployment })
    });
    Ok((StatusCode::CREATED, axum::Json(added.await?.answer())))
}

/// Removes a domain from an app; another one may have it then.
#[utoipa::path(delete, path = "/v1/apps/{app}/domains/{domain}", operation_id = "remove_domain",
    tag = "apps", params(("app" = String, Path), ("domain" = String, Path)),
    responses((status = 204, description = "Removed")), security(("credential" = ["write"])))]
pub async fn remove(
    State(state): State<ApiState>,
    InApp { caller, app, .. }: InApp<Write>,
    Path(names): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let (_, name) = names;
    let not_found = || ApiError::not_found("domain", &name);
    let domain: Domain = name.parse().map_err(|_| not_found())?;
    if state.store.remove_domain(&app.id, &domain, &caller.actor()).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(not_found())
    }
}

fn described(state: &ApiState, row: DomainRow) -> DomainInfo {
    DomainInfo {
        url: state.settings.url_at(row.domain.as_hostname()),
        dns: format!("point an A, AAAA or CNAME record of `{}` at this server", row.domain),
        domain: row.domain,
        added_at: row.added_at,
        added_by: row.added_by,
    }
}

impl From<InvalidDomain> for ApiError {
    fn from(error: InvalidDomain) -> Self {
        Self::invalid("invalid_domain", error.to_string(), error.problem.hint())
    }
}

impl From<ReservedName> for ApiError {
    fn from(error: ReservedName) -> Self {
        Self::invalid("domain_reserved", error.to_string(), ReservedName::HINT)
    }
}
