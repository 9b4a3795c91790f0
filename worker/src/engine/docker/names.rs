//! Names of containers and networks: deterministic, so that an interrupted step is found again.

use slipway_core::id::{AppId, Id, InstanceId};
use slipway_core::instance::InstanceSpec;
use slipway_core::name::AppName;

const SPARE: &str = "sw-spare-";

/// The container that runs an instance.
pub fn instance(spec: &InstanceSpec) -> String {
    format!("sw-{}-{}-{}", spec.app, spec.process, spec.id.short())
}

/// The sandbox an instance has claimed. The name is the claim.
pub fn claimed_sandbox(id: &InstanceId) -> String {
    format!("sw-net-{}", id.short())
}

/// The `number`th sandbox of an app that no instance has claimed yet.
pub fn spare_sandbox(app_id: &AppId, number: usize) -> String {
    format!("{SPARE}{}-{number}", short(app_id))
}

/// Whether a sandbox of this name is unclaimed.
pub fn is_spare(name: &str) -> bool {
    name.starts_with(SPARE)
}

/// An app's network.
pub fn network(app_id: &AppId, app: &AppName) -> String {
    format!("sw-{app}-{}", short(app_id))
}

/// The last eight characters of an app's id, which are random.
fn short(app_id: &AppId) -> &str {
    let text = app_id.as_str();
    &text[text.len() - 8..]
}
