//! nginx's processes as the kernel shows them.
//!
//! nginx starts a session of its own when it goes to the background, so the session id is the
//! master's process id for the master and all its workers. It stays theirs for as long as one of
//! them lives, even when the master was killed: the kernel does not hand out a process id that is
//! still some session's.

use std::fs;
use std::path::Path;

/// The title nginx gives a worker that finishes its requests and accepts no new ones.
const LEAVING: &str = "nginx: worker process is shutting down";
const NGINX: &str = "nginx: ";
const MASTER: &str = "nginx: master process ";

/// One worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Worker {
    pub(super) pid: i32,
    /// Whether it still takes new connections.
    pub(super) accepting: bool,
}

/// Whether `pid` is an nginx master that was started with this prefix.
pub(super) fn is_master(pid: i32, prefix: &Path) -> bool {
    let Some(title) = title(pid) else { return false };
    let Some(command) = title.strip_prefix(MASTER) else { return false };
    let mut words = command.split_whitespace().skip_while(|word| *word != "-p");
    words.nth(1).is_some_and(|given| Path::new(given) == prefix)
}

/// Whether `pid` is a process that has a command line. One that was killed has none any more,
/// already before it is gone.
pub(super) fn is_alive(pid: i32) -> bool {
    title(pid).is_some_and(|title| !title.is_empty())
}

/// Whether `pid` is alive and in the session of `master`.
pub(super) fn is_in_session(pid: i32, master: i32) -> bool {
    session(pid) == Some(master)
}

/// The workers in the session of `master`, which itself need not be alive. A worker that was just
/// forked still has its master's title.
pub(super) fn workers(master: i32) -> Vec<Worker> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| *pid != master && is_in_session(*pid, master)).filter_map(worker).collect()
}

fn worker(pid: i32) -> Option<Worker> {
    let title = title(pid)?;
    title.starts_with(NGINX).then(|| Worker { pid, accepting: !title.starts_with(LEAVING) })
}

fn title(pid: i32) -> Option<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let text = String::from_utf8_lossy(&bytes).replace('\0', " ");
    Some(text.trim_end().to_owned())
}

/// Field 6 of `/proc/<pid>/stat`; `None` for a process that is gone or a zombie.
fn session(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the name in parentheses and may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    let session = fields.nth(2)?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(session)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_is_no_nginx_is_never_taken_for_one() {
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(!is_master(own, Path::new("/")));
        assert!(workers(own).is_empty());
        assert!(!is_in_session(i32::MAX, own));
    }

    #[test]
    fn a_live_process_is_in_its_session() {
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(is_in_session(own, session(own).unwrap()));
    }
}
