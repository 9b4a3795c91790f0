//! One server with its data directory.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use slipway_api::{
    ApiLimits, ApiParts, ApiSettings, ApiState, ConsoleKey, HookProgram, issue_claim, serve,
};
use slipway_core::domain::ReservedNames;
use slipway_core::name::AppName;
use slipway_core::wire::auth::Scope;
use slipway_store::{App, Backend, DataDir, KeyRing, LogStore, Store, StoreSettings};
use slipway_tests::postgres::Postgres;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::DATABASE;
use crate::person::Person;

pub const PASSWORD: &str = "correct horse battery";
pub const EMAIL: &str = "ada@example.com";

/// A server of its own for one test.
pub struct World {
    pub address: SocketAddr,
    pub state: ApiState,
    pub data: TempDir,
    /// The server of its database, where that is one.
    postgres: Option<Postgres>,
    pub shutdown: CancellationToken,
    /// The server's own threads: ending them is the nearest thing to `kill -9`.
    runtime: Option<Runtime>,
}

impl World {
    pub async fn start() -> Self {
        Self::with_limits(|_| {}).await
    }

    pub async fn with_limits(change: impl FnOnce(&mut ApiLimits)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut limits = ApiLimits::default();
        change(&mut limits);
        let postgres = match DATABASE {
            Backend::Sqlite => None,
            Backend::Postgres => Some(Postgres::start().unwrap()),
        };
        Self::open(data, postgres, limits).await
    }

    /// The same data with a new process, as after `kill -9`.
    pub async fn restarted(mut self) -> Self {
        self.kill();
        let data = std::mem::replace(&mut self.data, tempfile::tempdir().unwrap());
        let postgres = self.postgres.take();
        Self::open(data, postgres, ApiLimits::default()).await
    }

    async fn open(data: TempDir, postgres: Option<Postgres>, limits: ApiLimits) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap().into_std().unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let database = postgres.as_ref().map(Postgres::url);
        let parts = parts(data.path().to_owned(), database, address, limits, shutdown.clone());
        let state = runtime.spawn(async { ApiState::new(parts.await).unwrap() }).await.unwrap();
        let served = state.clone();
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            serve(listener, served).await.unwrap();
        });
        Self { address, state, data, postgres, shutdown, runtime: Some(runtime) }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Somebody without a credential.
    pub fn stranger(&self) -> Person {
        Person::new(self.address, None)
    }

    /// Claims the installation and signs in.
    pub async fn admin(&self) -> Person {
        let token = issue_claim(&self.state.store).await.unwrap().unwrap();
        let claim = json!({"claim_token": token, "email": EMAIL, "password": PASSWORD});
        let answer = self.stranger().post("/v1/claim", &claim).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        Person::new(self.address, Some(answer.json()["access_token"].as_str().unwrap().to_owned()))
    }

    /// The admin of an installation that was claimed before, signed in anew.
    pub async fn sign_in(&self) -> Person {
        let answer =
            self.stranger().post("/v1/login", &json!({"email": EMAIL, "password": PASSWORD})).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        Person::new(self.address, Some(answer.json()["access_token"].as_str().unwrap().to_owned()))
    }

    /// An app, made by the admin.
    pub async fn app(&self, admin: &Person, name: &str) -> App {
        let answer = admin.post("/v1/apps", &json!({"name": name})).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        self.stored(name).await
    }

    pub async fn stored(&self, name: &str) -> App {
        let name: AppName = name.parse().unwrap();
        self.state.store.app(&name).await.unwrap().unwrap()
    }

    /// Somebody with a token of this scope, limited to an app or not.
    pub async fn token(&self, admin: &Person, scope: Scope, app: Option<&str>) -> Person {
        let request = json!({"name": "a test", "scope": scope, "app": app});
        let answer = admin.post("/v1/tokens", &request).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        Person::new(self.address, Some(answer.json()["secret"].as_str().unwrap().to_owned()))
    }

    /// Somebody who was invited by the admin with this role and has joined, signed in.
    pub async fn member(&self, admin: &Person, name: &str, role: Scope) -> Person {
        let invite = json!({"email": format!("{name}@example.com"), "role": role});
        let invited = admin.post("/v1/members/invitations", &invite).await;
        assert_eq!(invited.status, 201, "{}", invited.text);
        let join = json!({"token": invited.json()["token"], "password": PASSWORD});
        let answer = self.stranger().post("/v1/members/join", &join).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        Person::new(self.address, Some(answer.json()["access_token"].as_str().unwrap().to_owned()))
    }

    /// Whether the database has this text anywhere in its files: SQLite in the data directory, and
    /// PostgreSQL in its write-ahead log, where everything begins.
    pub fn has_written(&self, text: &str) -> bool {
        let folder = self.postgres.as_ref().map_or(self.data.path(), Postgres::folder);
        let is_log = |path: &Path| path.components().any(|part| part.as_os_str() == "pg_wal");
        let mut found = files(folder);
        found.retain(|path| self.postgres.is_none() || is_log(path));
        let has_it = |bytes: Vec<u8>| bytes.windows(text.len()).any(|part| part == text.as_bytes());
        found.iter().any(|path| std::fs::read(path).is_ok_and(has_it))
    }

    /// Sends these bytes and reads what comes until the server closes or 5 s have passed.
    pub async fn send_raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = vec![0; 4096];
        let read = timeout(Duration::from_secs(5), stream.read(&mut answer)).await;
        String::from_utf8_lossy(&answer[..read.unwrap().unwrap()]).into_owned()
    }

    /// Sends these bytes and hangs up.
    pub async fn send_and_hang_up(&self, bytes: &[u8]) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.flush().await.unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }

    /// Ends the server without letting it finish or say anything.
    pub fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn parts(
    data: PathBuf,
    database: Option<String>,
    address: SocketAddr,
    limits: ApiLimits,
    shutdown: CancellationToken,
) -> ApiParts {
    let data_dir = DataDir::create(&data).unwrap();
    let file = || format!("sqlite://{}", data_dir.database().display());
    let url = database.unwrap_or_else(file);
    let store = Store::open(&StoreSettings { url, max_connections: 4 }).await.unwrap();
    let program = env!("CARGO_BIN_EXE_slipway-git-hook").into();
    ApiParts {
        settings: ApiSettings {
            public_url: format!("http://{address}"),
            site_url: "http://{host}:8080".to_owned(),
            reserved: ReservedNames {
                apps: "localhost".parse().unwrap(),
                own: vec!["slipway.example.com".parse().unwrap()],
            },
            trusted_proxies: Vec::new(),
            console: Some(ConsoleKey::mint()),
            outbound: slipway_core::outbound::OutboundRules::default(),
            hook: HookProgram { program, argument: None },
            limits,
        },
        keys: KeyRing::load_or_create(&data_dir.keys()).unwrap(),
        logs: LogStore::open(data_dir.logs(), store.wakes().clone()),
        installation: store.installation().await.unwrap(),
        store,
        data_dir,
        shutdown,
    }
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let below = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    entries.flatten().flat_map(|entry| below(entry.path())).collect()
}

/// Waits until something is so.
///
/// # Panics
/// When it is not within 30 s.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..1500 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never happened: {what}");
}
