//! Instances: one running copy of one process of one release.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::id::{AppId, InstanceId, ReleaseId};
use crate::name::{AppName, ProcessName};
use crate::process::{Command, Limits};
use crate::release::ImageRef;
use crate::time::{Millis, Timestamp};

/// Everything an engine needs to run an instance. Starting the same spec twice yields one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceSpec {
    pub id: InstanceId,
    pub app_id: AppId,
    pub app: AppName,
    pub release_id: ReleaseId,
    pub process: ProcessName,
    pub image: ImageRef,
    pub command: Command,
    /// Environment in the clear, `PORT` and `SLIPWAY_*` included.
    pub environment: BTreeMap<String, String>,
    /// The port it should listen on; `None` for processes that serve nothing.
    pub port: Option<u16>,
    pub limits: Limits,
    pub lifetime: Lifetime,
}

/// How long an instance is meant to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// Until it is stopped; the engine restarts it when it ends, with backoff.
    Service,
    /// Until it ends; its exit code is kept until it is stopped (which removes it).
    OneOff,
    /// Like a one-off. Its process starts when somebody attaches to it, and not before.
    Attended { terminal: bool },
}

impl Lifetime {
    /// Whether it is never to run a second time.
    pub fn is_once(self) -> bool {
        !matches!(self, Self::Service)
    }
}

/// Where an instance can be reached from this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Endpoint(pub SocketAddr);

/// What an engine says about an instance that carries our label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    pub id: InstanceId,
    pub app_id: AppId,
    pub process: ProcessName,
    pub state: ObservedState,
    /// Where it answers; `None` without a port or while it does not run.
    pub endpoint: Option<Endpoint>,
    /// How often the engine restarted it since it was created.
    pub restarts: u32,
    /// Local addresses it listens on, when they could be read.
    pub listeners: Vec<SocketAddr>,
}

/// The engine's word on a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObservedState {
    /// Made, not started.
    Created,
    Running {
        since: Timestamp,
    },
    /// Ended and waiting for its restart.
    Restarting {
        exit: Exit,
    },
    Exited {
        exit: Exit,
    },
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Exit {
    pub code: i64,
    pub oom_killed: bool,
    pub at: Timestamp,
}

/// A reading of an instance's resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// CPU time consumed since its start, in microseconds.
    pub cpu_us: u64,
    /// Working set: memory less reclaimable cache.
    pub memory_bytes: u64,
    pub net_in_bytes: u64,
    pub net_out_bytes: u64,
    /// Processes of it the kernel killed for lack of memory since its start, where that is known.
    pub oom_kills: Option<u64>,
}

/// The life of an instance as Slipway persists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum InstanceState {
    /// Wanted; its container is being made or boots.
    Starting,
    /// Passes its health check.
    Ready,
    /// Ran and was ready, and fails its health check now.
    Unready,
    /// Ended by itself; waits for its restart.
    Crashed,
    /// Out of the proxy, finishing its requests, or kept warm.
    Draining,
    /// Told to stop.
    Stopping,
    /// Gone.
    Stopped,
}

impl InstanceState {
    /// The name as stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Unready => "unready",
            Self::Crashed => "crashed",
            Self::Draining => "draining",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }
}

/// Restart delays grow 1, 2, 4 … 60 s.
pub fn restart_backoff(crashes: u32) -> Millis {
    Millis::from_secs(1_u64.checked_shl(crashes.saturating_sub(1)).unwrap_or(60).min(60))
}
