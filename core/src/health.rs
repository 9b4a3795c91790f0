//! Health of one instance: probe results in, standing out.
//!
//! A booting instance is ready after [`PASSES_TO_ADMIT`] passes in a row and its failures do not
//! count until the boot deadline. A ready one is taken out after [`FAILS_TO_EJECT`] failures in a
//! row. Unready is not dead: only the process's own end is a crash.

use std::net::SocketAddr;

use crate::instance::Exit;
use crate::reason::{Reason, ReasonCode};
use crate::time::{Millis, Timestamp};

/// Passes in a row that make an instance ready.
pub const PASSES_TO_ADMIT: u32 = 2;
/// Failures in a row that take a ready instance out.
pub const FAILS_TO_EJECT: u32 = 3;
/// Ends by itself that fail a booting instance.
pub const CRASHES_TO_FAIL: u32 = 3;
/// How long a process without a port must run to count as ready.
pub const SETTLE: Millis = Millis::from_secs(1);
/// How long an instance may listen in the wrong place before that is its verdict: long enough for
/// an app whose admin port comes up before its main one.
pub const MISPLACED: Millis = Millis::from_secs(10);

/// What one probe found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// It answered with a status that passes.
    Passed,
    /// It answered with a status that does not.
    BadStatus(u16),
    /// Nobody accepted the connection.
    Refused,
    /// No answer in time.
    TimedOut,
}

/// How an instance stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Booting,
    Ready,
    Unready,
}

/// The running count of one instance's probes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    pub standing: Standing,
    pub since: Timestamp,
    passes: u32,
    fails: u32,
    last: Option<Probe>,
    misplaced_since: Option<Timestamp>,
}

impl Health {
    /// An instance that just started.
    pub fn booting(now: Timestamp) -> Self {
        Self {
            standing: Standing::Booting,
            since: now,
            passes: 0,
            fails: 0,
            last: None,
            misplaced_since: None,
        }
    }

    /// An instance that was ready when it was last seen, by an earlier run of Slipway.
    pub fn assumed_ready(since: Timestamp) -> Self {
        Self { standing: Standing::Ready, ..Self::booting(since) }
    }

    /// Takes a probe in; says whether the standing changed.
    pub fn record(&mut self, probe: Probe, now: Timestamp) -> bool {
        if probe == Probe::Passed {
            self.passes += 1;
            self.fails = 0;
        } else {
            self.fails += 1;
            self.passes = 0;
        }
        self.last = Some(probe);
        let next = match self.standing {
            Standing::Booting | Standing::Unready if self.passes >= PASSES_TO_ADMIT => {
                Standing::Ready
            }
            Standing::Ready if self.fails >= FAILS_TO_EJECT => Standing::Unready,
            same @ (Standing::Booting | Standing::Unready | Standing::Ready) => same,
        };
        let changed = next != self.standing;
        if changed {
            self.standing = next;
            self.since = now;
        }
        changed
    }

    /// Takes the addresses in that the process listens on, and remembers since when it has been
    /// listening, but not where it should.
    pub fn record_listeners(&mut self, listeners: &[SocketAddr], port: u16, now: Timestamp) {
        let reachable = listeners.iter().any(|at| at.port() == port && !at.ip().is_loopback());
        if listeners.is_empty() || reachable {
            self.misplaced_since = None;
        } else {
            self.misplaced_since.get_or_insert(now);
        }
    }

    /// Whether a booting instance has failed for good, and why. `started` is when its container
    /// started first; `crashes` and `last_exit` are the engine's count.
    pub fn boot_verdict(&self, boot: &Boot<'_>, now: Timestamp) -> Option<Reason> {
        if let Some(reason) = crash_verdict(boot) {
            return Some(reason);
        }
        if self.standing != Standing::Booting {
            return None;
        }
        let port = boot.port?;
        let misplaced = self.misplaced_since.is_some_and(|since| now.since(since) >= MISPLACED);
        if misplaced || now.since(boot.started) >= boot.deadline {
            return Some(self.diagnosis(port, boot, now));
        }
        None
    }

    fn diagnosis(&self, port: u16, boot: &Boot<'_>, now: Timestamp) -> Reason {
        let waited = now.since(boot.started);
        let on_port: Vec<&SocketAddr> =
            boot.listeners.iter().filter(|at| at.port() == port).collect();
        let elsewhere: Vec<String> =
            boot.listeners.iter().map(|at| at.port().to_string()).collect();
        match &self.last {
            Some(Probe::BadStatus(status)) => Reason::new(
                ReasonCode::BadStatus,
                format!("`GET {}` answered {status} for {waited}", boot.path),
            ),
            _ if !on_port.is_empty() && on_port.iter().all(|at| at.ip().is_loopback()) => {
                Reason::new(
                    ReasonCode::BoundToLoopback,
                    format!("it listens on 127.0.0.1:{port} only, where the proxy cannot reach it"),
                )
            }
            _ if on_port.is_empty() && !elsewhere.is_empty() => Reason::new(
                ReasonCode::WrongPort,
                format!("it listens on port {}, and $PORT is {port}", elsewhere.join(", ")),
            ),
            _ if on_port.is_empty() => Reason::new(
                ReasonCode::PortNotBound,
                format!("nothing listens on port {port} after {waited}"),
            ),
            _ => Reason::new(
                ReasonCode::BootTimeout,
                format!("it listens on port {port} and did not answer within {waited}"),
            ),
        }
    }
}

