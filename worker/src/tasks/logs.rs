//! Follows the output of every instance into its app's log, so that the last words of one that is
//! gone are still there. One stream an instance, however many people read.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use slipway_core::id::{AppId, InstanceId};
use slipway_core::instance::InstanceState;
use slipway_core::log::{LogLine, LogSource};
use slipway_core::time::{Millis, Timestamp};
use slipway_store::instances::Instance;
use slipway_store::logs::LogFilter;
use slipway_store::wakes::Topic;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::context::{Host, Shared};
use crate::output::Lines;

/// How often the set of instances is looked at without a hint.
const POLL: Duration = Duration::from_secs(2);
/// How long lines are gathered before they are written.
const GATHER: Duration = Duration::from_millis(50);
/// Most lines written at once.
const BATCH: usize = 1_000;

/// Keeps a follower for every instance that runs.
pub async fn run<H: Host>(context: Shared<H>, stop: CancellationToken) {
    let mut followers: BTreeMap<InstanceId, AbortOnDropHandle<()>> = BTreeMap::new();
    let mut wake = context.store.wakes().subscribe(Topic::Instances);
    while !stop.is_cancelled() {
        match context.store.all_instances().await {
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
            () = wake.wait(POLL) => {}
        }
    }
}

fn has_container(row: &Instance) -> bool {
    row.state != InstanceState::Starting || row.endpoint.is_some() || row.started
}

/// Copies one instance's output until it is gone.
async fn follow<H: Host>(context: Shared<H>, row: Instance) {
    let since = last_seen(&context, &row);
    let mut output = context.host.logs(&row.id, since).ready_chunks(BATCH);
    let mut lines = Lines::default();
    while let Some(chunks) = output.next().await {
        let mut batch = Vec::new();
        for chunk in chunks {
            match chunk {
                Ok(chunk) => {
                    let texts = lines.push(&chunk.bytes);
                    batch.extend(texts.into_iter().map(|text| line(&row, chunk.at, text)));
                }
                Err(error) => {
                    tracing::debug!(instance_id = %row.id, %error, "an instance's output broke off");
                }
            }
        }
        write(&context, &row.app_id, &batch);
        tokio::time::sleep(GATHER).await;
    }
    let rest: Vec<LogLine> = lines
        .finish()
        .into_iter()
        .map(|text| line(&row, slipway_store::clock::now(), text))
        .collect();
    write(&context, &row.app_id, &rest);
}

/// Where an earlier run of Slipway stopped reading.
fn last_seen<H: Host>(context: &Shared<H>, row: &Instance) -> Option<Timestamp> {
    let filter = LogFilter {
        source: Some(LogSource::App),
        instance: Some(row.id.short().to_owned()),
        ..LogFilter::default()
    };
    let lines = context.logs.last_words(&row.app_id, 1, &filter).ok()?;
    lines.last().map(|line| line.at + Millis(1))
}

fn line(row: &Instance, at: Timestamp, text: String) -> LogLine {
    LogLine {
        at,
        source: LogSource::App,
        process: Some(row.process.to_string()),
        instance: Some(row.id.short().to_owned()),
        deployment: None,
        text,
    }
}

fn write<H: Host>(context: &Shared<H>, app_id: &AppId, lines: &[LogLine]) {
    if lines.is_empty() {
        return;
    }
    if let Err(error) = context.logs.append(app_id, lines) {
        tracing::warn!(%app_id, %error, "could not write log lines");
    }
}
