//! Follows the output of every instance into its app's log, so that the last words of one that is
//! gone are still there. One stream an instance, however many people read, and a bound on what an
//! instance may write: of a flood the oldest lines go, and the log says how many.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use slipway_core::id::InstanceId;
use slipway_core::instance::InstanceState;
use slipway_core::log::{LogLine, LogSource};
use slipway_core::time::{Millis, Timestamp};
use slipway_store::clock;
use slipway_store::instances::Instance;
use slipway_store::logs::LogFilter;
use slipway_store::wakes::Topic;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use self::ring::{Ring, Taken};
use crate::context::{Host, Shared};
use crate::output::Lines;
use crate::rounds::Task;

mod ring;

/// How long lines are gathered before they are written, if they come one after the other.
const GATHER: Duration = Duration::from_millis(50);
/// Lines at the end of what was written among which the youngest may be.
const OUT_OF_ORDER: usize = 8;
/// Most chunks taken at once, of up to 16 KiB each.
const BATCH: usize = 256;

/// Keeps a follower for every instance that runs.
pub async fn run<H: Host>(context: Shared<H>, stop: CancellationToken) {
    let mut followers: BTreeMap<InstanceId, AbortOnDropHandle<()>> = BTreeMap::new();
    let mut wake = context.store.wakes().subscribe(Topic::Instances);
    while !stop.is_cancelled() {
        match context.rounds.watch(Task::Logs, context.store.all_instances()).await {
            Ok(rows) => {
                let known = |id: &InstanceId| rows.iter().any(|row| row.id == *id);
                followers.retain(|id, task| known(id) || !task.is_finished());
                for row in rows.into_iter().filter(|row| row.state != InstanceState::Stopped) {
                    let finished =
                        followers.get(&row.id).is_none_or(AbortOnDropHandle::is_finished);
                    if finished && has_container(&row) {
                        let id = row.id.clone();
                        let task = tokio::spawn(follow(Shared::clone(&context), row));
                        followers.insert(id, AbortOnDropHandle::new(task));
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "could not read instances to follow"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = wake.wait(context.store.patience()) => {}
        }
    }
}

fn has_container(row: &Instance) -> bool {
    row.state != InstanceState::Starting || row.endpoint.is_some() || row.started
}

/// Copies one instance's output until it is gone. It is read as fast as it comes, so that no other
/// part of the machine waits for it, and written as fast as the log takes it.
async fn follow<H: Host>(context: Shared<H>, row: Instance) {
    let since = last_seen(&context, &row).await;
    let mut output = context.host.logs(&row.id, since).ready_chunks(BATCH);
    let (mut lines, mut ring) = (Lines::default(), Ring::new(clock::now()));
    let mut next_write = Instant::now();
    loop {
        tokio::select! {
            chunks = output.next() => {
                let Some(chunks) = chunks else { break };
                for chunk in chunks {
                    match chunk {
                        Ok(chunk) => {
                            for text in lines.push(&chunk.bytes) {
                                ring.push(chunk.at, text);
                            }
                        }
                        Err(error) => {
                            tracing::debug!(instance_id = %row.id, %error, "an instance's output broke off");
                        }
                    }
                }
            }
            () = sleep_until(next_write), if !ring.is_empty() => {}
        }
        if !ring.is_empty() && Instant::now() >= next_write {
            write(&context, &row, ring.take(clock::now()));
            next_write = Instant::now() + GATHER;
        }
    }
    if let Some(text) = lines.finish() {
        ring.push(clock::now(), text);
    }
    write(&context, &row, ring.take_all());
}

/// Where an earlier run of Slipway stopped reading: behind the youngest of the last lines, which need not
/// be the last one. One that is quiet may have said it long ago.
async fn last_seen<H: Host>(context: &Shared<H>, row: &Instance) -> Option<Timestamp> {
    let filter = LogFilter {
        sources: vec![LogSource::App],
        instance: Some(row.id.short().to_owned()),
        since: Some(row.created_at),
        ..LogFilter::default()
    };
    let (logs, app_id) = (context.logs.clone(), row.app_id.clone());
    let look = move || logs.last_words_ever(&app_id, OUT_OF_ORDER, &filter);
    let lines = tokio::task::spawn_blocking(look).await.ok()?.ok()?;
    lines.iter().map(|line| line.at).max().map(|at| at + Millis(1))
}

fn write<H: Host>(context: &Shared<H>, row: &Instance, taken: Taken) {
    let Some((first, _)) = taken.lines.first() else { return };
    let line = |at, source, text| LogLine {
        process: Some(row.process.to_string()),
        instance: Some(row.id.short().to_owned()),
        ..LogLine::new(at, source, text)
    };
    let missing = match taken.dropped {
        0 => None,
        1 => Some("… 1 line was dropped".to_owned()),
        count => {
            Some(format!("… {count} lines were dropped: they came faster than a log takes them"))
        }
    };
    let first = *first;
    let missing = missing.map(|text| line(first, LogSource::Platform, text));
    let own = taken.lines.into_iter().map(|(at, text)| line(at, LogSource::App, text));
    let lines: Vec<LogLine> = missing.into_iter().chain(own).collect();
    if let Err(error) = context.logs.append(&row.app_id, &lines) {
        tracing::warn!(app_id = %row.app_id, %error, "could not write log lines");
    }
}
