//! One bridge network an app: its instances reach each other and nobody else's.
//!
//! Docker keeps bridges apart and nothing is published on the host. Not covered by the network
//! itself: services of the host that listen on all addresses answer on the bridge's gateway, so
//! Slipway's own listen on loopback or unix sockets. Link-local addresses, where clouds hand out
//! credentials, are closed in each sandbox.

use std::collections::HashMap;

use bollard::models::{Ipam, IpamConfig, Network, NetworkCreateRequest};
use bollard::query_parameters::{InspectNetworkOptions, ListNetworksOptionsBuilder};
use slipway_core::id::{AppId, Id};
use slipway_core::name::AppName;

use super::call::{CHANGE, LOOK_UP, is_absent, refused};
use super::subnet::{Subnet, routed};
use super::{Docker, labels, names};
use crate::engine::EngineError;

/// Size of an app's subnet: 125 instances, so that fifty may be replaced by fifty while the old
/// ones are kept warm.
const SUBNET_PREFIX: u8 = 25;
/// Subnets tried when the daemon knows of overlaps that we cannot see.
const ATTEMPTS: usize = 8;

impl Docker {
    /// The id of the app's network, which is made when there is none.
    pub(super) async fn network(
        &self,
        app_id: &AppId,
        app: &AppName,
    ) -> Result<String, EngineError> {
        // Docker accepts two networks of one name, and two searches for a free subnet find the
        // same one: one at a time.
        let _one_at_a_time = self.shared.networks.lock().await;
        match self.networks_of(app_id).await?.into_iter().next() {
            Some(id) => Ok(id),
            None => self.make_network(app_id, app).await,
        }
    }

    /// The ids of the app's networks, at most one in practice.
    pub(super) async fn networks_of(&self, app_id: &AppId) -> Result<Vec<String>, EngineError> {
        let installation = self.settings.installation.as_str();
        let wanted = [(labels::INSTALLATION, installation), (labels::APP, app_id.as_str())];
        let networks = self.list_networks(&labels::filter(&wanted)).await?;
        Ok(networks.into_iter().filter_map(|network| network.id).collect())
    }

    /// Removes a network; absent is success. One that is in use is refused.
    pub(super) async fn remove_network(&self, id: &str) -> Result<(), EngineError> {
        const DOING: &str = "removing a network";
        match self.raw_call(DOING, CHANGE, self.client.remove_network(id)).await? {
            Err(error) if !is_absent(&error) => Err(refused(DOING, &error)),
            _ => Ok(()),
        }
    }

    /// Whether nobody the daemon can name is on a network. When it refuses to remove it all the same, it
    /// lost track of an endpoint, as it sometimes does when several containers go at once
    /// (moby/moby#42119), and only its next start sets that right.
    pub(super) async fn is_deserted(&self, id: &str) -> Result<bool, EngineError> {
        const DOING: &str = "looking who is on a network";
        let look = self.client.inspect_network(id, None::<InspectNetworkOptions>);
        match self.raw_call(DOING, LOOK_UP, look).await? {
            Ok(network) => Ok(network.containers.is_none_or(|containers| containers.is_empty())),
            Err(error) if is_absent(&error) => Ok(true),
            Err(error) => Err(refused(DOING, &error)),
        }
    }

    async fn make_network(&self, app_id: &AppId, app: &AppName) -> Result<String, EngineError> {
        const DOING: &str = "making a network";
        let taken = self.taken_subnets().await?;
        let pools = &self.settings.pools;
        let free = pools.iter().flat_map(|pool| pool.split(SUBNET_PREFIX));
        let free = free.filter(|subnet| !taken.iter().any(|taken| taken.overlaps(*subnet)));
        let mut last = None;
        for subnet in free.take(ATTEMPTS) {
            let create = self.client.create_network(self.network_request(app_id, app, subnet));
            match self.raw_call(DOING, CHANGE, create).await? {
                Ok(created) => return Ok(created.id),
                Err(error) if is_overlap(&error) => last = Some(refused(DOING, &error)),
                Err(error) => return Err(refused(DOING, &error)),
            }
        }
        Err(last.unwrap_or_else(|| EngineError::Refused {
            doing: DOING,
            message: format!(
                "no subnet is left in {}: remove apps, or configure another pool",
                pools.iter().map(|pool| format!("`{pool}`")).collect::<Vec<_>>().join(", ")
            ),
        }))
    }

    /// What other networks and this host's routes use.
    async fn taken_subnets(&self) -> Result<Vec<Subnet>, EngineError> {
        let routes = std::fs::read_to_string("/proc/net/route").unwrap_or_default();
        let mut taken = routed(&routes);
        for network in self.list_networks(&HashMap::new()).await? {
            let configured = network.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
            let subnets = configured.into_iter().filter_map(|config| config.subnet);
            taken.extend(subnets.filter_map(|subnet| subnet.parse::<Subnet>().ok()));
        }
        Ok(taken)
    }

    pub(super) async fn list_networks(
        &self,
        filters: &HashMap<String, Vec<String>>,
    ) -> Result<Vec<Network>, EngineError> {
        let options = ListNetworksOptionsBuilder::new().filters(filters).build();
        let list = self.client.list_networks(Some(options));
        self.call("listing networks", LOOK_UP, list).await
    }

    fn network_request(
        &self,
        app_id: &AppId,
        app: &AppName,
        subnet: Subnet,
    ) -> NetworkCreateRequest {
        let mut labels = labels::of_app(&self.settings.installation, app_id, labels::ROLE_NETWORK);
        labels.insert(labels::APP_NAME.to_owned(), app.to_string());
        let config = IpamConfig { subnet: Some(subnet.to_string()), ..IpamConfig::default() };
        NetworkCreateRequest {
            name: names::network(app_id, app),
            driver: Some("bridge".to_owned()),
            ipam: Some(Ipam { config: Some(vec![config]), ..Ipam::default() }),
            labels: Some(labels),
            ..NetworkCreateRequest::default()
        }
    }
}

fn is_overlap(error: &bollard::errors::Error) -> bool {
    error.to_string().contains("overlap")
}
