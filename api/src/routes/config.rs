//! Configuration values.

use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use slipway_core::name::ConfigKey;
use slipway_core::wire::config::{ConfigChanged, ConfigList, ConfigPatch, ConfigValue};

use crate::auth::permission::{InApp, Read, Write};
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::middleware::trail::Trail;
use crate::state::ApiState;
use crate::view;

/// Lists an app's keys, without their values.
#[utoipa::path(get, path = "/v1/apps/{app}/config", operation_id = "list_config",
    tag = "apps", params(("app" = String, Path)),
    responses((status = 200, body = ConfigList)), security(("credential" = ["read"])))]
pub async fn list(
    State(state): State<ApiState>,
    InApp { app, .. }: InApp<Read>,
) -> Result<Response, ApiError> {
    let (entries, etag) = state.store.config_entries(&app.id).await?;
    Ok((etag_header(&etag)?, axum::Json(ConfigList { entries, etag })).into_response())
}

/// Sets and unsets values. When something is live, a new release carries them.
#[utoipa::path(patch, path = "/v1/apps/{app}/config", operation_id = "change_config",
    tag = "apps",
    params(("app" = String, Path),
        ("if-match" = Option<String>, Header, description = "The etag the change was made from")),
    request_body = ConfigPatch,
    responses((status = 200, body = ConfigChanged)), security(("credential" = ["write"])))]
pub async fn change(
    State(state): State<ApiState>,
    InApp { caller, app, .. }: InApp<Write>,
    headers: HeaderMap,
    Json(patch): Json<ConfigPatch>,
) -> Result<Response, ApiError> {
    let if_match = if_match(&headers)?;
    let log_start = state.logs.end(&app.id).await?;
    let outcome = state
        .store
        .change_config(
            &app.id,
            &patch.values,
            &state.keys,
            if_match.as_deref(),
            &caller.actor(),
            log_start,
        )
        .await?;
    let deployment = match outcome.deployment {
        Some(deployment) => Some(view::deployment::describe(&state, &app.name, deployment).await?),
        None => None,
    };
    let changed = ConfigChanged { etag: outcome.etag, deployment };
    Ok((etag_header(&changed.etag)?, axum::Json(changed)).into_response())
}

/// Reveals one value. It is written down who asked.
#[utoipa::path(get, path = "/v1/apps/{app}/config/{key}", operation_id = "reveal_config",
    tag = "apps", params(("app" = String, Path), ("key" = String, Path)),
    responses((status = 200, body = ConfigValue)), security(("credential" = ["write"])))]
pub async fn reveal(
    State(state): State<ApiState>,
    InApp { app, .. }: InApp<Write>,
    Extension(trail): Extension<Trail>,
    Path(names): Path<(String, String)>,
) -> Result<axum::Json<ConfigValue>, ApiError> {
    trail.reveals();
    let (_, key) = names;
    let not_found = || ApiError::not_found("configuration key", &key);
    let key: ConfigKey = key.parse().map_err(|_| not_found())?;
    let value =
        state.store.config_value(&app.id, &key, &state.keys).await?.ok_or_else(not_found)?;
    Ok(axum::Json(ConfigValue { key, value }))
}

fn etag_header(etag: &str) -> Result<[(header::HeaderName, HeaderValue); 1], ApiError> {
    let quoted = HeaderValue::from_str(&format!("\"{etag}\"")).map_err(ApiError::internal)?;
    Ok([(header::ETAG, quoted)])
}

/// The etag that the caller saw; quoted as HTTP has it, or bare. `*` matches whatever there is.
fn if_match(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let value = value
        .to_str()
        .map_err(|_| ApiError::Malformed("`If-Match` holds something unprintable".to_owned()))?
        .trim();
    if value == "*" {
        return Ok(None);
    }
    let bare = value.strip_prefix('"').and_then(|it| it.strip_suffix('"')).unwrap_or(value);
    Ok(Some(bare.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_may_be_quoted_or_bare() {
        for (sent, meant) in [("\"abc\"", Some("abc")), ("abc", Some("abc")), ("*", None)] {
            let headers = HeaderMap::from_iter([(header::IF_MATCH, sent.parse().unwrap())]);
            assert_eq!(if_match(&headers).unwrap().as_deref(), meant);
        }
        assert_eq!(if_match(&HeaderMap::new()).unwrap(), None);
    }
}
