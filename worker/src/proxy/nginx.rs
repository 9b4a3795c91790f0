//! The nginx program: testing a configuration, starting, signalling and recognising it.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Command;
use tokio::time::timeout;

use super::ProxyError;
use super::layout::Layout;
use super::process;
use super::settings::ProxySettings;

/// Reading a configuration of 500 apps takes well below a second, five attempts to bind an
/// address that is taken 2.5 s.
const RUN_DEADLINE: Duration = Duration::from_secs(15);

/// One nginx with its own prefix.
#[derive(Debug, Clone)]
pub(super) struct Nginx {
    program: PathBuf,
    layout: Layout,
}

/// What nginx says about a configuration it does not like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Complaint {
    pub(super) text: String,
}

impl Nginx {
    pub(super) fn new(settings: &ProxySettings, layout: &Layout) -> Self {
        Self { program: settings.nginx.clone(), layout: layout.clone() }
    }

    /// Whether nginx would take the configuration.
    pub(super) async fn test(&self, conf: &Path) -> Result<Result<(), Complaint>, ProxyError> {
        self.run(conf, &["-t", "-q"]).await
    }

    /// Starts it in the background, in a session of its own. It has its listeners and has read
    /// its configuration when this returns.
    pub(super) async fn start(&self) -> Result<Result<(), Complaint>, ProxyError> {
        self.run(&self.layout.current().join("nginx.conf"), &[]).await
    }

    /// The master's process id, if it runs and is ours.
    pub(super) fn master(&self) -> Option<i32> {
        recorded_pid(&self.layout).filter(|pid| process::is_master(*pid, self.layout.root()))
    }

    /// The workers of the master that wrote the pid file last, even if it was killed.
    pub(super) fn workers(&self) -> Vec<process::Worker> {
        self.session().map_or_else(Vec::new, process::workers)
    }

    /// Kills what there is, the master first, so that it replaces nobody.
    pub(super) fn kill(&self) {
        if let Some(session) = self.session() {
            self.kill_session(session);
        }
    }

    /// The same of one master and its workers.
    pub(super) fn kill_session(&self, session: i32) {
        if process::is_master(session, self.layout.root()) {
            signal(session, Signal::KILL);
        }
        for worker in process::workers(session) {
            signal(worker.pid, Signal::KILL);
        }
    }

    /// The session of our nginx: its recorded process id, unless that belongs to somebody else by
    /// now (after a reboot, say).
    fn session(&self) -> Option<i32> {
        recorded_pid(&self.layout)
            .filter(|pid| self.master() == Some(*pid) || !process::is_alive(*pid))
    }

    async fn run(
        &self,
        conf: &Path,
        arguments: &[&str],
    ) -> Result<Result<(), Complaint>, ProxyError> {
        let mut command = Command::new(&self.program);
        command
            .arg("-p")
            .arg(self.layout.root())
            .arg("-c")
            .arg(conf)
            .args(arguments)
            .current_dir(self.layout.root())
            // nginx writes its process titles over its environment: with an empty one they would
            // be cut off, and the prefix, by which it is recognised, with them.
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let failed = |source| ProxyError::Program { program: self.program.clone(), source };
        let Ok(output) = timeout(RUN_DEADLINE, command.output()).await else {
            return Ok(Err(Complaint { text: "no result within 15 s".to_owned() }));
        };
        Ok(verdict(&output.map_err(failed)?))
    }
}

fn verdict(output: &Output) -> Result<(), Complaint> {
    if output.status.success() {
        return Ok(());
    }
    Err(Complaint { text: String::from_utf8_lossy(&output.stderr).trim().to_owned() })
}

impl Complaint {
    /// The line of the configuration it is about, counted from 1: the number after its path.
    pub(super) fn line(&self, conf: &Path) -> Option<usize> {
        let place = format!("{}:", conf.display());
        let (_, rest) = self.text.split_once(&place)?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..digits].parse().ok()
    }
}

/// What the pid file says. The process may be gone, or another one.
pub(super) fn recorded_pid(layout: &Layout) -> Option<i32> {
    std::fs::read_to_string(layout.pid_file()).ok()?.trim().parse().ok().filter(|pid| *pid > 1)
}

/// Sends a signal; a process that is gone needs none.
pub(super) fn signal(pid: i32, signal: Signal) {
    if let Some(target) = Pid::from_raw(pid)
        && let Err(error) = kill_process(target, signal)
    {
        tracing::debug!(pid, ?signal, %error, "a process of nginx could not be signalled");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_names_its_line() {
        let text = "nginx: [emerg] unknown directive \"x\" in /d/generations/2/nginx.conf:41";
        let complaint = Complaint { text: text.to_owned() };
        assert_eq!(complaint.line(Path::new("/d/generations/2/nginx.conf")), Some(41));
        assert_eq!(complaint.line(Path::new("/d/generations/3/nginx.conf")), None);
    }
}
