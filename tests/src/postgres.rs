//! A PostgreSQL of one's own: the real server, an empty cluster, a loopback port.
//!
//! The server is a child that the kernel ends when its parent goes, so that a test which is killed
//! leaves no server behind; the next one to start removes its data.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{io, thread};

use anyhow::{Context, ensure};
use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;

use crate::network::free_address;

/// Where Debian puts the server's programs, one folder a major version.
const INSTALLED: &str = "/usr/lib/postgresql";
/// Whom the server runs as when we are root, which it refuses to be.
const USER: &str = "postgres";
const FOLDER: &str = "slipway-test-pg-";
/// A file in the folder that is locked for as long as somebody uses it.
const IN_USE: &str = "in-use";
const START: Duration = Duration::from_secs(30);

/// A running server; dropping it stops it and removes its data.
pub struct Postgres {
    programs: PathBuf,
    address: SocketAddr,
    keeper: Option<Keeper>,
    // Dropped after the server has ended.
    folder: TempDir,
    _in_use: File,
}

impl Postgres {
    /// Makes an empty cluster and starts it: about a second.
    ///
    /// # Errors
    /// When PostgreSQL is not installed or does not start.
    pub fn start() -> anyhow::Result<Self> {
        remove_left_behind()?;
        let folder = tempfile::Builder::new().prefix(FOLDER).tempdir()?;
        let in_use = take(folder.path())?;
        if rustix::process::geteuid().is_root() {
            succeed(Command::new("chown").arg(USER).arg(folder.path()))?;
        }
        let mut server = Self {
            programs: newest_programs()?,
            address: free_address(),
            keeper: None,
            folder,
            _in_use: in_use,
        };
        succeed(
            server
                .program("initdb")
                .args(["--username=slipway", "--auth=trust", "--encoding=UTF8", "--no-locale"])
                .args(["--no-sync", "--pgdata"])
                .arg(server.cluster()),
        )?;
        server.serve()?;
        Ok(server)
    }

    /// The address of the database that every cluster has.
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The folder of everything it writes.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Makes a database and returns its address.
    ///
    /// # Errors
    /// When there is one of this name.
    pub fn create_database(&self, name: &str) -> anyhow::Result<String> {
        let mut create = Command::new(self.programs.join("createdb"));
        create.args(["--host", "127.0.0.1", "--username", "slipway", "--port"]);
        succeed(create.arg(self.address.port().to_string()).arg(name))?;
        Ok(self.url_of(name))
    }

    /// Ends the server as a crash would, and starts it again at the same address.
    ///
    /// # Errors
    /// When it does not start again.
    pub fn crash_and_restart(&mut self) -> anyhow::Result<()> {
        self.keeper = None;
        self.serve()
    }

    fn serve(&mut self) -> anyhow::Result<()> {
        let log = File::create(self.folder.path().join("log"))?;
        let mut command = self.program("postgres");
        command.arg("-D").arg(self.cluster()).arg("-p").arg(self.address.port().to_string());
        // Nothing here survives a power cut, and nothing has to.
        let settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"];
        command.args(settings.iter().flat_map(|setting| ["-c", setting]));
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        self.keeper = Some(Keeper::start(command)?);
        self.wait_until_ready()
    }

    fn wait_until_ready(&self) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut probe = Command::new(self.programs.join("pg_isready"));
        probe.args(["--quiet", "--host", "127.0.0.1", "--port"]);
        probe.arg(self.address.port().to_string());
        while TcpStream::connect(self.address).is_err() || !probe.status()?.success() {
            let log = || fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            ensure!(began.elapsed() < START, "PostgreSQL did not start: {}", log());
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    fn url_of(&self, database: &str) -> String {
        format!("postgres://slipway@{}/{database}", self.address)
    }

    fn cluster(&self) -> PathBuf {
        self.folder.path().join("cluster")
    }

    /// One of the server's programs, as the right user, ended at once when its parent goes.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "QUIT"]).current_dir("/");
        if rustix::process::geteuid().is_root() {
            command.args(["--reuid", USER, "--regid", USER, "--init-groups"]);
        }
        command.arg("--").arg(self.programs.join(name));
        command
    }
}

/// The thread that is the server's parent: the kernel looks at threads, and those of tests end
/// while others still use the server.
struct Keeper {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    fn start(mut command: Command) -> io::Result<Self> {
        let (stop, stopped) = mpsc::channel::<()>();
        let (spawned, spawn) = mpsc::channel();
        let thread = thread::spawn(move || match command.spawn() {
            Ok(mut child) => {
                drop(spawned.send(Ok(())));
                // Nothing is ever sent: it returns when the other end is dropped.
                let _closed = stopped.recv();
                drop(kill(&mut child));
            }
            Err(error) => drop(spawned.send(Err(error))),
        });
        spawn.recv().map_err(io::Error::other)??;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// `QUIT` ends the server and all its children at once, without a word to its clients' data.
fn kill(child: &mut Child) -> io::Result<()> {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        rustix::process::kill_process(pid, rustix::process::Signal::QUIT)?;
    }
    child.wait().map(drop)
}

/// Marks a folder as in use by this process.
fn take(folder: &Path) -> io::Result<File> {
    // Locked before it has its name: whoever finds it by name finds it locked.
    let file = tempfile::NamedTempFile::new_in(folder)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    Ok(file.persist(folder.join(IN_USE))?)
}

/// Removes the folders of processes that were killed.
fn remove_left_behind() -> io::Result<()> {
    for entry in fs::read_dir(std::env::temp_dir())? {
        let entry = entry?;
        if !entry.file_name().as_encoded_bytes().starts_with(FOLDER.as_bytes()) {
            continue;
        }
        let Ok(in_use) = File::open(entry.path().join(IN_USE)) else { continue };
        if flock(&in_use, FlockOperation::NonBlockingLockExclusive).is_ok() {
            match fs::remove_dir_all(entry.path()) {
                // Somebody else is at it.
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

fn newest_programs() -> anyhow::Result<PathBuf> {
    let versions = fs::read_dir(INSTALLED)
        .with_context(|| format!("PostgreSQL is not installed in {INSTALLED}: run `make setup`"))?;
    let folders = versions.map(|entry| Ok(entry?.path().join("bin")));
    let folders = folders.collect::<io::Result<Vec<_>>>()?;
    let usable = folders.into_iter().filter(|folder| folder.join("initdb").exists());
    usable.max_by_key(|folder| major(folder)).context("no PostgreSQL server is installed")
}

fn major(programs: &Path) -> u32 {
    let version = programs.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    version.and_then(|version| version.parse().ok()).unwrap_or_default()
}

fn succeed(command: &mut Command) -> anyhow::Result<()> {
    let output = command.stdin(Stdio::null()).output()?;
    ensure!(
        output.status.success(),
        "{command:?} failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}
