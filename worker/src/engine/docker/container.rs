//! Containers as the daemon lists them, and what is done to one whatever it is for.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use bollard::models::{ContainerCreateBody, ContainerSummary};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, InspectContainerOptions, ListContainersOptionsBuilder,
    RemoveContainerOptionsBuilder, StartContainerOptions,
};
use slipway_core::id::{AppId, Id, InstanceId};
use tokio::time::{Instant, sleep};

use super::call::{CHANGE, LOOK_UP, is_absent, refused, status};
use super::{Docker, labels, names};
use crate::engine::EngineError;

/// How long a removal that somebody else began may take.
const REMOVAL: Duration = Duration::from_secs(10);

/// A container of this installation.
#[derive(Debug, Clone)]
pub struct Container {
    /// Docker's id.
    pub id: String,
    /// Its name, without the slash.
    pub name: String,
    pub status: Status,
    pub labels: HashMap<String, String>,
    /// The container whose network namespace it joined.
    pub joined: Option<String>,
    /// Its own address, while it runs and has a namespace of its own.
    pub address: Option<Ipv4Addr>,
}

/// Where a container is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Made and never started, or its start failed.
    Created,
    Running,
    /// Waits for Docker to start it again.
    Restarting,
    Ended,
    /// On its way out.
    Removing,
}

/// What came of making a container.
#[derive(Debug)]
pub enum Made {
    /// It is there, not started; Docker's id.
    New(String),
    /// A container of that name exists already.
    NameTaken,
    /// The image does not exist.
    ImageMissing,
}

/// The containers of an app, or of all apps, by role.
#[derive(Debug, Default)]
pub struct Population {
    pub instances: Vec<Container>,
    pub sandboxes: Vec<Container>,
}

impl Container {
    /// Reads one row of the daemon's list; `None` for a row without an id.
    fn of(summary: ContainerSummary) -> Option<Self> {
        let networks = summary.network_settings.and_then(|settings| settings.networks);
        let mut endpoints = networks.unwrap_or_default().into_values();
        let mode = summary.host_config.and_then(|host| host.network_mode).unwrap_or_default();
        let name = summary.names.unwrap_or_default().into_iter().next().unwrap_or_default();
        Some(Self {
            id: summary.id?,
            name: name.trim_start_matches('/').to_owned(),
            status: summary.state.map_or(Status::Ended, Status::of),
            labels: summary.labels.unwrap_or_default(),
            joined: mode.strip_prefix("container:").map(str::to_owned),
            address: endpoints.find_map(|endpoint| endpoint.ip_address?.parse().ok()),
        })
    }

    /// A label's value.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key).map(String::as_str)
    }

    /// Where its app is to listen.
    pub fn port(&self) -> Option<u16> {
        self.label(labels::PORT)?.parse().ok()
    }

    /// Whether it is never to run a second time.
    pub fn runs_once(&self) -> bool {
        self.label(labels::LIFETIME) == Some(labels::ONE_OFF)
    }

    /// The instance it runs, by its label.
    pub fn instance(&self) -> Option<InstanceId> {
        self.label(labels::INSTANCE)?.parse().ok()
    }
}

impl Status {
    /// Reads the daemon's word, which its lists and its inspections share.
    pub fn of(state: impl AsRef<str>) -> Self {
        match state.as_ref() {
            "created" => Self::Created,
            "running" | "paused" | "stopping" => Self::Running,
            "restarting" => Self::Restarting,
            "removing" => Self::Removing,
            _ => Self::Ended,
        }
    }
}

impl Population {
    fn of(containers: Vec<Container>) -> Self {
        let mut population = Self::default();
        for container in containers {
            match container.label(labels::ROLE) {
                Some(labels::ROLE_INSTANCE) => population.instances.push(container),
                Some(labels::ROLE_SANDBOX) => population.sandboxes.push(container),
                _ => {}
            }
        }
        population
    }

    /// The container of an instance.
    pub fn instance(&self, id: &InstanceId) -> Option<&Container> {
        self.instances.iter().find(|instance| instance.label(labels::INSTANCE) == Some(id.as_str()))
    }

    /// The sandbox an instance's container joined.
    pub fn sandbox_of(&self, instance: &Container) -> Option<&Container> {
        let joined = instance.joined.as_deref()?;
        self.sandboxes.iter().find(|sandbox| sandbox.id == joined)
    }

    /// The sandbox claimed for an instance, whether or not its container exists yet.
    pub fn claimed_by(&self, id: &InstanceId) -> Option<&Container> {
        let name = names::claimed_sandbox(id);
        self.sandboxes.iter().find(|sandbox| sandbox.name == name)
    }

    /// Sandboxes that wait for an instance and can take one.
    pub fn spares(&self) -> impl Iterator<Item = &Container> {
        self.sandboxes
            .iter()
            .filter(|sandbox| names::is_spare(&sandbox.name) && sandbox.status == Status::Running)
    }

    /// Sandboxes nothing uses: claimed for an instance that has no container, or dead spares.
    pub fn orphans(&self) -> impl Iterator<Item = &Container> {
        self.sandboxes.iter().filter(|sandbox| {
            let used = self.instances.iter().any(|i| i.joined.as_ref() == Some(&sandbox.id));
            let waiting = names::is_spare(&sandbox.name) && sandbox.status == Status::Running;
            !used && !waiting
        })
    }
}

impl Docker {
    /// Every container of this installation.
    pub(super) async fn everything(&self) -> Result<Population, EngineError> {
        self.population(&[]).await
    }

