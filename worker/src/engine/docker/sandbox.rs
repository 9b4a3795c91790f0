//! Sandboxes: network namespaces made beforehand, each held open by a tiny container.
//!
//! Making and wiring a namespace is the slow half of starting a container. So every app keeps a
//! spare or a few that are ready to be joined, and an instance that starts takes one over:
//!
//! ```text
//!   sw-spare-<app8>-<n>  --rename-->  sw-net-<instance8>  <--joined by--  the instance
//! ```
//!
//! The name is the claim and the instance's network mode is the proof, so both survive a crash at
//! any point. An instance keeps its address when Docker restarts it, because the sandbox stays. A
//! sandbox whose instance is gone is removed by `stop`, or by the sweep after a crash.

mod image;
pub mod program;
mod rules;
pub mod sweep;

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use bollard::models::{
    ContainerCreateBody, HostConfig, HostConfigLogConfig, RestartPolicy, RestartPolicyNameEnum,
};
use bollard::query_parameters::{InspectContainerOptions, RenameContainerOptionsBuilder};
use slipway_core::id::{AppId, InstanceId};
use slipway_core::name::AppName;

use super::call::{LOOK_UP, is_absent, refused, status};
use super::container::{Container, Made, Population, Status};
use super::{Docker, labels, names};
use crate::engine::EngineError;

/// How long after a start the next spare is made: not while the instance boots.
const REFILL_DELAY: Duration = Duration::from_secs(2);
/// Tries at making a sandbox while its image or a free name is missing.
const ATTEMPTS: usize = 4;
/// What a daemon may need until a container that is gone is off its network too.
const GONE_SOON: Duration = Duration::from_secs(1);

/// A sandbox an instance can join.
#[derive(Debug, Clone)]
pub struct Sandbox {
    /// Docker's id of the holding container.
    pub id: String,
    /// Its address on the app's network.
    pub address: Ipv4Addr,
}

impl Sandbox {
    /// The sandbox held by this container; `None` while it does not run.
    pub fn of(container: &Container) -> Option<Self> {
        let address = container.address.filter(|_| container.status == Status::Running)?;
        Some(Self { id: container.id.clone(), address })
    }
}

impl Docker {
    /// Makes the app's network, and sandboxes until `spares` of them (at most 8) wait for an
    /// instance. Worth calling while an image is being built; repeating it changes nothing.
    ///
    /// # Errors
    /// Those of the daemon; `start` works without preparation.
    pub async fn prepare(
        &self,
        app_id: &AppId,
        app: &AppName,
        spares: usize,
    ) -> Result<(), EngineError> {
        self.shared.spares.note_demand(app_id, spares);
        let prepare = async {
            let network = self.network(app_id, app).await?;
            let population = self.population_of(app_id).await?;
            for _ in population.spares().count()..spares.min(8) {
                self.make_spare(app_id, &network).await?;
            }
            Ok(())
        };
        self.while_alive("preparing an app's network", prepare).await
    }

    /// Removes what an app has besides instances: its sandboxes and its network. Absent is success.
    ///
    /// # Errors
    /// `Refused` while the app still has instances.
    pub async fn remove_app(&self, app_id: &AppId) -> Result<(), EngineError> {
        const DOING: &str = "removing an app's network";
        let mut last = Ok(());
        for _ in 0..ATTEMPTS {
            let population = self.population_of(app_id).await?;
            if let Some(instance) = population.instances.first() {
                let message = format!("instance `{}` is still there: stop it first", instance.name);
                return Err(EngineError::Refused { doing: DOING, message });
            }
            for sandbox in &population.sandboxes {
                self.remove(&sandbox.id).await?;
            }
            last = Ok(());
            for network in self.networks_of(app_id).await? {
                last = self.remove_network_or_leave(&network).await;
            }
            // A spare that was being made meanwhile keeps the network in use: look again.
            if last.is_ok() {
                break;
            }
        }
        self.shared.spares.forget(app_id);
        last
    }

    /// Removes a network, or leaves it when the daemon itself keeps it for nobody. It takes a subnet and
    /// nothing else.
    async fn remove_network_or_leave(&self, network: &str) -> Result<(), EngineError> {
        let Err(error) = self.remove_network(network).await else { return Ok(()) };
        tokio::time::sleep(GONE_SOON).await;
        if self.remove_network(network).await.is_ok() {
            return Ok(());
        }
        if !self.is_deserted(network).await? {
            return Err(error);
        }
        tracing::warn!(network, %error, "Docker keeps an empty network until it is started anew");
        Ok(())
    }

    /// Claims a sandbox for an instance: the one it has already, else a spare. `None` when there is
    /// no spare. Callers hold the app's claim lock: two renames of one spare would both succeed.
    pub(super) async fn claim(
        &self,
        id: &InstanceId,
        population: &Population,
    ) -> Result<Option<Sandbox>, EngineError> {
        const DOING: &str = "claiming a sandbox";
        if let Some(claimed) = population.claimed_by(id) {
            if let Some(sandbox) = Sandbox::of(claimed) {
                return Ok(Some(sandbox));
            }
            self.remove(&claimed.id).await?;
        }
        let options =
            RenameContainerOptionsBuilder::new().name(&names::claimed_sandbox(id)).build();
        for (spare, sandbox) in population.spares().filter_map(|s| Some((s, Sandbox::of(s)?))) {
            let rename = self.client.rename_container(&spare.name, options.clone());
            match self.raw_call(DOING, LOOK_UP, rename).await? {
                Ok(()) => return Ok(Some(sandbox)),
                Err(error) if is_absent(&error) || status(&error) == Some(409) => {}
                Err(error) => return Err(refused(DOING, &error)),
            }
        }
        Ok(None)
    }

