//! A server that answers as told and remembers what it was asked, and the program in a folder of
//! its own.

use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use serde_json::{Value, json};
use slipway_core::id::{DeploymentId, Id, UserId};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::process::Command;

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// `POST /v1/apps`, with its query.
    pub line: String,
    pub token: String,
    pub last_event_id: String,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

type Answer = Box<dyn Fn(&Seen) -> Response<Body> + Send + Sync>;
type Shared = Arc<(Answer, Mutex<Vec<Seen>>)>;

/// A server on a port of its own.
pub struct Server {
    pub url: String,
    shared: Shared,
}

impl Server {
    pub async fn start(answer: impl Fn(&Seen) -> Response<Body> + Send + Sync + 'static) -> Self {
        let shared: Shared = Arc::new((Box::new(answer), Mutex::default()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(handle).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, shared }
    }

    /// What was asked so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.1.lock().unwrap().clone()
    }

    /// The one request that begins like this.
    pub fn only(&self, line: &str) -> Seen {
        let mut found = self.seen();
        found.retain(|seen| seen.line.starts_with(line));
        assert_eq!(found.len(), 1, "{line} among {:?}", self.seen());
        found.remove(0)
    }
}

async fn handle(State(shared): State<Shared>, request: Request) -> Response<Body> {
    let line = format!("{} {}", request.method(), request.uri());
    let headers = request.headers().clone();
    let header = |name| {
        let value = headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        value.unwrap_or_default()
    };
    let token = header("authorization").trim_start_matches("Bearer ").to_owned();
    let last_event_id = header("last-event-id");
    let body = to_bytes(request.into_body(), usize::MAX).await.unwrap().to_vec();
    let seen = Seen { line, token, last_event_id, body };
    let answer = shared.0(&seen);
    shared.1.lock().unwrap().push(seen);
    answer
}

/// An answer of JSON.
pub fn ok(value: &Value) -> Response<Body> {
    axum::Json(value).into_response()
}

/// A stream of these items.
pub fn events(items: &[Value]) -> Response<Body> {
    let texts: Vec<String> =
        (1..).zip(items).map(|(id, item)| format!("id: {id}\ndata: {item}\n\n")).collect();
    ([("content-type", "text/event-stream")], texts.concat()).into_response()
}

/// A refusal.
pub fn refuse(status: u16, code: &str, message: &str, hint: Option<&str>) -> Response<Body> {
    let body = json!({"code": code, "message": message, "hint": hint, "request_id": "req_1"});
    (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response()
}

/// A refusal of what no test expects.
pub fn unexpected(seen: &Seen) -> Response<Body> {
    refuse(404, "not_found", &format!("unexpected: {}", seen.line), None)
}

pub fn user() -> Value {
    json!({"id": UserId::from_bits(1).to_string(), "email": "ada@example.com", "role": "admin",
        "created_at": 1})
}

pub fn me() -> Value {
    json!({"user": user(), "scope": "admin", "token": null, "app": null})
}

pub fn session(access: &str, refresh: &str) -> Value {
    json!({"access_token": access, "access_expires_at": 2, "refresh_token": refresh,
        "refresh_expires_at": 3, "user": user()})
}

/// Deployment 12 of `shop`.
pub fn deployment(state: &Value) -> Value {
    json!({"id": DeploymentId::from_bits(12).to_string(), "app": "shop", "sequence": 12,
        "kind": "upload", "state": state, "hint": null, "version": 42, "source": null,
        "description": "", "created_by": "ada@example.com", "created_at": 1, "finished_at": null,
        "receipt": null})
}

/// The stream of a deployment that goes live.
pub fn goes_live() -> Response<Body> {
    events(&[
        json!({"type": "line", "text": "-----> Starting v42: web=1"}),
        json!({"type": "moved", "deployment": deployment(&json!({"name": "switching"}))}),
        json!({"type": "line", "text": "=====> shop v42 is live at http://shop.localhost"}),
        json!({"type": "done", "deployment": deployment(&json!({"name": "observing"}))}),
    ])
}

/// How the program ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Standard output of a success.
    #[track_caller]
    pub fn success(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.stdout
    }
}

/// A folder, and a place for configuration.
pub struct Desk {
    home: TempDir,
    pub folder: PathBuf,
}

impl Desk {
    pub fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("folder");
        std::fs::create_dir(&folder).unwrap();
        Self { home, folder }
    }

    /// A desk at which a token of this server is saved.
    pub async fn signed_in(server: &Server) -> Self {
        let desk = Self::new();
        desk.slipway_with(&["login", &server.url, "--token"], "slp_saved\n").await.success();
        desk
    }

    pub fn config_dir(&self) -> PathBuf {
        self.home.path().join("config")
    }

    pub fn accounts(&self) -> String {
        std::fs::read_to_string(self.config_dir().join("config.toml")).unwrap()
    }

    /// A git repository with one commit on `main`.
    pub async fn repository(&self) {
        self.git(&["init", "--quiet", "--initial-branch=main"]).await.success();
        std::fs::write(self.folder.join("web.py"), "print()").unwrap();
        self.git(&["add", "."]).await.success();
        self.git(&["commit", "--quiet", "-m", "fix the cart"]).await.success();
    }

    pub async fn slipway(&self, arguments: &[&str]) -> Ended {
        self.slipway_with(arguments, "").await
    }

    pub async fn slipway_with(&self, arguments: &[&str], input: &str) -> Ended {
        run(self.command(env!("CARGO_BIN_EXE_slipway")).args(arguments), input).await
    }

    pub async fn git(&self, arguments: &[&str]) -> Ended {
        self.git_with(arguments, "").await
    }

    pub async fn git_with(&self, arguments: &[&str], input: &str) -> Ended {
        run(self.command("git").args(arguments), input).await
    }

    /// A program in the folder, which sees nothing of this machine's own configuration.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.folder)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.home.path())
            .env("SLIPWAY_CONFIG_DIR", self.config_dir())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_CEILING_DIRECTORIES", self.home.path())
            .envs([("GIT_AUTHOR_NAME", "Ada"), ("GIT_AUTHOR_EMAIL", "ada@example.com")])
            .envs([("GIT_COMMITTER_NAME", "Ada"), ("GIT_COMMITTER_EMAIL", "ada@example.com")]);
        command
    }
}

pub async fn run(command: &mut Command, input: &str) -> Ended {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.kill_on_drop(true).spawn().unwrap();
    // A program that reads nothing may have ended before this is written.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes()).await;
    Ended::of(child.wait_with_output().await.unwrap())
}