    /// The containers of one app.
    pub(super) async fn population_of(&self, app_id: &AppId) -> Result<Population, EngineError> {
        self.population(&[(labels::APP, app_id.as_str())]).await
    }

    /// The container of an instance, by its label.
    pub(super) async fn find(&self, id: &InstanceId) -> Result<Option<Container>, EngineError> {
        let found = self.population(&[(labels::INSTANCE, id.as_str())]).await?;
        Ok(found.instances.into_iter().next())
    }

    async fn population(&self, wanted: &[(&str, &str)]) -> Result<Population, EngineError> {
        let installation = self.settings.installation.as_str();
        let wanted = [&[(labels::INSTALLATION, installation)], wanted].concat();
        let options =
            ListContainersOptionsBuilder::new().all(true).filters(&labels::filter(&wanted)).build();
        let list = self.client.list_containers(Some(options));
        let rows = self.call("listing containers", LOOK_UP, list).await?;
        Ok(Population::of(rows.into_iter().filter_map(Container::of).collect()))
    }

    /// Makes a container of this name.
    pub(super) async fn make(
        &self,
        name: &str,
        body: ContainerCreateBody,
    ) -> Result<Made, EngineError> {
        let options = CreateContainerOptionsBuilder::new().name(name).build();
        let create = self.client.create_container(Some(options), body);
        match self.raw_call("making a container", CHANGE, create).await? {
            Ok(created) => Ok(Made::New(created.id)),
            Err(error) => match status(&error) {
                Some(404) => Ok(Made::ImageMissing),
                Some(409) => Ok(Made::NameTaken),
                _ => Err(refused("making a container", &error)),
            },
        }
    }

    /// Starts a container; one that runs is success. The inner error is the daemon's refusal.
    pub(super) async fn run(
        &self,
        id: &str,
    ) -> Result<Result<(), bollard::errors::Error>, EngineError> {
        let start = self.client.start_container(id, None::<StartContainerOptions>);
        self.raw_call("starting a container", CHANGE, start).await
    }

    /// Kills and removes a container with its anonymous volumes, and waits until it is gone.
    /// Absent is success.
    pub(super) async fn remove(&self, id: &str) -> Result<(), EngineError> {
        const DOING: &str = "removing a container";
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        let remove = self.client.remove_container(id, Some(options));
        match self.raw_call(DOING, CHANGE, remove).await? {
            Ok(()) => Ok(()),
            Err(error) if is_absent(&error) => Ok(()),
            Err(error) if status(&error) == Some(409) => self.until_gone(id).await,
            Err(error) => Err(refused(DOING, &error)),
        }
    }

    /// Waits for a removal that is in progress already.
    pub(super) async fn until_gone(&self, id: &str) -> Result<(), EngineError> {
        let deadline = Instant::now() + REMOVAL;
        while Instant::now() < deadline {
            let inspect = self.client.inspect_container(id, None::<InspectContainerOptions>);
            match self.raw_call("looking at a container", LOOK_UP, inspect).await? {
                Err(error) if is_absent(&error) => return Ok(()),
                _ => sleep(Duration::from_millis(100)).await,
            }
        }
        Err(EngineError::Unavailable(format!("container `{id}` is still being removed")))
    }

    /// Says no when a name we need belongs to somebody else.
    pub(super) async fn refuse_foreign(&self, name: &str) -> Result<(), EngineError> {
        let inspect = self.client.inspect_container(name, None::<InspectContainerOptions>);
        let found = match self.raw_call("looking at a container", LOOK_UP, inspect).await? {
            Ok(found) => found,
            Err(error) if is_absent(&error) => return Ok(()),
            Err(error) => return Err(refused("looking at a container", &error)),
        };
        let labels = found.config.and_then(|config| config.labels).unwrap_or_default();
        if labels.get(labels::INSTALLATION).map(String::as_str)
            == Some(self.settings.installation.as_str())
        {
            return Ok(());
        }
        Err(EngineError::Refused {
            doing: "making a container",
            message: format!(
                "the name `{name}` belongs to a container that this installation did not make: rename or remove it"
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(id: &str, name: &str, role: &str, joined: Option<&str>) -> Container {
        Container {
            id: id.to_owned(),
            name: name.to_owned(),
            status: Status::Running,
            labels: HashMap::from([(labels::ROLE.to_owned(), role.to_owned())]),
            joined: joined.map(str::to_owned),
            address: None,
        }
    }

    #[test]
    fn only_sandboxes_nothing_uses_are_orphans() {
        let mut dead_spare = container("d", "sw-spare-00000000-1", labels::ROLE_SANDBOX, None);
        dead_spare.status = Status::Ended;
        let population = Population::of(vec![
            container("a", "sw-net-aaaaaaaa", labels::ROLE_SANDBOX, None),
            container("b", "sw-net-bbbbbbbb", labels::ROLE_SANDBOX, None),
            container("c", "sw-spare-00000000-0", labels::ROLE_SANDBOX, None),
            dead_spare,
            container("i", "sw-shop-web-aaaaaaaa", labels::ROLE_INSTANCE, Some("a")),
            container("x", "sw-net-cccccccc", "something else", None),
        ]);
        let orphans: Vec<&str> = population.orphans().map(|orphan| orphan.id.as_str()).collect();
        assert_eq!(orphans, ["b", "d"]);
        let spares: Vec<&str> = population.spares().map(|spare| spare.id.as_str()).collect();
        assert_eq!(spares, ["c"]);
    }
}
