//! What a list of containers leaves out, asked one by one and remembered for a while.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bollard::models::ContainerInspectResponse;
use bollard::query_parameters::InspectContainerOptions;
use slipway_core::id::InstanceId;
use slipway_core::instance::Exit;
use slipway_core::time::Timestamp;
use slipway_store::clock;

use super::Docker;
use super::call::{LOOK_UP, is_absent, refused};
use super::container::{Container, Status};
use super::moment::Moment;
use super::process::Process;
use crate::engine::EngineError;

/// How long an inspection is believed when neither an event nor a list contradicts it. It bounds
/// how long an event that the daemon dropped goes unnoticed.
const FRESH: Duration = Duration::from_mins(5);
/// The same while it boots: what it listens on is asked for until that is what it should.
const FRESH_WHILE_BOOTING: Duration = Duration::from_secs(1);
/// A boot is over this long after a start, however it went. The kernel walks the table of every
/// connection to tell who listens, for milliseconds each time.
const BOOTED: Duration = Duration::from_mins(15);

/// Details of one container.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// Where it is in its life. A list may say otherwise when it was made a moment earlier: what
    /// else is here belongs to this one.
    pub status: Status,
    /// Its main process, where this host shows it.
    pub process: Option<Arc<Process>>,
    pub started: Option<Moment>,
    /// How it last ended.
    pub exit: Exit,
    pub restarts: u32,
    /// What its network namespace can be told by, where that can be read.
    pub namespace: Option<u64>,
    /// What was listened on in it when it booted, where that can be read.
    pub listeners: Vec<SocketAddr>,
}

/// Inspections by container id.
#[derive(Debug, Default)]
pub struct Inspections {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Grows with every event, so that an answer from before an event is not kept after it.
    generation: u64,
    entries: HashMap<String, Entry>,
}

#[derive(Debug)]
struct Entry {
    inspection: Inspection,
    /// The instance it runs, if it does.
    instance: Option<InstanceId>,
    at: Instant,
    /// Something happened since, or may have: what changes is asked for again, and what does not
    /// change while it runs is still known.
    is_stale: bool,
}

impl Inspections {
    /// Believes what is known of a container no more: something happened to it.
    pub fn doubt(&self, id: &str) {
        let mut known = self.lock();
        known.generation += 1;
        if let Some(entry) = known.entries.get_mut(id) {
            entry.is_stale = true;
        }
    }

    /// The same of every container: events may have been missed.
    pub fn doubt_all(&self) {
        let mut known = self.lock();
        known.generation += 1;
        for entry in known.entries.values_mut() {
            entry.is_stale = true;
        }
    }

    /// The main processes of those of these instances that are known to run.
    pub fn processes_of(&self, ids: &[InstanceId]) -> Vec<(InstanceId, Arc<Process>)> {
        let wanted: HashSet<&InstanceId> = ids.iter().collect();
        let known = self.lock();
        let process = |entry: &Entry| {
            let id = entry.instance.as_ref().filter(|id| wanted.contains(id))?;
            let process = entry.inspection.process.as_ref().filter(|_| !entry.is_stale)?;
            Some((id.clone(), Arc::clone(process)))
        };
        known.entries.values().filter_map(process).collect()
    }

    /// Drops containers that are not listed any more.
    pub fn retain(&self, listed: &HashSet<&str>) {
        self.lock().entries.retain(|id, _| listed.contains(id.as_str()));
    }

    /// What is known and recent enough.
    fn get(&self, container: &Container) -> Option<Inspection> {
        let known = self.lock();
        let entry = known.entries.get(&container.id)?;
        let fresh =
            if entry.inspection.is_booting(container) { FRESH_WHILE_BOOTING } else { FRESH };
        let valid = !entry.is_stale
            && entry.inspection.status == container.status
            && entry.at.elapsed() < fresh;
        valid.then(|| entry.inspection.clone())
    }

    /// What was seen of a container that had booted, however long ago.
    fn booted(&self, container: &Container) -> Option<Inspection> {
        let known = self.lock();
        let inspection = &known.entries.get(&container.id)?.inspection;
        let is_up = inspection.status == Status::Running && !inspection.is_booting(container);
        is_up.then(|| inspection.clone())
    }

    fn generation(&self) -> u64 {
        self.lock().generation
    }

