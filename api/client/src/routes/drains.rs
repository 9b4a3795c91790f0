//! Receivers of an app's log lines.

use slipway_core::id::{DrainId, Id};
use slipway_core::name::AppName;
use slipway_core::wire::drain::{DrainInfo, DrainRequest, DrainTest};

use crate::call::Call;
use crate::client::Client;
use crate::error::ClientError;

impl Client {
    /// The receivers, and how each is doing.
    pub async fn drains(&self, app: &AppName) -> Result<Vec<DrainInfo>, ClientError> {
        self.fetch(Call::get(&["v1", "apps", app.as_str(), "drains"])).await
    }

    /// Adds a receiver; it gets what is written from now on.
    pub async fn add_drain(
        &self,
        app: &AppName,
        request: &DrainRequest,
    ) -> Result<DrainInfo, ClientError> {
        self.fetch(Call::create(&["v1", "apps", app.as_str(), "drains"]).json(request)).await
    }

    /// Removes a receiver.
    pub async fn remove_drain(&self, app: &AppName, id: &DrainId) -> Result<(), ClientError> {
        self.perform(Call::delete(&["v1", "apps", app.as_str(), "drains", id.as_str()])).await
    }

    /// Sends one line to a receiver; what came of it, within 15 s.
    pub async fn test_drain(&self, app: &AppName, id: &DrainId) -> Result<DrainTest, ClientError> {
        let segments = ["v1", "apps", app.as_str(), "drains", id.as_str(), "test"];
        self.fetch(Call::post(&segments)).await
    }
}
