//! Measures everything every two seconds: what went through the proxy, what instances used, how the
//! host is.
//!
//! ```text
//!   proxy traffic, times ─┐
//!   engine usage          ├─▶ Sighting ─▶ Meter ─▶ Look ─┬─▶ live ─▶ autoscaler, alerts
//!   instance rows, host   ┘        (what came since)     └─▶ recorder ─▶ store
//! ```
//!
//! A part that cannot be read is absent from a look and never zero; the next reading covers the time
//! of those that failed. Writing is a task of its own, so that a slow database delays no look.

mod host;
mod meter;
mod sighting;

use std::time::Duration;

use slipway_store::clock;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use self::meter::Meter;
use self::sighting::Sighter;
use crate::context::{Host, Shared};
use crate::metrics::live::Look;
use crate::metrics::recorder::Recorder;
use crate::rounds::Task;

/// How often everything is looked at.
const POLL: Duration = Duration::from_secs(2);
/// How often intervals that are over are written.
const WRITE: Duration = Duration::from_secs(5);
/// How often it is tried to take up what is stored.
const RETRY: Duration = Duration::from_secs(5);
/// Looks that wait for a database that is slow: two minutes of them.
const MOST_WAITING: usize = 60;
/// How long the last write may take when the worker stops.
const LAST_WRITE: Duration = Duration::from_secs(3);

/// Measures and records until told to stop.
pub async fn run<H: Host>(context: Shared<H>, stop: CancellationToken) {
    let (sender, looks) = mpsc::channel(MOST_WAITING);
    tokio::join!(watch(&context, &stop, sender), record(&context, &stop, looks));
}

async fn watch<H: Host>(context: &Shared<H>, stop: &CancellationToken, looks: mpsc::Sender<Look>) {
    let mut sighter = Sighter::new(&context.store);
    let mut meter = Meter::default();
    let mut ticks = interval(POLL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let sighting = match context.rounds.watch(Task::Monitor, sighter.sight(context)).await {
            Ok(sighting) => sighting,
            Err(error) => {
                tracing::warn!(%error, "could not read what there is to measure");
                continue;
            }
        };
        let Some(look) = meter.measure(sighting) else { continue };
        context.live.take(look.clone());
        if looks.try_send(look).is_err() {
            tracing::warn!("the database is too slow for measurements; some are not recorded");
        }
    }
}

async fn record<H: Host>(
    context: &Shared<H>,
    stop: &CancellationToken,
    mut looks: mpsc::Receiver<Look>,
) {
    let Some(mut recorder) = resume(context, stop).await else { return };
    let mut ticks = interval(WRITE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            look = looks.recv() => match look {
                Some(look) => recorder.take(look),
                None => break,
            },
            _ = ticks.tick() => {
                let write = recorder.write(clock::now());
                if let Err(error) = context.rounds.watch(Task::Recorder, write).await {
                    tracing::warn!(%error, "could not record measurements; trying again");
                }
            }
        }
    }
    let last = tokio::time::timeout(LAST_WRITE, recorder.finish(clock::now())).await;
    if !matches!(last, Ok(Ok(()))) {
        tracing::warn!("the last measurements were not recorded");
    }
}

async fn resume<H: Host>(context: &Shared<H>, stop: &CancellationToken) -> Option<Recorder> {
    loop {
        match Recorder::resume(context.store.clone(), clock::now()).await {
            Ok(recorder) => return Some(recorder),
            Err(error) => tracing::warn!(%error, "could not read the last measurements"),
        }
        tokio::select! {
            () = stop.cancelled() => return None,
            () = tokio::time::sleep(RETRY) => {}
        }
    }
}
