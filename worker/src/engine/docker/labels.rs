//! The labels that say whose an object is. Names are for people; labels decide.

use std::collections::HashMap;

use slipway_core::id::{AppId, InstallationId};

/// The installation an object belongs to. Nothing without it is ever touched.
pub const INSTALLATION: &str = "slipway.installation";
/// What an object is for: one of the roles below.
pub const ROLE: &str = "slipway.role";
/// The app's id.
pub const APP: &str = "slipway.app";
/// The app's name when the object was made, for people.
pub const APP_NAME: &str = "slipway.app-name";
/// The instance's id.
pub const INSTANCE: &str = "slipway.instance";
/// The process type's name.
pub const PROCESS: &str = "slipway.process";
/// The release's id.
pub const RELEASE: &str = "slipway.release";
/// The deployment an image was built for.
pub const DEPLOYMENT: &str = "slipway.deployment";
/// The port an instance is expected on; absent without one.
pub const PORT: &str = "slipway.port";
/// Digest of the specification an instance was made from.
pub const SPEC: &str = "slipway.spec";

/// How long an instance is meant to run: `service` or `one-off`.
pub const LIFETIME: &str = "slipway.lifetime";
/// Value of `LIFETIME` for an instance that runs once.
pub const ONE_OFF: &str = "one-off";
/// Value of `LIFETIME` for an instance that comes back by itself.
pub const SERVICE: &str = "service";

/// Role of a container that runs an instance.
pub const ROLE_INSTANCE: &str = "instance";
/// Role of a container that holds a network namespace open, and of its image.
pub const ROLE_SANDBOX: &str = "sandbox";
/// Role of an app's network.
pub const ROLE_NETWORK: &str = "network";

/// The labels every object of an app carries.
pub fn of_app(
    installation: &InstallationId,
    app_id: &AppId,
    role: &str,
) -> HashMap<String, String> {
    [(INSTALLATION, installation.to_string()), (APP, app_id.to_string()), (ROLE, role.to_owned())]
        .map(|(key, value)| (key.to_owned(), value))
        .into()
}

/// A list filter for objects that carry all of these labels, in the engine's own form.
pub fn filter(wanted: &[(&str, &str)]) -> HashMap<String, Vec<String>> {
    let labels = wanted.iter().map(|(key, value)| format!("{key}={value}")).collect();
    HashMap::from([("label".to_owned(), labels)])
}
