//! Somebody's working copy, and their git.

use std::path::Path;
use std::process::{Output, Stdio};

use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

use crate::world::World;

/// A working copy with one remote, `slipway`.
pub struct Repository {
    directory: TempDir,
}

/// What a push said and how it ended.
#[derive(Debug)]
pub struct Pushed {
    pub code: i32,
    pub said: String,
}

impl Pushed {
    /// Waits for a push that was started.
    pub async fn of(push: Child) -> Self {
        Self::from(&push.wait_with_output().await.unwrap())
    }

    fn from(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            said: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Repository {
    /// A repository on `main` with one commit, whose remote is the app with this credential.
    pub async fn of(world: &World, app: &str, credential: &str) -> Self {
        let repository = Self { directory: tempfile::tempdir().unwrap() };
        repository.git(&["init", "--quiet", "--initial-branch=main"]).await;
        repository.git(&["remote", "add", "slipway", "unset"]).await;
        repository.point_to(world, app, credential).await;
        repository.commit("Procfile", "web: serve\n", "first").await;
        repository
    }

    /// Lets the remote be this app, with this credential.
    pub async fn point_to(&self, world: &World, app: &str, credential: &str) {
        let remote = format!("http://git:{credential}@{}/git/{app}.git", world.address);
        self.git(&["remote", "set-url", "slipway", &remote]).await;
    }

    /// Where a branch is on the server, or nothing.
    pub async fn on_server(&self, branch: &str) -> Option<String> {
        let refs = self.git(&["ls-remote", "slipway", &format!("refs/heads/{branch}")]).await;
        refs.split_whitespace().next().map(str::to_owned)
    }

    /// What git would send to make a ref at `HEAD`: the command, and a pack of everything.
    pub async fn receive_request(&self, name: &str) -> Vec<u8> {
        let head = self.git(&["rev-parse", "HEAD"]).await;
        let command =
            format!("{} {} {name}\0report-status side-band-64k", "0".repeat(40), head.trim());
        let mut request = format!("{:04x}{command}0000", command.len() + 4).into_bytes();
        let mut packing = self.command(&["pack-objects", "--stdout", "--revs", "--quiet"]);
        let mut packing = packing.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut input = packing.stdin.take().unwrap();
        input.write_all(head.as_bytes()).await.unwrap();
        drop(input);
        request.extend(packing.wait_with_output().await.unwrap().stdout);
        request
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Adds a file and commits it; the commit's name.
    pub async fn commit(&self, file: &str, content: impl AsRef<[u8]>, subject: &str) -> String {
        std::fs::write(self.path().join(file), content).unwrap();
        self.git(&["add", "--all"]).await;
        self.git(&["commit", "--quiet", "--allow-empty", "-m", subject]).await;
        self.git(&["rev-parse", "HEAD"]).await.trim().to_owned()
    }

    /// Runs git and wants it to succeed; its output.
    pub async fn git(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().await.unwrap();
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs git, however it ends.
    pub async fn try_git(&self, arguments: &[&str]) -> Pushed {
        Pushed::from(&self.command(arguments).output().await.unwrap())
    }

    /// Pushes, however it ends.
    pub async fn push(&self, refspecs: &[&str]) -> Pushed {
        let arguments = [&["push", "slipway"], refspecs].concat();
        self.try_git(&arguments).await
    }

    /// Starts a push and returns at once.
    pub fn start_push(&self, refspecs: &[&str]) -> Child {
        let arguments = [&["push", "slipway"], refspecs].concat();
        self.command(&arguments).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .args(arguments)
            .current_dir(self.path())
            .env("HOME", self.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_AUTHOR_NAME", "Ada")
            .env("GIT_AUTHOR_EMAIL", "ada@example.com")
            .env("GIT_COMMITTER_NAME", "Ada")
            .env("GIT_COMMITTER_EMAIL", "ada@example.com")
            .env("NO_PROXY", "127.0.0.1")
            .kill_on_drop(true);
        command
    }
}
