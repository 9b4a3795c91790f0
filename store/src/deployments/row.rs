//! A deployment's row.

use slipway_core::deployment::{Deployment, DeploymentState};
use slipway_core::id::Id;
use sqlx::any::AnyRow;

use crate::db::{Columns, Json, WriteTx, json};
use crate::error::StoreError;

/// Writes a deployment that is queued.
pub(super) async fn insert(tx: &mut WriteTx, deployment: &Deployment) -> Result<(), StoreError> {
    let archive = deployment.source.as_ref().and_then(|source| source.archive());
    statement!(
        "deployments/insert",
        deployment.id.as_str(),
        deployment.app_id.as_str(),
        i64::from(deployment.sequence),
        deployment.kind.as_str(),
        deployment.created_at.0,
        deployment.deadline.map(|at| at.0),
        deployment.target_release_id.as_ref().map(Id::as_str),
        deployment.source.as_ref().map(json),
        archive.map(Id::as_str),
        &deployment.description,
        &deployment.created_by,
        i64::try_from(deployment.log_start).unwrap_or(i64::MAX)
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Reads a deployment.
pub(super) fn deployment(row: &AnyRow) -> Result<Deployment, StoreError> {
    Ok(Deployment {
        id: row.col("id")?,
        app_id: row.col("app_id")?,
        sequence: row.col("sequence")?,
        kind: row.col("kind")?,
        state: state(row)?,
        state_since: row.col("state_since_ms")?,
        deadline: row.col("deadline_ms")?,
        release_id: row.col("release_id")?,
        previous_release_id: row.col("previous_release_id")?,
        target_release_id: row.col("target_release_id")?,
        source: row.col::<Option<Json<_>>>("source")?.map(|source| source.0),
        description: row.col("description")?,
        created_by: row.col("created_by")?,
        created_at: row.col("created_at_ms")?,
        finished_at: row.col("finished_at_ms")?,
        log_start: row.col("log_start")?,
        receipt: row.col::<Option<Json<_>>>("receipt")?.map(|receipt| receipt.0),
    })
}

fn state(row: &AnyRow) -> Result<DeploymentState, StoreError> {
    let name: String = row.col("state")?;
    let reason: Option<Json<_>> = row.col("reason")?;
    DeploymentState::from_parts(&name, reason.map(|reason| reason.0)).ok_or_else(|| {
        let problem = format!("`{name}` is not a state of a deployment");
        StoreError::Corrupt { column: "state".to_owned(), problem }
    })
}
