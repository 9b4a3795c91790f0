//! Wakes apps that sleep when somebody asks for them.
//!
//! nginx knows which apps may sleep. A request to one of those that has no instance waits there and
//! leaves a mark, again every second; whoever asks for the marks, this task, gets them at once.
//! However many wait, the count is set once: the first mark wins, later ones find it done. A mark that
//! comes to nothing is forgotten, because the next one is a second away.

use std::collections::BTreeSet;
use std::time::Duration;

use slipway_core::autoscale::Decision;
use slipway_core::id::AppId;
use slipway_core::name::ProcessName;
use slipway_store::wakes::Topic;
use slipway_store::{Autoscaled, StoreError};
use tokio_util::sync::CancellationToken;

use crate::context::{Host, Shared};
use crate::rounds::Task;

/// After a failure.
const RETRY: Duration = Duration::from_millis(500);

/// Wakes until told to stop.
pub async fn run<H: Host>(context: Shared<H>, stop: CancellationToken) {
    let mut hint = context.store.wakes().subscribe(Topic::Instances);
    // nginx may remember what an earlier run told it.
    let mut told = true;
    loop {
        let round = round(&context, &mut told);
        let pause = match context.rounds.watch(Task::Wake, round).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "could not look who is to be woken");
                RETRY
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = hint.wait(pause), if pause > Duration::ZERO => {}
            () = std::future::ready(()), if pause == Duration::ZERO => {}
        }
    }
}

/// Asks once who is wanted, and wakes them; how long to pause before the next time.
async fn round<H: Host>(context: &Shared<H>, told: &mut bool) -> anyhow::Result<Duration> {
    let sleepers = context.store.all_autoscaled().await?.into_iter().filter(can_wake);
    let sleepers: Vec<Autoscaled> = sleepers.collect();
    if sleepers.is_empty() && !*told {
        return Ok(context.store.patience());
    }
    let ids: BTreeSet<AppId> = sleepers.iter().map(|one| one.app_id.clone()).collect();
    *told = !ids.is_empty();
    let wanted = context.proxy.wanted(&ids).await?;
    for one in sleepers.iter().filter(|one| wanted.contains(&one.app_id)) {
        wake(context, one).await?;
    }
    Ok(if ids.is_empty() { context.store.patience() } else { Duration::ZERO })
}

fn can_wake(one: &Autoscaled) -> bool {
    one.settings.min == 0 && !one.paused && one.process == ProcessName::web()
}

async fn wake<H: Host>(context: &Shared<H>, one: &Autoscaled) -> Result<(), StoreError> {
    let decision = Decision::wake(&one.settings);
    match context.store.carry_out(&one.app_id, &one.process, 0, &decision).await {
        Ok(()) => {
            tracing::info!(app_id = %one.app_id, "a request woke an app");
            Ok(())
        }
        // It is awake, or nobody is to be woken any more.
        Err(StoreError::Stale | StoreError::AppMissing) => Ok(()),
        Err(error) => Err(error),
    }
}
