//! Apps.

use slipway_core::name::AppName;
use slipway_core::wire::app::{AppInfo, AppSummary, CreateApp};

use crate::call::Call;
use crate::client::Client;
use crate::error::ClientError;

impl Client {
    /// Every app one may see.
    pub async fn apps(&self) -> Result<Vec<AppSummary>, ClientError> {
        self.fetch(Call::get(&["v1", "apps"])).await
    }

    /// Creates an app.
    pub async fn create_app(&self, request: &CreateApp) -> Result<AppInfo, ClientError> {
        self.fetch(Call::create(&["v1", "apps"]).json(request)).await
    }

    /// One app.
    pub async fn app(&self, app: &AppName) -> Result<AppInfo, ClientError> {
        self.fetch(Call::get(&["v1", "apps", app.as_str()])).await
    }

    /// Begins to destroy an app, its releases, configuration and logs. It cannot be undone.
    pub async fn destroy_app(&self, app: &AppName) -> Result<(), ClientError> {
        let call = Call::delete(&["v1", "apps", app.as_str()]).query("confirm", Some(app));
        self.perform(call).await
    }
}