/// What is known of an instance's boot besides its probes.
#[derive(Debug, Clone, Copy)]
pub struct Boot<'a> {
    pub started: Timestamp,
    pub deadline: Millis,
    pub port: Option<u16>,
    /// The path asked, for the sentence.
    pub path: &'a str,
    pub crashes: u32,
    pub last_exit: Option<Exit>,
    pub listeners: &'a [SocketAddr],
    pub memory_bytes: u64,
}

fn crash_verdict(boot: &Boot<'_>) -> Option<Reason> {
    if boot.crashes < CRASHES_TO_FAIL {
        return None;
    }
    let exit = boot.last_exit?;
    Some(exit_reason(exit, boot.crashes, boot.memory_bytes))
}

/// The sentence for a process that ended by itself.
pub fn exit_reason(exit: Exit, crashes: u32, memory_bytes: u64) -> Reason {
    let times = if crashes > 1 { format!(", {crashes} times in a row") } else { String::new() };
    if exit.oom_killed {
        let limit = memory_bytes / (1024 * 1024);
        let sentence = format!("killed at its memory limit of {limit} MiB{times}");
        return Reason::new(ReasonCode::OomKilled, sentence);
    }
    let sentence = match exit.code {
        127 => format!("exited with 127 (command not found){times}"),
        code @ 129..=159 => format!("ended by signal {}{times}", code - 128),
        code => format!("exited with {code}{times}"),
    };
    Reason::new(ReasonCode::Exited, sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp(ms)
    }

    fn boot(listeners: &[SocketAddr]) -> Boot<'_> {
        Boot {
            started: at(0),
            deadline: Millis::from_secs(60),
            port: Some(8000),
            path: "/",
            crashes: 0,
            last_exit: None,
            listeners,
            memory_bytes: 512 << 20,
        }
    }

    #[test]
    fn two_passes_in_a_row_admit_and_three_failures_eject() {
        let mut health = Health::booting(at(0));
        assert!(!health.record(Probe::Passed, at(1)));
        assert!(!health.record(Probe::Refused, at(2)));
        assert!(!health.record(Probe::Passed, at(3)));
        assert!(health.record(Probe::Passed, at(4)));
        assert_eq!(health.standing, Standing::Ready);
        assert!(!health.record(Probe::TimedOut, at(5)));
        assert!(!health.record(Probe::BadStatus(500), at(6)));
        assert!(health.record(Probe::Refused, at(7)));
        assert_eq!(health.standing, Standing::Unready);
    }

    #[test]
    fn failures_do_not_count_before_the_boot_deadline() {
        let mut health = Health::booting(at(0));
        for tick in 0..500 {
            health.record(Probe::Refused, at(tick * 100));
        }
        assert_eq!(health.boot_verdict(&boot(&[]), at(59_999)), None);
        let verdict = health.boot_verdict(&boot(&[]), at(60_000)).unwrap();
        assert_eq!(verdict.code, ReasonCode::PortNotBound);
    }

    #[test]
    fn listening_in_the_wrong_place_is_named_soon() {
        for (listens, code) in [
            ("0.0.0.0:3000", ReasonCode::WrongPort),
            ("127.0.0.1:8000", ReasonCode::BoundToLoopback),
        ] {
            let listeners = [listens.parse().unwrap()];
            let mut health = Health::booting(at(0));
            health.record(Probe::Refused, at(100));
            health.record_listeners(&listeners, 8000, at(500));
            assert_eq!(health.boot_verdict(&boot(&listeners), at(10_000)), None);
            let verdict = health.boot_verdict(&boot(&listeners), at(10_500)).unwrap();
            assert_eq!(verdict.code, code);
        }
    }

    #[test]
    fn three_crashes_are_a_verdict_with_their_cause() {
        let health = Health::booting(at(0));
        let exit = Exit { code: 137, oom_killed: true, at: at(5) };
        let mut boot = boot(&[]);
        (boot.crashes, boot.last_exit) = (2, Some(exit));
        assert_eq!(health.boot_verdict(&boot, at(10)), None);
        boot.crashes = 3;
        assert_eq!(health.boot_verdict(&boot, at(10)).unwrap().code, ReasonCode::OomKilled);
    }
}
