//! Deployments.

use slipway_core::deployment::Deployment;
use slipway_core::name::AppName;
use slipway_core::release::Source;
use slipway_core::wire::deployment::DeploymentInfo;

use crate::error::ApiError;
use crate::state::ApiState;

/// A deployment with the number of its release.
///
/// # Errors
/// When the database does not answer.
pub async fn describe(
    state: &ApiState,
    app: &AppName,
    deployment: Deployment,
) -> Result<DeploymentInfo, ApiError> {
    let version = match &deployment.release_id {
        Some(id) => state.store.release(id).await?.map(|release| release.version),
        None => None,
    };
    Ok(info(app, deployment, version))
}

/// Deployments of one app, with the numbers of their releases.
///
/// # Errors
/// When the database does not answer.
pub async fn describe_all(
    state: &ApiState,
    app: &AppName,
    deployments: Vec<Deployment>,
) -> Result<Vec<DeploymentInfo>, ApiError> {
    let Some(first) = deployments.first() else { return Ok(Vec::new()) };
    let versions = state.store.release_versions(&first.app_id).await?;
    let described = deployments.into_iter().map(|deployment| {
        let version = deployment.release_id.as_ref().and_then(|id| versions.get(id)).copied();
        info(app, deployment, version)
    });
    Ok(described.collect())
}

fn info(app: &AppName, deployment: Deployment, version: Option<u32>) -> DeploymentInfo {
    DeploymentInfo {
        id: deployment.id,
        app: app.clone(),
        sequence: deployment.sequence,
        kind: deployment.kind,
        hint: deployment.state.reason().map(|reason| reason.code.hint().to_owned()),
        state: deployment.state,
        version,
        source: deployment.source.as_ref().map(Source::summary),
        description: deployment.description,
        created_by: deployment.created_by,
        created_at: deployment.created_at,
        finished_at: deployment.finished_at,
        receipt: deployment.receipt,
    }
}
