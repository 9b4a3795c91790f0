//! A developer: a home folder, a repository, git and the `slipway` command line.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::program::folder;
use crate::repository::Echo;
use crate::terminal::Terminal;

/// No command may take longer; a first build makes its base image on the way.
const PATIENCE: Duration = Duration::from_mins(4);
const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What a command printed and how it ended.
#[derive(Debug, Clone)]
pub struct Output {
    pub command: String,
    /// The exit code; -1 when a signal ended it.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    /// Both streams, one after the other.
    pub fn text(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// Itself, when the command succeeded.
    ///
    /// # Panics
    /// When it failed, with all it said.
    pub fn expect_success(&self) -> &Self {
        assert_eq!(self.code, 0, "{self}");
        self
    }

    /// Itself, when the command failed and said each of these.
    ///
    /// # Panics
    /// When it succeeded, or left one of them out.
    pub fn expect_failure(&self, said: &[&str]) -> &Self {
        assert_ne!(self.code, 0, "{self}");
        self.expect_said(said)
    }

    /// Itself, when each of these is in its output.
    ///
    /// # Panics
    /// When one is missing.
    pub fn expect_said(&self, said: &[&str]) -> &Self {
        let text = self.text();
        for words in said {
            assert!(text.contains(words), "nothing about `{words}`:\n{self}");
        }
        self
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, code, stdout, stderr } = self;
        write!(f, "`{command}` ended with {code}\n{stdout}{stderr}")
    }
}

/// A developer of one app, signed in.
pub struct Developer {
    home: PathBuf,
    repository: PathBuf,
}

impl Developer {
    /// Someone new with an empty repository on the branch `main`.
    ///
    /// # Panics
    /// When the folder cannot be written.
    pub async fn new(home: PathBuf) -> Self {
        let repository = home.join("repository");
        fs::create_dir_all(&repository).expect("the home can be made");
        let configuration = "[user]\n\tname = Ada\n\temail = ada@example.com\n";
        fs::write(home.join(".gitconfig"), configuration).expect("the home can be written");
        let developer = Self { home, repository };
        developer.git(&["init", "--quiet", "--initial-branch=main"]).await.expect_success();
        developer
    }

    /// Their home.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The repository's folder.
    pub fn repository(&self) -> &Path {
        &self.repository
    }

    /// Runs the command line of Slipway in the repository.
    pub async fn slipway(&self, arguments: &[&str]) -> Output {
        self.run("slipway", arguments, "").await
    }

    /// Runs the command line of Slipway with this on its standard input.
    pub async fn tell_slipway(&self, arguments: &[&str], input: &str) -> Output {
        self.run("slipway", arguments, input).await
    }

    /// Runs git in the repository.
    pub async fn git(&self, arguments: &[&str]) -> Output {
        self.run("git", arguments, "").await
    }

    /// Commits this app in place of what was there.
    ///
    /// # Panics
    /// When git refuses.
    pub async fn commit(&self, app: &Echo) {
        app.write(&self.repository);
        self.commit_all("a change").await;
    }

    /// Commits whatever is in the folder.
    ///
    /// # Panics
    /// When git refuses.
    pub async fn commit_all(&self, message: &str) {
        self.git(&["add", "--all"]).await.expect_success();
        let commit = ["commit", "--quiet", "--allow-empty", "--message", message];
        self.git(&commit).await.expect_success();
    }

    /// Pushes what is committed and waits for the end of the deployment.
    pub async fn push(&self) -> Output {
        self.git(&["push", "slipway", "main"]).await
    }

    /// Commits this app, pushes it and sees it go live.
    ///
    /// # Panics
    /// When the push fails.
    pub async fn deploy(&self, app: &Echo) -> Output {
        self.commit(app).await;
        let push = self.push().await;
        push.expect_success();
        push
    }

    /// The commit the server's `main` is at; empty before the first deployment.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn deployed_commit(&self) -> String {
        let listed = self.git(&["ls-remote", "slipway", "refs/heads/main"]).await;
        listed.expect_success().stdout.split_whitespace().next().unwrap_or_default().to_owned()
    }

    /// Starts a command that runs until it ends or is killed by dropping it.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(&self, program: &str, arguments: &[&str]) -> Child {
        self.command(program, arguments).spawn().expect("the program starts")
    }

    /// Starts the command line of Slipway on a terminal of this many rows and columns.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn on_terminal(&self, arguments: &[&str], rows: u16, columns: u16) -> Terminal {
        let command = self.command("slipway", arguments);
        Terminal::start(&command, rows, columns).expect("the program starts on a terminal")
    }

    /// A shell that reads commands from its standard input: what documents show is typed into one.
    pub fn shell(&self) -> Command {
        self.command("bash", &["--noprofile", "--norc", "-s"])
    }

    async fn run(&self, program: &str, arguments: &[&str], input: &str) -> Output {
        let run = async {
            let mut child = self.command(program, arguments).stdin(Stdio::piped()).spawn()?;
            // Dropped at the end of the statement, which ends the input.
            let told = child.stdin.take().expect("it is a pipe").write_all(input.as_bytes()).await;
            let ended = child.wait_with_output().await;
            // A program that does not read its input is free not to.
            told.or_else(|error| if input.is_empty() { Ok(()) } else { Err(error) })?;
            ended
        };
        let command = format!("{program} {}", arguments.join(" "));
        let Ok(ended) = timeout(PATIENCE, run).await else {
            panic!("`{command}` did not end within {} s", PATIENCE.as_secs());
        };
        let ended = ended.unwrap_or_else(|error| panic!("`{command}` does not start: {error}"));
        Output {
            command,
            code: ended.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&ended.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&ended.stderr).into_owned(),
        }
    }

    /// A command with this person's home and nothing of ours.
    fn command(&self, program: &str, arguments: &[impl AsRef<OsStr>]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(&self.repository)
            .env_clear()
            .env("HOME", &self.home)
            .env("PATH", format!("{}:{SYSTEM_PATH}", folder().display()))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}
