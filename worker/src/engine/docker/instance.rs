//! Bringing instances up and taking them away, whatever an interrupted call left behind.

use std::time::Duration;

use bollard::errors::Error;
use bollard::query_parameters::StopContainerOptionsBuilder;
use slipway_core::id::InstanceId;
use slipway_core::instance::{Endpoint, InstanceSpec, Lifetime};

use super::call::{CHANGE, is_absent, refused, status};
use super::container::{Container, Made, Population, Status};
use super::sandbox::Sandbox;
use super::{Docker, labels, names, specification};
use crate::engine::EngineError;

const STARTING: &str = "starting an instance";
const STOPPING: &str = "stopping an instance";
/// Looks at what is there before giving up. Each look finishes or clears away one obstacle.
const ATTEMPTS: usize = 4;
/// How much longer than its grace a stop may take: Docker kills, then waits for the process.
const AFTER_GRACE: Duration = Duration::from_secs(15);

/// What one look at the instance led to.
enum Attempt {
    /// It is up, in this sandbox; `None` for a one-off that ended already.
    Up(Option<Sandbox>),
    /// Something was in the way, in words; look again.
    Again(&'static str),
}

impl Docker {
    /// See `Engine::start`.
    pub(super) async fn start_instance(
        &self,
        spec: &InstanceSpec,
    ) -> Result<Option<Endpoint>, EngineError> {
        let turn = self.shared.turns.of(&spec.id);
        let _mine = turn.lock().await;
        let mut obstacle = "";
        for _ in 0..ATTEMPTS {
            match self.attempt(spec).await? {
                Attempt::Up(sandbox) => {
                    self.refill_later(&spec.app_id);
                    let address = sandbox.map(|sandbox| sandbox.address);
                    let reachable = address.zip(spec.port);
                    return Ok(reachable.map(|(address, port)| Endpoint((address, port).into())));
                }
                Attempt::Again(found) => obstacle = found,
            }
        }
        Err(EngineError::Refused { doing: STARTING, message: obstacle.to_owned() })
    }

    /// See `Engine::stop`.
    pub(super) async fn stop_instance(
        &self,
        id: &InstanceId,
        grace: Duration,
    ) -> Result<(), EngineError> {
        let turn = self.shared.turns.of(id);
        let _mine = turn.lock().await;
        let population = self.everything().await?;
        let container = population.instance(id);
        if let Some(container) = container {
            if matches!(container.status, Status::Running | Status::Restarting) {
                self.terminate(&container.id, grace).await?;
            }
            self.remove(&container.id).await?;
            self.shared.inspections.doubt(&container.id);
        }
        let joined = container.and_then(|container| population.sandbox_of(container));
        match joined.or_else(|| population.claimed_by(id)) {
            Some(sandbox) => self.remove(&sandbox.id).await,
            None => Ok(()),
        }
    }

    async fn attempt(&self, spec: &InstanceSpec) -> Result<Attempt, EngineError> {
        let claiming = self.shared.claims.lock().await;
        let population = self.population_of(&spec.app_id).await?;
        if let Some(container) = population.instance(&spec.id) {
            drop(claiming);
            return self.resume(spec, container, &population).await;
        }
        let claimed = self.claim(&spec.id, &population).await?;
        drop(claiming);
        let sandbox = if claimed.is_some() {
            claimed
        } else {
            self.shared.spares.note_lack(&spec.app_id);
            let network = self.network(&spec.app_id, &spec.app).await?;
            self.make_claimed(&spec.id, &spec.app_id, &network).await?
        };
        let Some(sandbox) = sandbox else {
            return Ok(Attempt::Again("its sandbox appeared in between"));
        };
        self.create(spec, sandbox).await
    }

    async fn create(&self, spec: &InstanceSpec, sandbox: Sandbox) -> Result<Attempt, EngineError> {
        let name = names::instance(spec);
        let installation = &self.settings.installation;
        let body = specification::body(spec, &sandbox.id, installation, &self.shared.host);
        match self.make(&name, body).await? {
            Made::New(_) if is_attended(spec) => Ok(Attempt::Up(Some(sandbox))),
            Made::New(id) => self.bring_up(&id, sandbox).await,
            Made::NameTaken => {
                self.refuse_foreign(&name).await?;
                Ok(Attempt::Again("its container appeared in between"))
            }
            Made::ImageMissing => Err(EngineError::ImageMissing(spec.image.digest.clone())),
        }
    }

    /// Continues with a container that an earlier call made.
    async fn resume(
        &self,
        spec: &InstanceSpec,
        container: &Container,
        population: &Population,
    ) -> Result<Attempt, EngineError> {
        let holder = population.sandbox_of(container);
        let sandbox = holder.and_then(Sandbox::of);
        match container.status {
            Status::Removing => {
                self.until_gone(&container.id).await?;
                return Ok(Attempt::Again("its container is being removed"));
            }
            // What ran once is never run again, and a running one is not cut short.
            Status::Ended | Status::Running if spec.lifetime.is_once() => {
                return Ok(Attempt::Up(sandbox));
            }
            Status::Created if is_attended(spec) => return Ok(Attempt::Up(sandbox)),
            Status::Running | Status::Restarting => {
                if let Some((holder, sandbox)) = holder.zip(sandbox)
                    && self.is_joined(container, holder).await?
                {
                    return Ok(Attempt::Up(Some(sandbox)));
                }
            }
            Status::Created | Status::Ended => {
                let unchanged = container.label(labels::SPEC) == Some(&specification::digest(spec));
                if let Some(sandbox) = sandbox.filter(|_| unchanged) {
                    return self.bring_up(&container.id, sandbox).await;
                }
            }
        }
        // Its network is gone, or it was half made from another specification.
        self.remove(&container.id).await?;
        if let Some(holder) = holder {
            self.remove(&holder.id).await?;
        }
        Ok(Attempt::Again("its network namespace was lost"))
    }

    async fn bring_up(&self, id: &str, sandbox: Sandbox) -> Result<Attempt, EngineError> {
        match self.run(id).await? {
            Ok(()) => Ok(Attempt::Up(Some(sandbox))),
            Err(error) if is_absent(&error) && error.to_string().contains(id) => {
                Ok(Attempt::Again("its container disappeared"))
            }
            Err(error) if is_sandbox_lost(&error) => {
                self.remove(id).await?;
                self.remove(&sandbox.id).await?;
                Ok(Attempt::Again("its network namespace was lost"))
            }
            Err(error) => Err(refused(STARTING, &error)),
        }
    }

    async fn terminate(&self, id: &str, grace: Duration) -> Result<(), EngineError> {
        let seconds = grace.as_millis().div_ceil(1000).try_into().unwrap_or(i32::MAX);
        let options = StopContainerOptionsBuilder::new().t(seconds).build();
        let stop = self.client.stop_container(id, Some(options));
        match self.raw_call(STOPPING, grace.saturating_add(AFTER_GRACE).max(CHANGE), stop).await? {
            // Gone, or not running any more: what was wanted.
            Err(error) if !matches!(status(&error), Some(404 | 409)) => {
                Err(refused(STOPPING, &error))
            }
            _ => Ok(()),
        }
    }
}

/// Whether it is only made here, and started by whoever attaches to it.
fn is_attended(spec: &InstanceSpec) -> bool {
    matches!(spec.lifetime, Lifetime::Attended { .. })
}

/// Whether a container did not start because the namespace it joins has no process any more.
fn is_sandbox_lost(error: &Error) -> bool {
    let message = error.to_string();
    message.contains("cannot join network")
        || message.contains("No such container")
        || message.contains("/ns/net")
}
