//! The git program, started with nothing of our own environment.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process_group, prlimit};

/// Where git, and what git starts, are looked for.
const PROGRAM_PATH: &str = "/usr/local/bin:/usr/bin:/bin";
/// Memory that git and each program it starts may allocate. Files it maps do not count.
const MEMORY_BYTES: u64 = 1 << 30;

/// Starts git on one repository.
#[derive(Debug, Clone)]
pub struct Git {
    directory: PathBuf,
}

impl Git {
    pub fn on(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// A git command without arguments yet, with a cleared environment, without system or personal
    /// configuration, in a process group of its own, all its streams closed.
    pub fn command(&self) -> Command {
        use std::os::unix::process::CommandExt as _;
        let mut command = Command::new("git");
        command
            .env_clear()
            .env("PATH", PROGRAM_PATH)
            .env("HOME", "/nonexistent")
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .current_dir("/")
            .arg("--git-dir")
            .arg(&self.directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        command
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

/// Bounds the memory of a process and of what it starts from now on.
///
/// # Errors
/// When the kernel refuses, which it does for no process of ours that still runs.
pub fn bound_memory(pid: u32) -> io::Result<()> {
    let limit = Rlimit { current: Some(MEMORY_BYTES), maximum: Some(MEMORY_BYTES) };
    prlimit(Some(known_pid(pid)?), Resource::Data, limit)?;
    Ok(())
}

/// Signals a process and everything in its group. One that has ended already is fine.
pub fn signal_group(pid: u32, signal: Signal) {
    if let Ok(pid) = known_pid(pid)
        && let Err(error) = kill_process_group(pid, signal)
        && error != rustix::io::Errno::SRCH
    {
        tracing::warn!(%error, "could not signal a git process");
    }
}

fn known_pid(pid: u32) -> io::Result<Pid> {
    i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not a process id"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_sees_nothing_of_our_environment() {
        let mut git = Git::on(Path::new("/nonexistent")).command();
        git.args(["-c", "alias.environment=!env", "environment"]).stdout(Stdio::piped());
        let output = git.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let known = ["PATH=", "HOME=", "LC_ALL=", "GIT_", "PWD=", "SHLVL=", "OLDPWD=", "_="];
        for line in text.lines() {
            assert!(known.iter().any(|name| line.starts_with(name)), "{line}");
        }
        assert!(text.contains("GIT_CONFIG_GLOBAL=/dev/null"), "{text}");
    }
}
