//! Docker as the worker's host: what it asks for besides instances and images.

use std::path::Path;

use slipway_core::id::AppId;
use slipway_core::name::AppName;

use super::Docker;
use super::call::LOOK_UP;
use crate::context::Host;
use crate::engine::EngineError;

impl Host for Docker {
    async fn prepare(&self, app_id: &AppId, app: &AppName, instances: usize) {
        if let Err(error) = Self::prepare(self, app_id, app, instances).await {
            tracing::debug!(%app, %error, "could not prepare for an app's instances");
        }
    }

    async fn forget(&self, app_id: &AppId) -> Result<(), EngineError> {
        self.remove_app(app_id).await
    }

    fn storage(&self) -> Option<&Path> {
        self.shared.host.storage.as_deref()
    }

    async fn describe(&self) -> Result<String, EngineError> {
        let version =
            self.call("asking for Docker's version", LOOK_UP, self.client.version()).await?;
        Ok(format!("Docker {}", version.version.as_deref().unwrap_or("of an unknown version")))
    }
}
