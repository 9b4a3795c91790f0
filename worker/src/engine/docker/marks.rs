//! Marks on commands inside of instances, to find and end them by.
//!
//! The daemon starts such a command and has no verb that ends one. So each carries a variable in
//! its environment, which what it starts inherits, and is ended through this host's `/proc`. The
//! mark names the process that made it: what an earlier one left is ended at the next start. Where
//! the daemon's processes are not visible, a command lasts as long as its instance.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use slipway_core::id::{InstallationId, InstanceId};
use slipway_store::mint;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Docker;
use super::process::Process;

const VARIABLE: &str = "SLIPWAY_EXEC";
/// How long a command that was told with SIGHUP may take to end.
const GRACE: Duration = Duration::from_secs(2);

/// Makes the marks of this process.
#[derive(Debug)]
pub struct Marks {
    /// Starts the marks of this installation.
    ours: String,
    /// Starts the marks of this process.
    now: String,
    count: AtomicU64,
}

/// One command's mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark(String);

impl Marks {
    pub fn new(installation: &InstallationId) -> Self {
        let ours = format!("{VARIABLE}={installation}.");
        let process: InstanceId = mint::id();
        let now = format!("{ours}{process}.");
        Self { ours, now, count: AtomicU64::new(0) }
    }

    /// A mark that no other command has or had.
    pub fn next(&self) -> Mark {
        // The dot at its end keeps the first from being found as the start of the tenth.
        Mark(format!("{}{}.", self.now, self.count.fetch_add(1, Ordering::Relaxed)))
    }
}

impl Mark {
    /// As a variable of an environment.
    pub fn variable(&self) -> String {
        self.0.clone()
    }

    /// Waits for the line to be dropped, or for the end of this process, and ends what is left.
    pub async fn end_after(
        self,
        container: String,
        line: CancellationToken,
        stopping: CancellationToken,
    ) {
        tokio::select! {
            () = line.cancelled() => {}
            () = stopping.cancelled() => {}
        }
        let is_marked = move |variable: &[u8]| variable == self.0.as_bytes();
        for (signal, patience) in [(Signal::HUP, GRACE), (Signal::KILL, Duration::ZERO)] {
            let (container, is_marked) = (container.clone(), is_marked.clone());
            let told = tokio::task::spawn_blocking(move || tell(&container, signal, &is_marked));
            if matches!(told.await, Ok(0)) {
                return;
            }
            sleep(patience).await;
        }
    }
}

impl Docker {
    /// Ends the commands that an earlier process of this installation left in instances.
    pub(super) async fn sweep_commands(self) {
        let Ok(population) = self.everything().await else { return };
        let containers = population.instances.into_iter().map(|instance| instance.id);
        let containers: Vec<String> = containers.collect();
        let sweep = move || {
            let marks = &self.shared.marks;
            let is_left = |variable: &[u8]| {
                variable.starts_with(marks.ours.as_bytes())
                    && !variable.starts_with(marks.now.as_bytes())
            };
            let end = |container: &String| tell(container, Signal::KILL, &is_left);
            containers.iter().map(end).sum::<usize>()
        };
        if let Ok(ended @ 1..) = tokio::task::spawn_blocking(sweep).await {
            tracing::info!(ended, "ended commands that an earlier run left in instances");
        }
    }
}

/// Signals every process of a container with such a variable; how many those were.
fn tell(container: &str, signal: Signal, is_marked: &impl Fn(&[u8]) -> bool) -> usize {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    numbers.filter(|&number| tell_one(container, number, signal, is_marked).is_some()).count()
}

/// Signals a process if it is one of those. It is held first and looked at then, so that a number
/// that is used again in between hits nobody.
fn tell_one(
    container: &str,
    number: i32,
    signal: Signal,
    is_marked: &impl Fn(&[u8]) -> bool,
) -> Option<()> {
    let held = pidfd_open(Pid::from_raw(number)?, PidfdFlags::empty()).ok()?;
    let environment = fs::read(format!("/proc/{number}/environ")).ok()?;
    environment.split(|&byte| byte == 0).find(|variable| is_marked(variable))?;
    Process::of(container, number.try_into().ok()?)?;
    pidfd_send_signal(&held, signal).ok()
}

#[cfg(test)]
mod tests {
    use slipway_core::id::Id as _;

    use super::*;

    #[test]
    fn a_mark_is_of_one_command_of_one_process() {
        let installation = InstallationId::from_bits(1);
        let (before, now) = (Marks::new(&installation), Marks::new(&installation));
        let marks: Vec<String> = (0..11).map(|_| now.next().variable()).collect();
        assert!(marks.iter().all(|mark| mark.starts_with(&now.now) && mark.starts_with(&now.ours)));
        assert!(!marks[10].starts_with(&marks[1]));
        assert!(!before.next().variable().starts_with(&now.now));
        assert!(before.next().variable().starts_with(&now.ours));
    }

    #[test]
    fn a_process_outside_of_the_container_is_not_told() {
        assert_eq!(tell("0123456789abcdef", Signal::HUP, &|_| true), 0);
    }
}
