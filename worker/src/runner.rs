//! Claims jobs and runs them, each under a lease.
//!
//! A job is repeatable: one that was interrupted is claimed again, by this worker at its next start
//! or by another after the lease's end, and continues from what is stored. While a job runs its
//! lease is renewed; without a renewal it is told to stop in time for nobody to run beside it.

use std::sync::Arc;
use std::time::Duration;

use slipway_core::id::JobId;
use slipway_core::time::Millis;
use slipway_store::jobs::Job;
use slipway_store::wakes::Topic;
use slipway_store::{StoreError, clock};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::context::{Host, Shared};
use crate::jobs::{self, Outcome};
use crate::rounds::Task;
use crate::settings::lease;

/// Jobs that run at the same time, besides the bound on builds and the commands that people run: a day
/// of open shells must not keep a deployment waiting.
const SLOTS: usize = 8;
/// Commands that run at the same time without anybody attached to them; others wait. Those that people
/// are attached to are bounded by the people.
const DETACHED: usize = 8;
/// How long jobs may take to come to a safe point when the worker stops.
const WIND_DOWN: Duration = Duration::from_secs(10);

/// What a running job may ask and must heed.
#[derive(Clone)]
pub struct Run {
    pub job_id: JobId,
    pub fence: i64,
    /// How often it was claimed, this time included.
    pub attempts: u32,
    /// Fires when the lease is about to be lost or the worker stops: begin nothing new.
    pub stop: CancellationToken,
    /// One permit a build.
    pub build_slots: Arc<Semaphore>,
    /// One permit a command that nobody is attached to.
    pub detached_slots: Arc<Semaphore>,
}

/// Claims and runs jobs until told to stop.
pub async fn run<H: Host>(context: Shared<H>, stop: CancellationToken) {
    let owner = context.settings.worker.clone();
    if let Err(error) = context.store.free_leases(&owner).await {
        tracing::warn!(%error, "could not free the leases of an earlier run");
    }
    let build_slots = Arc::new(Semaphore::new(context.settings.build_slots));
    let detached_slots = Arc::new(Semaphore::new(DETACHED));
    let mut running: JoinSet<()> = JoinSet::new();
    let mut commands: JoinSet<()> = JoinSet::new();
    let mut wake = context.store.wakes().subscribe(Topic::Jobs);
    while !stop.is_cancelled() {
        while running.try_join_next().is_some() || commands.try_join_next().is_some() {}
        let free = running.len() < SLOTS;
        let claimed = if free { claim(&context, &owner).await } else { None };
        if let Some(job) = claimed {
            let run = Run {
                job_id: job.id.clone(),
                fence: job.fence,
                attempts: job.attempts,
                stop: stop.child_token(),
                build_slots: Arc::clone(&build_slots),
                detached_slots: Arc::clone(&detached_slots),
            };
            let slots = if job.kind.is_command() { &mut commands } else { &mut running };
            slots.spawn(run_leased(Arc::clone(&context), job, run));
            continue;
        }
        let pause = pause(&context).await;
        tokio::select! {
            () = stop.cancelled() => {}
            _ = running.join_next(), if !running.is_empty() => {}
            () = wake.wait(pause) => {}
        }
    }
    tokio::join!(wind_down(running), wind_down(commands));
    if let Err(error) = context.store.free_leases(&owner).await {
        tracing::warn!(%error, "could not give leases back");
    }
}

async fn claim<H: Host>(context: &Shared<H>, owner: &str) -> Option<Job> {
    let claim = context.store.claim(owner, lease::TTL);
    match context.rounds.watch(Task::Jobs, claim).await {
        Ok(job) => job,
        Err(error) => {
            tracing::warn!(%error, "could not look for jobs");
            None
        }
    }
}

/// How long to wait for a hint: a job that was put off comes due without one.
async fn pause<H: Host>(context: &Shared<H>) -> Duration {
    let patience = context.store.patience();
    match context.store.next_job_due().await {
        Ok(Some(due)) => due.as_duration().min(patience),
        Ok(None) => patience,
        Err(error) => {
            tracing::warn!(%error, "could not look when the next job is due");
            patience
        }
    }
}

async fn wind_down(mut running: JoinSet<()>) {
    let finished =
        tokio::time::timeout(WIND_DOWN, async { while running.join_next().await.is_some() {} });
    if finished.await.is_err() {
        tracing::warn!(
            "some jobs did not come to a safe point within 10 s; they go on at the next start"
        );
        running.abort_all();
    }
}

/// Runs one job while keeping its lease, and writes down what became of it.
#[tracing::instrument(skip_all, fields(job_id = %job.id, kind = job.kind.name()))]
async fn run_leased<H: Host>(context: Shared<H>, job: Job, run: Run) {
    let work = jobs::perform(Arc::clone(&context), job.kind.clone(), run.clone());
    // A panic in a job is the job's failure, not the worker's.
    let mut work = tokio::spawn(work);
    let mut renewed = Instant::now();
    let result = loop {
        tokio::select! {
            result = &mut work => break result,
            () = tokio::time::sleep(lease::RENEW.as_duration()) => {}
        }
        match context.store.renew(&run.job_id, run.fence, lease::TTL).await {
            Ok(()) => renewed = Instant::now(),
            Err(StoreError::LostLease) => {
                tracing::warn!("the lease went to somebody else");
                work.abort();
                return;
            }
            Err(error) => tracing::warn!(%error, "could not renew a lease"),
        }
        if renewed.elapsed() >= lease::SOFT_STOP.as_duration() {
            run.stop.cancel();
        }
        if renewed.elapsed() >= lease::HARD_STOP.as_duration() {
            tracing::warn!("a job was dropped because its lease could not be renewed");
            work.abort();
            return;
        }
    };
    let outcome = match result {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => Outcome::Retry(format!("{error:#}")),
        Err(error) => Outcome::Retry(format!("the job panicked: {error}")),
    };
    settle(&context, &job, &run, outcome).await;
}

async fn settle<H: Host>(context: &Shared<H>, job: &Job, run: &Run, outcome: Outcome) {
    let store = &context.store;
    let written = match outcome {
        Outcome::Done(result) => store.complete(&run.job_id, run.fence, result).await,
        Outcome::Later(delay) => store.postpone(&run.job_id, run.fence, clock::now() + delay).await,
        Outcome::Retry(error) if job.attempts < jobs::MAX_ATTEMPTS => {
            tracing::warn!(error, attempts = job.attempts, "a job failed and is tried again");
            store.retry(&run.job_id, run.fence, clock::now() + backoff(job.attempts), &error).await
        }
        Outcome::Retry(error) => {
            tracing::error!(error, "a job failed for good");
            jobs::give_up(context, &job.kind, &error).await;
            store.fail(&run.job_id, run.fence, &error).await
        }
    };
    match written {
        Ok(()) | Err(StoreError::LostLease) => {}
        Err(error) => tracing::warn!(%error, "could not write down what became of a job"),
    }
}

/// 2, 4, 8 … 60 s, with up to a second of jitter so that failures do not march in step.
fn backoff(attempts: u32) -> Millis {
    let seconds = 1_u64.checked_shl(attempts).unwrap_or(60).min(60);
    let jitter = u64::try_from(clock::now().0.rem_euclid(1_000)).unwrap_or(0);
    Millis(seconds * 1_000 + jitter)
}
