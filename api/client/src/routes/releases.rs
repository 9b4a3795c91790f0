//! Releases and the way back.

use slipway_core::name::AppName;
use slipway_core::wire::deployment::{DeploymentInfo, RollbackRequest};
use slipway_core::wire::release::{ReleaseInfo, ReleaseSummary};

use crate::call::Call;
use crate::client::Client;
use crate::error::ClientError;

/// Which part of the history to list; the server's own limit and the newest, when not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReleasePage {
    /// Most releases to list.
    pub limit: Option<u32>,
    /// Lists releases with a lower number than this one.
    pub before: Option<u32>,
}

impl Client {
    /// An app's releases, newest first.
    pub async fn releases(
        &self,
        app: &AppName,
        page: ReleasePage,
    ) -> Result<Vec<ReleaseSummary>, ClientError> {
        let call = Call::get(&["v1", "apps", app.as_str(), "releases"])
            .query("limit", page.limit)
            .query("before", page.before);
        self.fetch(call).await
    }

    /// One release, and what differs between it and the live one.
    pub async fn release(&self, app: &AppName, version: u32) -> Result<ReleaseInfo, ClientError> {
        let version = version.to_string();
        self.fetch(Call::get(&["v1", "apps", app.as_str(), "releases", &version])).await
    }

    /// The release that a rollback without a number goes to.
    pub async fn rollback_target(&self, app: &AppName) -> Result<ReleaseInfo, ClientError> {
        self.fetch(Call::get(&["v1", "apps", app.as_str(), "rollback"])).await
    }

    /// Begins to take an app back to an older release.
    pub async fn roll_back(
        &self,
        app: &AppName,
        request: &RollbackRequest,
    ) -> Result<DeploymentInfo, ClientError> {
        self.fetch(Call::create(&["v1", "apps", app.as_str(), "rollback"]).json(request)).await
    }

    /// Begins to replace every instance of the live release with a fresh one.
    pub async fn restart(&self, app: &AppName) -> Result<DeploymentInfo, ClientError> {
        self.fetch(Call::create(&["v1", "apps", app.as_str(), "restart"])).await
    }
}
