//! The truth about every instance: one list, and details where something changed.

use std::collections::HashSet;
use std::net::SocketAddr;

use futures_util::{StreamExt, TryStreamExt, stream};
use slipway_core::instance::{Endpoint, Exit, Observed, ObservedState};
use slipway_core::time::Timestamp;

use super::container::{Container, Population, Status};
use super::inspection::Inspection;
use super::{Docker, labels};
use crate::engine::EngineError;

/// Inspections under way at once.
const PARALLEL: usize = 8;
/// The exit code reported for an instance that was cut off from its network. Docker uses it for
/// containers it could not start.
const CUT_OFF: i64 = 128;

impl Docker {
    /// See `Engine::list`.
    ///
    /// A service that runs and has lost its network (somebody removed or restarted its sandbox) is
    /// reported as exited with code 128: it serves nobody, and `start` makes it whole again. A
    /// one-off is left to come to its own end.
    pub(super) async fn observe(&self) -> Result<Vec<Observed>, EngineError> {
        let population = self.everything().await?;
        let everyone = population.instances.iter().chain(&population.sandboxes);
        let listed: HashSet<&str> = everyone.map(|container| container.id.as_str()).collect();
        self.shared.inspections.retain(&listed);
        let instances = population.instances.iter();
        let looks: Vec<_> = instances.map(|one| self.observe_one(one, &population)).collect();
        let observed: Vec<Option<Observed>> =
            stream::iter(looks).buffered(PARALLEL).try_collect().await?;
        Ok(observed.into_iter().flatten().collect())
    }

    /// `None` for what is on its way out, and for labels that make no sense.
    async fn observe_one(
        &self,
        container: &Container,
        population: &Population,
    ) -> Result<Option<Observed>, EngineError> {
        let identity = container.instance().zip(container.label(labels::APP));
        let identity = identity.zip(container.label(labels::PROCESS));
        let Some(((id, app_id), process)) = identity else { return Ok(None) };
        let (Ok(app_id), Ok(process)) = (app_id.parse(), process.parse()) else { return Ok(None) };
        let removing = |status| status == Status::Removing;
        if removing(container.status) {
            return Ok(None);
        }
        let Some(inspection) = self.inspect(container).await? else { return Ok(None) };
        if removing(inspection.status) {
            return Ok(None);
        }
        let sandbox = population.sandbox_of(container);
        let connected = match sandbox.filter(|sandbox| sandbox.status == Status::Running) {
            Some(sandbox) => self.is_joined(container, sandbox).await?,
            None => false,
        };
        let serves = connected && inspection.status == Status::Running;
        let address = sandbox.and_then(|sandbox| sandbox.address).filter(|_| serves);
        let port = container.port();
        Ok(Some(Observed {
            id,
            app_id,
            process,
            state: state(&inspection, connected || container.runs_once()),
            endpoint: address.zip(port).map(|endpoint| Endpoint(SocketAddr::from(endpoint))),
            restarts: inspection.restarts,
            listeners: if serves { inspection.listeners } else { Vec::new() },
        }))
    }
}

fn state(inspection: &Inspection, connected: bool) -> ObservedState {
    let since = inspection.started.map_or(Timestamp::default(), super::moment::Moment::timestamp);
    match inspection.status {
        Status::Created => ObservedState::Created,
        Status::Running if connected => ObservedState::Running { since },
        Status::Running => {
            ObservedState::Exited { exit: Exit { code: CUT_OFF, oom_killed: false, at: since } }
        }
        Status::Restarting => ObservedState::Restarting { exit: inspection.exit },
        Status::Ended | Status::Removing => ObservedState::Exited { exit: inspection.exit },
    }
}
