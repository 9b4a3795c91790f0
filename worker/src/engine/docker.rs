//! Docker: instances are containers, each in a network namespace made beforehand.
//!
//! The daemon's state is the only state: every verb looks at what is there, finishes what an
//! earlier, interrupted call began, and remembers nothing that a `kill -9` could lose.
//!
//! ```text
//!   network  sw-<app>-<id8>            one bridge an app, own subnet, nothing published
//!     └ sandbox  sw-net-<instance8>    holds a network namespace: address, routes, nothing else
//!         └ instance  sw-<app>-<process>-<instance8>    joins it
//! ```

mod attach;
mod builder;
mod call;
mod container;
mod host;
mod inspection;
mod instance;
pub mod labels;
mod machine;
mod marks;
mod moment;
mod names;
mod network;
mod observation;
mod output;
mod process;
mod sandbox;
mod spares;
mod specification;
pub mod subnet;
mod teardown;
mod turns;
mod usage;
mod watch;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bollard::API_DEFAULT_VERSION;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use slipway_core::id::{InstallationId, InstanceId};
use slipway_core::instance::{Endpoint, InstanceSpec, Observed, Usage};
use slipway_core::time::Timestamp;
use slipway_core::wire::attach::WindowSize;
use tokio::sync::watch as hints;
use tokio_stream::wrappers::WatchStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::builder::BaseSettings;
use self::builder::Registries;
use self::call::{LOOK_UP, refused};
use self::host::Host;
use self::inspection::Inspections;
use self::marks::Marks;
use self::spares::Spares;
use self::subnet::Subnet;
use self::turns::Turns;
use super::{Attached, Engine, EngineError, OutputChunk, Program};

/// Where Docker listens unless told otherwise.
const DEFAULT_SOCKET: &str = "/var/run/docker.sock";
/// Where apps' networks come from unless told otherwise. A subnet that this host or another
/// network of its uses is passed over.
const DEFAULT_POOLS: [Subnet; 2] =
    [Subnet::literal([10, 201, 0, 0], 16), Subnet::literal([172, 29, 0, 0], 16)];
/// Memory of each step of a build unless told otherwise: what compiling a large C++ extension takes.
const BUILD_MEMORY_BYTES: u64 = 2 * 1024 * 1024 * 1024;
/// The oldest API that has everything used here: Docker 20.10.
const OLDEST_API: (u32, u32) = (1, 41);
/// The client's own limit on response heads, in seconds. Out of the way: `call` has the real ones.
const CLIENT_TIMEOUT_S: u64 = 3600;
/// How long background work may take to end at shutdown.
const SHUTDOWN: Duration = Duration::from_secs(10);

/// How this installation uses Docker.
#[derive(Debug, Clone)]
pub struct DockerSettings {
    /// Whose objects these are; goes on every one as a label.
    pub installation: InstallationId,
    /// The daemon's unix socket.
    pub socket: PathBuf,
    /// Where apps' networks come from: each takes a /25.
    pub pools: Vec<Subnet>,
    /// Where base images of builds come from.
    pub bases: BaseSettings,
    /// Most memory of each step of a build.
    pub build_memory_bytes: u64,
    /// Time between two looks for network namespaces that a crash left behind.
    pub sweep_interval: Duration,
}

impl DockerSettings {
    /// The defaults for an installation.
    pub fn new(installation: InstallationId) -> Self {
        Self {
            installation,
            socket: PathBuf::from(DEFAULT_SOCKET),
            pools: DEFAULT_POOLS.into(),
            bases: BaseSettings::default(),
            build_memory_bytes: BUILD_MEMORY_BYTES,
            sweep_interval: Duration::from_mins(1),
        }
    }
}

/// The Docker daemon of this host. Clones share one memory and one set of background tasks.
#[derive(Clone)]
pub struct Docker {
    pub(crate) client: bollard::Docker,
    pub(crate) settings: Arc<DockerSettings>,
    shared: Arc<Shared>,
}

/// What clones share.
struct Shared {
    host: Host,
    inspections: Inspections,
    /// Held while an instance is started or stopped.
    turns: Turns,
    /// Held while an app's network is looked for and made.
    networks: tokio::sync::Mutex<()>,
    /// Held while a spare sandbox is looked for and claimed.
    claims: tokio::sync::Mutex<()>,
    /// How many spare sandboxes each app keeps.
    spares: Spares,
    /// Names what is started inside of instances.
    marks: Marks,
    /// Counts events.
    hints: hints::Sender<u64>,
    /// Registries that did not answer lately.
    registries: Registries,
    tasks: TaskTracker,
    stopping: CancellationToken,
}

