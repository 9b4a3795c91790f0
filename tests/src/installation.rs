//! One whole installation of Slipway, apart from every other on this machine.

mod claim;
mod teardown;

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, ensure};
use rustix::process::{Pid, Signal, kill_process};
use slipway_client::Client;
use slipway_core::name::AppName;
use tempfile::TempDir;

use crate::developer::Developer;
use crate::eventually::eventually;
use crate::http::Site;
use crate::network::{free_address, network_pool};
use crate::postgres::Postgres;
use crate::program::{built, pid_of};

const READY: Duration = Duration::from_mins(1);
const STOPPED: Duration = Duration::from_secs(20);
/// Of the server's log, this many lines are shown when a test fails.
const LAST_WORDS: usize = 60;

/// Where an installation keeps its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// A running installation that is claimed; dropping it leaves nothing behind.
pub struct Slipway {
    home: TempDir,
    api: SocketAddr,
    console: SocketAddr,
    proxy: SocketAddr,
    pool: String,
    roles: &'static [&'static str],
    /// Told to every server besides.
    arguments: Vec<String>,
    servers: Mutex<Vec<Child>>,
    /// Dropped after `down` has used it.
    database: Option<Postgres>,
    client: Option<Client>,
    token: String,
    installation: String,
    people: AtomicU32,
    /// Whether receivers on 127.0.0.1 are allowed, as those of the tests are.
    outbound: AtomicBool,
}

impl Slipway {
    /// One process with every role.
    ///
    /// # Errors
    /// When it does not get ready within a minute.
    pub async fn start(backend: Backend) -> anyhow::Result<Self> {
        Self::prepare(backend, &["run"], &std::env::temp_dir())?.claimed().await
    }

    /// The same on SQLite, with everything it keeps below `folder`.
    ///
    /// # Errors
    /// When it does not get ready within a minute.
    pub async fn start_on(folder: &Path) -> anyhow::Result<Self> {
        Self::prepare(Backend::Sqlite, &["run"], folder)?.claimed().await
    }

    /// The same on SQLite, with another socket between the server and Docker.
    ///
    /// # Errors
    /// When it does not get ready within a minute.
    pub async fn start_behind(docker_socket: PathBuf) -> anyhow::Result<Self> {
        let mut slipway = Self::prepare(Backend::Sqlite, &["run"], &std::env::temp_dir())?;
        let socket = docker_socket.to_string_lossy().into_owned();
        slipway.arguments = vec!["--docker-socket".to_owned(), socket];
        slipway.claimed().await
    }

    /// The same roles in a process each, on PostgreSQL.
    ///
    /// # Errors
    /// When they do not get ready within a minute.
    pub async fn start_apart() -> anyhow::Result<Self> {
        let roles = &["api", "worker", "web"];
        Self::prepare(Backend::Postgres, roles, &std::env::temp_dir())?.claimed().await
    }

    /// One process with every role, told this besides.
    ///
    /// # Errors
    /// When it does not get ready within a minute.
    pub async fn start_with(backend: Backend, arguments: Vec<String>) -> anyhow::Result<Self> {
        let mut slipway = Self::prepare(backend, &["run"], &std::env::temp_dir())?;
        slipway.arguments = arguments;
        slipway.claimed().await
    }