    /// Makes a sandbox for an instance right away. `None` when its name is taken: look again.
    pub(super) async fn make_claimed(
        &self,
        id: &InstanceId,
        app_id: &AppId,
        network: &str,
    ) -> Result<Option<Sandbox>, EngineError> {
        self.make_sandbox(&names::claimed_sandbox(id), app_id, network).await
    }

    /// Makes what the app lacks of spares a little later.
    pub(super) fn refill_later(&self, app_id: &AppId) {
        if !self.shared.spares.begin_refill(app_id) {
            return;
        }
        let (docker, app_id) = (self.clone(), app_id.clone());
        self.shared.tasks.spawn(async move {
            let delay = tokio::time::sleep(REFILL_DELAY);
            let waited = docker.shared.stopping.run_until_cancelled(delay).await;
            docker.shared.spares.end_refill(&app_id);
            // Once begun it is finished, shutdown or not: nothing half made stays behind.
            if waited.is_some()
                && let Err(error) = Box::pin(docker.refill(&app_id)).await
            {
                tracing::warn!(%app_id, %error, "no spare sandbox: the next start is slower");
            }
        });
    }

    async fn refill(&self, app_id: &AppId) -> Result<(), EngineError> {
        // A network that is gone means that the app is: never make it again from here.
        let Some(network) = self.networks_of(app_id).await?.into_iter().next() else {
            return Ok(());
        };
        let have = self.population_of(app_id).await?.spares().count();
        for _ in have..self.shared.spares.wanted(app_id) {
            self.make_spare(app_id, &network).await?;
        }
        Ok(())
    }

    async fn make_spare(&self, app_id: &AppId, network: &str) -> Result<(), EngineError> {
        let taken = self.population_of(app_id).await?.sandboxes.len();
        for number in 0..=taken + ATTEMPTS {
            let name = names::spare_sandbox(app_id, number);
            if self.make_sandbox(&name, app_id, network).await?.is_some() {
                break;
            }
        }
        Ok(())
    }

    /// Makes and starts a sandbox. `None` when the name is taken.
    async fn make_sandbox(
        &self,
        name: &str,
        app_id: &AppId,
        network: &str,
    ) -> Result<Option<Sandbox>, EngineError> {
        for _ in 0..ATTEMPTS {
            match self.make(name, self.sandbox_body(app_id, network)).await? {
                Made::New(id) => return self.run_sandbox(&id).await.map(Some),
                Made::NameTaken => {
                    self.refuse_foreign(name).await?;
                    return Ok(None);
                }
                Made::ImageMissing => self.import_sandbox_image().await?,
            }
        }
        Err(EngineError::ImageMissing(image::reference(self.shared.host.architecture)))
    }

    /// Starts a new sandbox and reads its address; one that cannot be used is removed again.
    async fn run_sandbox(&self, id: &str) -> Result<Sandbox, EngineError> {
        const DOING: &str = "starting a sandbox";
        if let Err(error) = self.run(id).await? {
            self.remove(id).await?;
            return Err(refused(DOING, &error));
        }
        let inspect = self.client.inspect_container(id, None::<InspectContainerOptions>);
        let found = self.call(DOING, LOOK_UP, inspect).await?;
        let networks = found.network_settings.and_then(|settings| settings.networks);
        let mut endpoints = networks.unwrap_or_default().into_values();
        if let Some(address) = endpoints.find_map(|endpoint| endpoint.ip_address?.parse().ok()) {
            return Ok(Sandbox { id: id.to_owned(), address });
        }
        self.remove(id).await?;
        let code = found.state.and_then(|state| state.exit_code).unwrap_or_default();
        Err(EngineError::Refused {
            doing: DOING,
            message: format!("it ended with code {code}: the kernel may lack policy routing"),
        })
    }

    fn sandbox_body(&self, app_id: &AppId, network: &str) -> ContainerCreateBody {
        let host_config = HostConfig {
            network_mode: Some(network.to_owned()),
            cap_drop: Some(vec!["ALL".to_owned()]),
            cap_add: Some(vec!["NET_ADMIN".to_owned()]),
            security_opt: Some(vec!["no-new-privileges".to_owned()]),
            readonly_rootfs: Some(true),
            log_config: Some(HostConfigLogConfig {
                typ: Some("none".to_owned()),
                config: Some(HashMap::new()),
            }),
            restart_policy: Some(RestartPolicy {
                name: Some(RestartPolicyNameEnum::UNLESS_STOPPED),
                maximum_retry_count: None,
            }),
            ..HostConfig::default()
        };
        ContainerCreateBody {
            image: Some(image::reference(self.shared.host.architecture)),
            labels: Some(labels::of_app(&self.settings.installation, app_id, labels::ROLE_SANDBOX)),
            host_config: Some(host_config),
            ..ContainerCreateBody::default()
        }
    }
}
