//! Durable one-off work with an input: each at least once, and safe to begin again.

mod attended;
mod build;
mod command;
mod deploy;
mod destroy;
mod run;
mod turn;

use slipway_core::time::Millis;
use slipway_store::jobs::JobKind;

use crate::context::{Host, Shared};
use crate::runner::Run;

/// How often a job that fails for a passing cause is tried.
pub const MAX_ATTEMPTS: u32 = 5;

/// How long a command waits before it looks again whether another one has ended.
const OTHERS_RUN: Millis = Millis(1000);

/// How a job ended.
#[derive(Debug)]
pub enum Outcome {
    /// It is done, with a result for whoever waits.
    Done(Option<serde_json::Value>),
    /// Its turn has not come; that is no failed attempt.
    Later(Millis),
    /// It failed for a cause that may pass.
    Retry(String),
}

/// Does a job's work from wherever an earlier attempt left it.
pub async fn perform<H: Host>(
    context: Shared<H>,
    kind: JobKind,
    run: Run,
) -> anyhow::Result<Outcome> {
    match kind {
        JobKind::Deploy { deployment_id } => deploy::perform(&context, &deployment_id, &run).await,
        JobKind::Run { app_id, release_id, command, timeout_s, attach, instance_id } => {
            let one_off = run::OneOff { app_id, release_id, command, timeout_s };
            let Some(attach) = attach else {
                let Ok(_slot) = run.detached_slots.try_acquire() else {
                    return Ok(Outcome::Later(OTHERS_RUN));
                };
                return run::perform(&context, &one_off, &run).await;
            };
            let attended = attended::Attended { one_off, inside: instance_id, attach };
            attended::perform(&context, &attended, &run).await
        }
        JobKind::Destroy { app_id } => destroy::perform(&context, &app_id, &run).await,
    }
}

/// Says what a job that failed for good leaves behind.
pub async fn give_up<H: Host>(context: &Shared<H>, kind: &JobKind, error: &str) {
    match kind {
        JobKind::Deploy { deployment_id } => deploy::give_up(context, deployment_id, error).await,
        // Whoever waits for it reads the job's own error.
        JobKind::Run { .. } | JobKind::Destroy { .. } => {}
    }
}
