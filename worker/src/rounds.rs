//! How the rounds of the worker's tasks went, for whoever asks the API.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use slipway_core::time::Millis;
use slipway_core::wire::status::TaskRound;
use slipway_store::clock;

/// Longest error that is kept, in characters.
const LONGEST_ERROR: usize = 300;

/// A task that goes round for as long as the worker runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Task {
    /// Starts, checks, switches and stops instances.
    Instances,
    /// Claims jobs.
    Jobs,
    /// Ends states that lasted too long.
    Deadlines,
    /// Follows what instances write.
    Logs,
    /// Carries the proxy's access log into the apps' logs.
    Access,
    /// Measures apps and host.
    Monitor,
    /// Writes measurements down.
    Recorder,
    /// Reads what apps expose themselves.
    Gauges,
    Autoscaler,
    /// Wakes apps that sleep.
    Wake,
    Alerts,
    /// Sends messages to channels.
    Deliveries,
    /// Sends log lines to drains.
    Drains,
    /// Clears away what nobody needs.
    Janitor,
}

impl Task {
    /// The name that the API tells.
    pub fn name(self) -> &'static str {
        match self {
            Self::Instances => "instances",
            Self::Jobs => "jobs",
            Self::Deadlines => "deadlines",
            Self::Logs => "logs",
            Self::Access => "access",
            Self::Monitor => "monitor",
            Self::Recorder => "recorder",
            Self::Gauges => "gauges",
            Self::Autoscaler => "autoscaler",
            Self::Wake => "wake",
            Self::Alerts => "alerts",
            Self::Deliveries => "deliveries",
            Self::Drains => "drains",
            Self::Janitor => "janitor",
        }
    }

    /// How long one round after another may at most be in coming while nothing is to do.
    fn interval(self) -> Duration {
        match self {
            Self::Janitor => Duration::from_mins(5),
            Self::Instances => Duration::from_secs(15),
            Self::Jobs
            | Self::Deadlines
            | Self::Logs
            | Self::Access
            | Self::Monitor
            | Self::Recorder
            | Self::Gauges
            | Self::Autoscaler
            | Self::Wake
            | Self::Alerts
            | Self::Deliveries
            | Self::Drains => Duration::from_secs(5),
        }
    }
}

/// The last round of each task.
#[derive(Debug, Default)]
pub struct Rounds(Mutex<BTreeMap<Task, TaskRound>>);

impl Rounds {
    /// Lets a round pass, and remembers how it went.
    pub async fn watch<T, E: Display>(
        &self,
        task: Task,
        round: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let began = Instant::now();
        let outcome = round.await;
        let error = outcome.as_ref().err().map(|error| format!("{error:#}"));
        self.note(task, began.elapsed(), error);
        outcome
    }

    /// The last round of each task that had one.
    pub fn all(&self) -> Vec<TaskRound> {
        self.lock().values().cloned().collect()
    }

    fn note(&self, task: Task, took: Duration, error: Option<String>) {
        let mut rounds = self.lock();
        let before = rounds.get(&task).map_or(0, |round| round.failures);
        let round = TaskRound {
            name: task.name().to_owned(),
            ended_at: clock::now(),
            took_ms: millis(took),
            interval_ms: millis(task.interval()),
            failures: if error.is_some() { before.saturating_add(1) } else { 0 },
            error: error.map(|error| error.chars().take(LONGEST_ERROR).collect()),
        };
        rounds.insert(task, round);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Task, TaskRound>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn millis(duration: Duration) -> Millis {
    Millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn failures_in_a_row_are_counted_until_a_round_goes_well() {
        let rounds = Rounds::default();
        let round = async |outcome: Result<u8, &'static str>| {
            let passed = rounds.watch(Task::Alerts, async { outcome }).await;
            assert_eq!(passed, outcome);
            let all = rounds.all();
            assert_eq!(all.len(), 1);
            (all[0].failures, all[0].error.clone())
        };
        assert_eq!(round(Err("no")).await, (1, Some("no".to_owned())));
        assert_eq!(round(Err("still no")).await, (2, Some("still no".to_owned())));
        assert_eq!(round(Ok(1)).await, (0, None));
        assert_eq!(rounds.all()[0].name, "alerts");
    }
}
