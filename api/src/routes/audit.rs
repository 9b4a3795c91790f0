//! The audit log.

use axum::extract::State;
use serde::Deserialize;
use slipway_core::id::AuditId;
use slipway_core::wire::audit::AuditEntry;
use slipway_store::AuditRow;
use utoipa::IntoParams;

use crate::auth::permission::{Admin, Everywhere};
use crate::error::ApiError;
use crate::extract::Query;
use crate::state::ApiState;

const LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 1000;

/// Which part of the log.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Most rows, 100 when not given, at most 1000.
    limit: Option<u32>,
    /// Only rows before this one.
    #[param(value_type = Option<String>)]
    before: Option<AuditId>,
}

/// Lists who did what, newest first.
#[utoipa::path(get, path = "/v1/audit", operation_id = "list_audit", tag = "server",
    params(AuditQuery), responses((status = 200, body = Vec<AuditEntry>)),
    security(("credential" = ["admin"])))]
pub async fn list(
    State(state): State<ApiState>,
    _: Everywhere<Admin>,
    Query(query): Query<AuditQuery>,
) -> Result<axum::Json<Vec<AuditEntry>>, ApiError> {
    let limit = query.limit.unwrap_or(LIMIT).clamp(1, MAX_LIMIT);
    let rows = state.store.audit(limit, query.before.as_ref()).await?;
    Ok(axum::Json(rows.into_iter().map(entry).collect()))
}

fn entry(row: AuditRow) -> AuditEntry {
    AuditEntry {
        id: row.id,
        at: row.at,
        actor: row.actor,
        token: row.token,
        address: row.address,
        action: row.action,
        target: row.target,
        result: row.result,
        request_id: row.request_id,
    }
}