impl Docker {
    /// Connects to the daemon, checks that it is new enough, and begins to follow its events.
    ///
    /// # Errors
    /// `Unavailable` without a daemon, `Refused` when its API is older than 1.41.
    pub async fn connect(settings: DockerSettings) -> Result<Self, EngineError> {
        const DOING: &str = "connecting to Docker";
        let socket = settings.socket.to_string_lossy();
        let client =
            bollard::Docker::connect_with_unix(&socket, CLIENT_TIMEOUT_S, API_DEFAULT_VERSION)
                .map_err(|error| refused(DOING, &error))?;
        let version = call::watched(&client, DOING, LOOK_UP, client.version()).await?;
        let version = version.map_err(|error| refused(DOING, &error))?;
        check_version(version.api_version.as_deref().unwrap_or("unknown"))?;
        let shared = Shared {
            host: Host::ask(&client, &settings.socket).await?,
            inspections: Inspections::default(),
            turns: Turns::default(),
            networks: tokio::sync::Mutex::default(),
            claims: tokio::sync::Mutex::default(),
            spares: Spares::default(),
            marks: Marks::new(&settings.installation),
            hints: hints::Sender::new(0),
            registries: Registries::default(),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
        };
        let docker = Self { client, settings: Arc::new(settings), shared: Arc::new(shared) };
        docker.shared.tasks.spawn(docker.clone().watch_events());
        docker.shared.tasks.spawn(docker.clone().sweep_sandboxes());
        docker.shared.tasks.spawn(docker.clone().sweep_commands());
        Ok(docker)
    }

    /// Ends the background tasks and waits for them, at most 10 s. Instances are not touched.
    pub async fn shutdown(&self) {
        self.shared.stopping.cancel();
        self.shared.tasks.close();
        if tokio::time::timeout(SHUTDOWN, self.shared.tasks.wait()).await.is_err() {
            tracing::warn!("background work with Docker did not end in time");
        }
    }
}

impl Engine for Docker {
    async fn start(&self, spec: &InstanceSpec) -> Result<Option<Endpoint>, EngineError> {
        self.while_alive("starting an instance", self.start_instance(spec)).await
    }

    async fn stop(&self, id: &InstanceId, grace: Duration) -> Result<(), EngineError> {
        self.while_alive("stopping an instance", self.stop_instance(id, grace)).await
    }

    async fn list(&self) -> Result<Vec<Observed>, EngineError> {
        self.while_alive("listing instances", self.observe()).await
    }

    async fn stats(&self, id: &InstanceId) -> Result<Usage, EngineError> {
        self.while_alive("reading an instance's resources", self.read_usage(id)).await
    }

    async fn stats_at_hand(&self, ids: &[InstanceId]) -> BTreeMap<InstanceId, (Instant, Usage)> {
        self.usage_from_files(ids).await
    }

    fn logs(
        &self,
        id: &InstanceId,
        since: Option<Timestamp>,
    ) -> BoxStream<'static, Result<OutputChunk, EngineError>> {
        self.output(id, since)
    }

    fn events(&self) -> BoxStream<'static, ()> {
        WatchStream::from_changes(self.shared.hints.subscribe()).map(drop).boxed()
    }

    async fn attach(
        &self,
        id: &InstanceId,
        program: Program<'_>,
        window: Option<WindowSize>,
    ) -> Result<Attached, EngineError> {
        let attach = self.attach_to(id, program, window);
        self.while_alive("attaching to a program", attach).await
    }
}

fn check_version(api: &str) -> Result<(), EngineError> {
    let number = |text: &str| text.parse::<u32>().ok();
    let found =
        api.split_once('.').and_then(|(major, minor)| Some((number(major)?, number(minor)?)));
    if found.is_some_and(|found| found >= OLDEST_API) {
        return Ok(());
    }
    let (major, minor) = OLDEST_API;
    Err(EngineError::Refused {
        doing: "connecting to Docker",
        message: format!(
            "its API version is `{api}`, Slipway needs {major}.{minor} or newer: install Docker 20.10 or later"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_daemon_is_refused_by_name_of_its_version() {
        assert!(check_version("1.41").is_ok() && check_version("1.52").is_ok());
        assert!(check_version("2.0").is_ok());
        let refusal = check_version("1.40").unwrap_err().to_string();
        assert!(refusal.contains("`1.40`") && refusal.contains("20.10"), "{refusal}");
        assert!(check_version("next").is_err());
    }
}
