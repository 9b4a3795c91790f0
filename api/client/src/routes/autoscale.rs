//! Scaling by itself.

use slipway_core::autoscale::AutoscaleSettings;
use slipway_core::name::{AppName, ProcessName};
use slipway_core::wire::autoscale::{AppAutoscale, AutoscaleInfo, SimulateRequest, Simulation};

use crate::call::Call;
use crate::client::Client;
use crate::error::ClientError;

impl Client {
    /// What an app scales by itself, with the newest decisions.
    pub async fn autoscale(&self, app: &AppName) -> Result<AppAutoscale, ClientError> {
        self.fetch(Call::get(&["v1", "apps", app.as_str(), "autoscale"])).await
    }

    /// How one process scales by itself.
    pub async fn autoscale_of(
        &self,
        app: &AppName,
        process: &ProcessName,
    ) -> Result<AutoscaleInfo, ClientError> {
        self.fetch(Call::get(&["v1", "apps", app.as_str(), "autoscale", process.as_str()])).await
    }

    /// Lets a process scale by itself, or changes how.
    pub async fn set_autoscale(
        &self,
        app: &AppName,
        process: &ProcessName,
        settings: &AutoscaleSettings,
    ) -> Result<AutoscaleInfo, ClientError> {
        let path = ["v1", "apps", app.as_str(), "autoscale", process.as_str()];
        self.fetch(Call::put(&path).json(settings)).await
    }

    /// Leaves a process at the count it has.
    pub async fn unset_autoscale(
        &self,
        app: &AppName,
        process: &ProcessName,
    ) -> Result<(), ClientError> {
        let path = ["v1", "apps", app.as_str(), "autoscale", process.as_str()];
        self.perform(Call::delete(&path)).await
    }

    /// What the autoscaler would have done with what was measured.
    pub async fn simulate_autoscale(
        &self,
        app: &AppName,
        process: &ProcessName,
        request: &SimulateRequest,
    ) -> Result<Simulation, ClientError> {
        let path = ["v1", "apps", app.as_str(), "autoscale", process.as_str(), "simulate"];
        self.fetch(Call::post(&path).json(request)).await
    }
}