    fn prepare(
        backend: Backend,
        roles: &'static [&'static str],
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let database = match backend {
            Backend::Sqlite => None,
            Backend::Postgres => Some(Postgres::start()?),
        };
        Ok(Self {
            home: tempfile::Builder::new().prefix("slipway-test-").tempdir_in(folder)?,
            api: free_address(),
            console: free_address(),
            proxy: free_address(),
            pool: network_pool(),
            roles,
            arguments: Vec::new(),
            servers: Mutex::default(),
            database,
            client: None,
            token: String::new(),
            installation: String::new(),
            people: AtomicU32::new(0),
            outbound: AtomicBool::new(true),
        })
    }

    async fn claimed(mut self) -> anyhow::Result<Self> {
        self.start_server().await?;
        self.claim().await?;
        Ok(self)
    }

    /// The address of the API.
    pub fn url(&self) -> String {
        format!("http://{}", self.api)
    }

    /// Where the API listens.
    pub fn api(&self) -> SocketAddr {
        self.api
    }

    /// Where the console listens: beside the API, unless the roles run apart.
    pub fn console(&self) -> SocketAddr {
        if self.roles.contains(&"web") { self.console } else { self.api }
    }

    /// Its id, as on the labels of all that it owns.
    pub fn installation(&self) -> &str {
        &self.installation
    }

    /// A client with an administrator's token.
    ///
    /// # Panics
    /// Never: `start` has signed it in.
    pub fn client(&self) -> &Client {
        self.client.as_ref().expect("an installation that started is claimed")
    }

    /// Where an app answers.
    pub fn site(&self, app: &str) -> Site {
        Site { proxy: self.proxy, host: format!("{app}.localhost:{}", self.proxy.port()) }
    }

    /// Someone new, signed in, with an empty repository.
    ///
    /// # Panics
    /// When they cannot sign in.
    pub async fn person(&self) -> Developer {
        let number = self.people.fetch_add(1, Ordering::Relaxed);
        let developer = Developer::new(self.home.path().join(format!("person-{number}"))).await;
        let login = ["login", &self.url(), "--token"];
        developer.tell_slipway(&login, &self.token).await.expect_success();
        developer
    }

    /// Someone new with an app of this name and its `slipway` remote.
    ///
    /// # Panics
    /// When the app cannot be created.
    pub async fn developer(&self, app: &str) -> Developer {
        let developer = self.person().await;
        developer.slipway(&["create", app]).await.expect_success();
        developer
    }

    /// Kills the server without a warning.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill_server(&self) {
        let mut servers = self.servers();
        for server in servers.iter_mut() {
            server.kill().expect("the server runs");
            server.wait().expect("the server is our child");
        }
        servers.clear();
    }

    /// The server allows nothing internal from its next start on.
    pub fn forbid_outbound(&self) {
        self.outbound.store(false, Ordering::Relaxed);
    }

    /// Asks the server to end, and waits until it has.
    ///
    /// # Errors
    /// When it takes longer than its supervisor would wait.
    pub async fn stop_server(&self) -> anyhow::Result<()> {
        for server in self.servers().iter() {
            kill_process(pid_of(server), Signal::TERM)?;
        }
        let ended = || async {
            let mut servers = self.servers();
            for server in servers.iter_mut() {
                ensure!(server.try_wait()?.is_some(), "process {} runs", server.id());
            }
            Ok(())
        };
        eventually("the server has stopped", STOPPED, ended).await?;
        self.servers().clear();
        Ok(())
    }

    /// Starts the server and waits until it is ready.
    ///
    /// # Errors
    /// When it does not get ready within a minute.
    pub async fn start_server(&self) -> anyhow::Result<()> {
        for role in self.roles {
            let server = self.server_command(role)?.spawn()?;
            self.servers().push(server);
        }
        let anonymous = self.anonymous()?;
        let ready = || async {
            for server in self.servers().iter_mut() {
                let ended = server.try_wait()?;
                ensure!(ended.is_none(), "the server ended: {}", self.last_words());
            }
            anonymous.is_ready().await.with_context(|| self.last_words())
        };
        eventually("the server is ready", READY, ready).await
    }

    /// The process id of the server, of the first of several.
    ///
    /// # Panics
    /// When it does not run.
    pub fn server_pid(&self) -> u32 {
        self.servers().first().expect("the server runs").id()
    }

    /// The process id of the proxy's master.
    ///
    /// # Errors
    /// When there is none.
    pub fn proxy_pid(&self) -> anyhow::Result<Pid> {
        let file = self.data().join("proxy/run/nginx.pid");
        let text = fs::read_to_string(&file).with_context(|| format!("{}", file.display()))?;
        Pid::from_raw(text.trim().parse()?).context("a process has a positive number")
    }

    /// A client that has not signed in.
    ///
    /// # Errors
    /// Never in practice: the address is well formed.
    pub fn anonymous(&self) -> anyhow::Result<Client> {
        Ok(Client::new(self.url().parse()?, "slipway-tests")?)
    }

    /// The app's name, for the client.
    ///
    /// # Panics
    /// When it is not one.
    pub fn app(name: &str) -> AppName {
        name.parse().expect("a test's app has a valid name")
    }

    /// Saves the database to a new file, as its operator would, and returns what was printed.
    ///
    /// # Errors
    /// When the command fails, with its complaint.
    pub fn back_up(&self, target: &Path) -> anyhow::Result<String> {
        let output = self.slipwayd("backup").arg(target).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.home.path().join("slipwayd.log")
    }

    fn servers(&self) -> MutexGuard<'_, Vec<Child>> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn server_command(&self, role: &str) -> anyhow::Result<Command> {
        let log = File::options().create(true).append(true).open(self.log())?;
        let mut command = self.slipwayd(role);
        command.args(&self.arguments);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Ok(command)
    }

    /// A `slipwayd` command for this installation.
    fn slipwayd(&self, verb: &str) -> Command {
        let mut command = Command::new(built("slipwayd"));
        command
            .arg(verb)
            .arg("--data")
            .arg(self.data())
            .args(["--api-listen", &self.api.to_string()])
            .args(["--web-listen", &self.console.to_string()])
            .args(["--public-url", &self.url()])
            .args(["--http-listen", &self.proxy.to_string()])
            .args(["--network-pool", &self.pool]);
        if self.outbound.load(Ordering::Relaxed) {
            command.args(["--allow-outbound", "127.0.0.1/32"]);
        }
        if let Some(database) = &self.database {
            command.args(["--database", &database.url()]);
        }
        command
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LAST_WORDS)..].join("\n")
    }
}