    /// Keeps an answer that was asked for in `generation`.
    fn put(&self, container: &Container, inspection: &Inspection, generation: u64) {
        let mut known = self.lock();
        if known.generation != generation {
            return;
        }
        let entry = Entry {
            inspection: inspection.clone(),
            instance: container.instance(),
            at: Instant::now(),
            is_stale: false,
        };
        known.entries.insert(container.id.clone(), entry);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inspection {
    /// `listens`: whether it is to listen on a port; `booted`: what was seen of it when it did.
    fn of(id: &str, found: ContainerInspectResponse, listens: bool, booted: Option<Self>) -> Self {
        let state = found.state.unwrap_or_default();
        let moment = |text: Option<String>| text.as_deref().and_then(Moment::parse);
        let ended = moment(state.finished_at);
        let pid = state.pid.and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid > 0);
        let process = pid.and_then(|pid| Process::of(id, pid));
        let started = moment(state.started_at);
        let listeners = match booted.filter(|booted| booted.started == started) {
            Some(booted) => booted.listeners,
            None if listens && age(started) < BOOTED => {
                process.as_ref().map(Process::listeners).unwrap_or_default()
            }
            None => Vec::new(),
        };
        Self {
            status: state.status.map_or(Status::Ended, Status::of),
            started,
            exit: Exit {
                code: state.exit_code.unwrap_or_default(),
                oom_killed: state.oom_killed.unwrap_or_default(),
                at: ended.map_or(Timestamp::default(), Moment::timestamp),
            },
            restarts: found.restart_count.and_then(|n| u32::try_from(n).ok()).unwrap_or_default(),
            namespace: process.as_ref().and_then(Process::network_namespace),
            listeners,
            process: process.map(Arc::new),
        }
    }

    /// Whether the container runs and does not listen yet where it should.
    fn is_booting(&self, container: &Container) -> bool {
        let is_there =
            |port| self.listeners.iter().any(|at| at.port() == port && !at.ip().is_loopback());
        self.status == Status::Running
            && container.port().is_some_and(|port| !is_there(port))
            && age(self.started) < BOOTED
    }

    /// Whether this container, which runs, is in the network namespace of that sandbox: a sandbox
    /// that was restarted holds a new one, and the old is cut off.
    pub fn shares_network_with(&self, sandbox: &Self) -> bool {
        match (self.namespace, sandbox.namespace) {
            (Some(own), Some(held)) => own == held,
            _ => sandbox.status == Status::Running && self.started >= sandbox.started,
        }
    }
}

/// How long ago this was, by the daemon's clock, which is this host's.
fn age(started: Option<Moment>) -> Duration {
    clock::now().since(started.map_or(Timestamp::default(), Moment::timestamp)).as_duration()
}

impl Docker {
    /// Details of a container, remembered or asked for. `None`: it is gone.
    pub(super) async fn inspect(
        &self,
        container: &Container,
    ) -> Result<Option<Inspection>, EngineError> {
        const DOING: &str = "inspecting a container";
        let inspections = &self.shared.inspections;
        if let Some(known) = inspections.get(container) {
            return Ok(Some(known));
        }
        let generation = inspections.generation();
        let id = container.id.clone();
        let inspect = self.client.inspect_container(&id, None::<InspectContainerOptions>);
        let found = match self.raw_call(DOING, LOOK_UP, inspect).await? {
            Ok(found) => found,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(refused(DOING, &error)),
        };
        let listens = container.port().is_some();
        let booted = inspections.booted(container);
        let reading =
            tokio::task::spawn_blocking(move || Inspection::of(&id, found, listens, booted));
        let inspection = reading
            .await
            .map_err(|error| EngineError::Refused { doing: DOING, message: error.to_string() })?;
        inspections.put(container, &inspection, generation);
        Ok(Some(inspection))
    }

    /// Whether an instance that runs still has the network of its sandbox.
    pub(super) async fn is_joined(
        &self,
        instance: &Container,
        sandbox: &Container,
    ) -> Result<bool, EngineError> {
        if instance.status == Status::Restarting {
            return Ok(true); // it joins anew when it starts
        }
        let (instance, sandbox) = tokio::try_join!(self.inspect(instance), self.inspect(sandbox))?;
        Ok(instance.zip(sandbox).is_some_and(|(i, s)| i.shares_network_with(&s)))
    }
}
