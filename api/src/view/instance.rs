//! Instances.

use slipway_core::id::{AppId, Id as _};
use slipway_core::wire::process::InstanceInfo;
use slipway_store::Instance;

use crate::error::ApiError;
use crate::state::ApiState;

/// An app's instances that are not gone, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(state: &ApiState, app: &AppId) -> Result<Vec<InstanceInfo>, ApiError> {
    let versions = state.store.release_versions(app).await?;
    let instances = state.store.instances(app).await?;
    let version = |instance: &Instance| versions.get(&instance.release_id).copied();
    Ok(instances
        .into_iter()
        .map(|instance| info(version(&instance).unwrap_or_default(), instance))
        .collect())
}

fn info(version: u32, instance: Instance) -> InstanceInfo {
    InstanceInfo {
        id: instance.id.as_str().to_owned(),
        short: instance.id.short().to_owned(),
        process: instance.process,
        version,
        state: instance.state,
        in_proxy: instance.in_proxy,
        restarts: instance.restarts,
        created_at: instance.created_at,
        ready_at: instance.ready_at,
        reason: instance.reason,
    }
}
