//! The domains of an app.

use slipway_core::domain::Domain;
use slipway_core::name::AppName;
use slipway_core::wire::domain::{DomainAdded, DomainInfo, DomainRequest};

use crate::call::Call;
use crate::client::Client;
use crate::error::ClientError;

impl Client {
    /// The domains, in the order of their names.
    pub async fn domains(&self, app: &AppName) -> Result<Vec<DomainInfo>, ClientError> {
        self.fetch(Call::get(&["v1", "apps", app.as_str(), "domains"])).await
    }

    /// Adds a domain; one that the app has already stays as it is.
    pub async fn add_domain(
        &self,
        app: &AppName,
        request: &DomainRequest,
    ) -> Result<DomainAdded, ClientError> {
        self.fetch(Call::create(&["v1", "apps", app.as_str(), "domains"]).json(request)).await
    }

    /// Removes a domain.
    pub async fn remove_domain(&self, app: &AppName, domain: &Domain) -> Result<(), ClientError> {
        let segments = ["v1", "apps", app.as_str(), "domains", domain.as_str()];
        self.perform(Call::delete(&segments)).await
    }
}
