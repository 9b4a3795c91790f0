//! The server itself.

use serde::{Deserialize, Serialize};

use crate::time::{Millis, Timestamp};

/// How the server is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ServerStatus {
    pub version: String,
    pub installation: String,
    /// `sqlite` or `postgres`.
    pub database: String,
    /// Whether somebody claimed it.
    pub claimed: bool,
    pub components: Vec<ComponentStatus>,
    /// What goes round in the worker; a server of before this was told says nothing.
    #[serde(default)]
    pub tasks: Vec<TaskRound>,
    pub apps: u32,
    pub jobs_queued: u32,
    pub jobs_running: u32,
    pub now: Timestamp,
}

/// A part of the server: `database`, `docker`, `proxy`, `worker`, `disk`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ComponentStatus {
    pub name: String,
    pub ok: bool,
    /// One sentence: `Docker 20.10.24, 14 instances`.
    pub message: String,
    /// How old this knowledge is.
    pub age_ms: Millis,
}

/// The last round of one of the worker's tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TaskRound {
    /// `instances`, `monitor`, `alerts`.
    pub name: String,
    pub ended_at: Timestamp,
    pub took_ms: Millis,
    /// How long the next one may be in coming.
    pub interval_ms: Millis,
    /// How many have failed in a row, this one included.
    pub failures: u32,
    /// Why this one failed.
    pub error: Option<String>,
}

impl TaskRound {
    /// How it goes. A round that is this much late hangs: what it waits for has a deadline of its own
    /// that is shorter.
    pub fn health(&self, now: Timestamp) -> TaskHealth {
        const PATIENCE: Millis = Millis::from_secs(60);
        if now.since(self.ended_at).0 > self.interval_ms.0 + PATIENCE.0 {
            TaskHealth::Late
        } else if self.failures > 0 {
            TaskHealth::Failing
        } else {
            TaskHealth::Well
        }
    }
}

/// How a task goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskHealth {
    Well,
    /// Its last round failed.
    Failing,
    /// Its next round should have ended long ago.
    Late,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_late_when_its_round_should_have_ended_long_ago() {
        let mut round = TaskRound {
            name: "alerts".to_owned(),
            ended_at: Timestamp(1_000_000),
            took_ms: Millis(3),
            interval_ms: Millis::from_secs(5),
            failures: 0,
            error: None,
        };
        let after =
            |round: &TaskRound, seconds: i64| round.health(Timestamp(1_000_000 + seconds * 1_000));
        assert_eq!(after(&round, 65), TaskHealth::Well);
        assert_eq!(after(&round, 66), TaskHealth::Late);
        round.failures = 2;
        assert_eq!(after(&round, 5), TaskHealth::Failing);
        assert_eq!(after(&round, 66), TaskHealth::Late);
    }
}
