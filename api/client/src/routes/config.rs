//! Configuration values.

use slipway_core::name::{AppName, ConfigKey};
use slipway_core::wire::config::{ConfigChanged, ConfigList, ConfigPatch, ConfigValue};

use crate::call::Call;
use crate::client::Client;
use crate::error::ClientError;

impl Client {
    /// An app's configuration keys, without their values.
    pub async fn config(&self, app: &AppName) -> Result<ConfigList, ClientError> {
        self.fetch(Call::get(&["v1", "apps", app.as_str(), "config"])).await
    }

    /// Sets and unsets values. With `if_match`, an [`etag`](ConfigList::etag), the change is
    /// refused with 412 when somebody else changed the configuration since.
    pub async fn change_config(
        &self,
        app: &AppName,
        patch: &ConfigPatch,
        if_match: Option<&str>,
    ) -> Result<ConfigChanged, ClientError> {
        let mut call = Call::patch(&["v1", "apps", app.as_str(), "config"]).json(patch);
        if let Some(etag) = if_match {
            call = call.header("if-match", etag);
        }
        self.fetch(call).await
    }

    /// One value in the clear. The server writes down who asked.
    pub async fn config_value(
        &self,
        app: &AppName,
        key: &ConfigKey,
    ) -> Result<ConfigValue, ClientError> {
        self.fetch(Call::get(&["v1", "apps", app.as_str(), "config", key.as_str()])).await
    }
}
