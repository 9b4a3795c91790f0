//! Instances and wanted counts.

use slipway_core::name::AppName;
use slipway_core::wire::process::{InstanceInfo, Scale, ScaleRequest};

use crate::call::Call;
use crate::client::Client;
use crate::error::ClientError;

impl Client {
    /// An app's instances.
    pub async fn instances(&self, app: &AppName) -> Result<Vec<InstanceInfo>, ClientError> {
        self.fetch(Call::get(&["v1", "apps", app.as_str(), "instances"])).await
    }

    /// The wanted counts of an app's processes.
    pub async fn scale(&self, app: &AppName) -> Result<Scale, ClientError> {
        self.fetch(Call::get(&["v1", "apps", app.as_str(), "scale"])).await
    }

    /// Sets wanted counts; processes not named keep theirs.
    pub async fn set_scale(
        &self,
        app: &AppName,
        request: &ScaleRequest,
    ) -> Result<Scale, ClientError> {
        self.fetch(Call::put(&["v1", "apps", app.as_str(), "scale"]).json(request)).await
    }
}
