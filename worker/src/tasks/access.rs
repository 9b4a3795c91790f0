//! Carries the proxy's access log into the apps' logs: a line for each request, and no more of them
//! than a log can hold.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::time::Duration;

use serde::Deserialize;
use slipway_core::id::{AppId, InstanceId};
use slipway_core::log::{LogLine, LogSource, LoggedRequest};
use slipway_core::name::ProcessName;
use slipway_core::time::Timestamp;
use slipway_store::clock;
use slipway_store::logs::{LogFilter, LogStore};
use tokio_util::sync::CancellationToken;

use self::allowance::Allowance;
use crate::context::{Host, Shared};
use crate::proxy::{AccessLog, AccessRead};
use crate::rounds::Task;

mod allowance;

/// How often the access log is looked at. nginx writes its buffers twice a second.
const TICK: Duration = Duration::from_millis(500);
/// The same while nobody visits anything.
const QUIET_TICK: Duration = Duration::from_secs(1);
/// Most bytes that are looked at in a tick; with more, the next tick comes at once.
const TICK_BYTES: usize = 8 * 1024 * 1024;
/// Longest path of a line, in bytes.
const LONGEST_PATH: usize = 2048;

/// Reads the access log until `stop`.
pub async fn run<H: Host>(context: Shared<H>, stop: CancellationToken) {
    let mut collector = Collector::new(context.proxy.access_log(), context.logs.clone());
    let mut failing = false;
    while !stop.is_cancelled() {
        let result = context.rounds.watch(Task::Access, tick(&context, &mut collector)).await;
        if let Err(error) = &result
            && !failing
        {
            tracing::warn!(%error, "could not carry the access log into the apps' logs");
        }
        failing = result.is_err();
        let pause = match result {
            Ok(Progress::Behind) => continue,
            Ok(Progress::Nothing) => QUIET_TICK,
            Ok(Progress::UpToDate) | Err(_) => TICK,
        };
        // Ends early when canceled; either way the loop's condition decides.
        let _ = tokio::time::timeout(pause, stop.cancelled()).await;
    }
}

async fn tick<H: Host>(context: &Shared<H>, collector: &mut Collector) -> anyhow::Result<Progress> {
    let progress = collector.gather(clock::now())?;
    let mut known = BTreeSet::new();
    for app_id in collector.apps() {
        // The last requests of an app that is gone would leave a log behind that nobody removes.
        if context.store.app_by_id(&app_id).await?.is_some() {
            known.insert(app_id);
        }
    }
    collector.deliver(&known)?;
    Ok(progress)
}

/// Whether there is more to read at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing was new.
    Nothing,
    /// All of it was read.
    UpToDate,
    Behind,
}

/// Sorts lines by app and keeps the newest ones that each is allowed.
pub(crate) struct Collector {
    source: AccessLog,
    logs: LogStore,
    apps: BTreeMap<AppId, Waiting>,
    /// Whether what was read may have been written by an earlier process.
    is_resuming: bool,
}

/// An app's lines that were read and not yet written.
struct Waiting {
    allowance: Allowance,
    lines: VecDeque<Vec<u8>>,
    dropped: u64,
    /// Whether lines of before were never read.
    gap: bool,
    /// Requests that an earlier process wrote without being able to say so any more.
    written: BTreeSet<String>,
}

impl Collector {
    pub(crate) fn new(source: AccessLog, logs: LogStore) -> Self {
        Self { source, logs, apps: BTreeMap::new(), is_resuming: true }
    }

    /// Reads what is new.
    pub(crate) fn gather(&mut self, now: Timestamp) -> io::Result<Progress> {
        for waiting in self.apps.values_mut() {
            waiting.allowance.refill(now);
        }
        let mut read_bytes = 0;
        while read_bytes < TICK_BYTES {
            let AccessRead { lines, gap } = self.source.read()?;
            if lines.is_empty() {
                let is_idle = read_bytes == 0;
                return Ok(if is_idle { Progress::Nothing } else { Progress::UpToDate });
            }
            read_bytes += lines.len();
            for line in lines.split_inclusive(|byte| *byte == b'\n') {
                if let Some(app_id) = app_of(line) {
                    let waiting = self.waiting(app_id, now);
                    waiting.gap |= gap;
                    waiting.push(line);
                }
            }
        }
        Ok(Progress::Behind)
    }

    /// The apps that lines wait for.
    pub(crate) fn apps(&self) -> Vec<AppId> {
        let waiting = self.apps.iter().filter(|(_, waiting)| !waiting.lines.is_empty());
        waiting.map(|(app_id, _)| app_id.clone()).collect()
    }

    /// Writes the lines of these apps and forgets the others', and remembers how far it came.
    pub(crate) fn deliver(&mut self, known: &BTreeSet<AppId>) -> io::Result<()> {
        let mut outcome = Ok(());
        let mut moved = false;
        for (app_id, waiting) in &mut self.apps {
            let lines = waiting.take();
            moved |= !lines.is_empty();
            if known.contains(app_id) {
                // A log that cannot be written is no reason to keep the others waiting.
                outcome = outcome.and(self.logs.append(app_id, &lines));
            }
        }
        self.apps.retain(|app_id, waiting| known.contains(app_id) || !waiting.allowance.is_full());
        if moved {
            self.is_resuming = false;
            self.source.save()?;
        }
        outcome
    }

    fn waiting(&mut self, app_id: AppId, now: Timestamp) -> &mut Waiting {
        let (logs, is_resuming) = (&self.logs, self.is_resuming);
        self.apps.entry(app_id).or_insert_with_key(|app_id| {
            let written = if is_resuming { already_written(logs, app_id) } else { BTreeSet::new() };
            let (lines, allowance) = (VecDeque::new(), Allowance::full(now));
            Waiting { allowance, lines, dropped: 0, gap: false, written }
        })
    }
}

impl Waiting {
    fn push(&mut self, line: &[u8]) {
        if self.lines.len() >= self.allowance.left() {
            self.dropped += 1;
            if self.lines.pop_front().is_none() {
                return;
            }
        }
        self.lines.push_back(line.to_vec());
    }

    /// The lines to write, with a word about those that are not among them.
    fn take(&mut self) -> Vec<LogLine> {
        let kept: Vec<LogLine> =
            std::mem::take(&mut self.lines).iter().filter_map(|line| log_line(line)).collect();
        self.allowance.spend(kept.len());
        let written = std::mem::take(&mut self.written);
        let is_new = |line: &LogLine| {
            line.request.as_ref().is_none_or(|request| !written.contains(&request.id))
        };
        let mut lines: Vec<LogLine> = kept.into_iter().filter(is_new).collect();
        let at = lines.first().map(|line| line.at);
        if let Some(at) = at
            && let Some(text) = self.missing()
        {
            lines.insert(0, LogLine::new(at, LogSource::Access, text));
        }
        lines
    }

    fn missing(&mut self) -> Option<String> {
        let (dropped, gap) = (std::mem::take(&mut self.dropped), std::mem::take(&mut self.gap));
        match (dropped, gap) {
            (0, false) => None,
            (0, true) => Some("… some access lines are missing here".to_owned()),
            (1, _) => Some("… 1 access line was dropped".to_owned()),
            (count, _) => Some(format!("… {count} access lines were dropped")),
        }
    }
}

/// What a process that was killed had written last.
fn already_written(logs: &LogStore, app_id: &AppId) -> BTreeSet<String> {
    let filter = LogFilter { sources: vec![LogSource::Access], ..LogFilter::default() };
    match logs.last_words(app_id, Allowance::MOST, &filter) {
        Ok(lines) => lines.into_iter().filter_map(|line| Some(line.request?.id)).collect(),
        Err(error) => {
            tracing::warn!(%app_id, %error, "could not read an app's last requests");
            BTreeSet::new()
        }
    }
}

/// The app of a line as nginx writes it, without reading the rest.
fn app_of(line: &[u8]) -> Option<AppId> {
    let rest = line.strip_prefix(br#"{"app":""#)?;
    let id = &rest[..rest.iter().position(|byte| *byte == b'"')?];
    std::str::from_utf8(id).ok()?.parse().ok()
}

/// A request as nginx writes it.
#[derive(Deserialize)]
struct Written {
    /// Seconds since 1970.
    at: f64,
    id: String,
    /// Empty when no instance was asked.
    instance: String,
    client: String,
    method: String,
    path: String,
    status: String,
    seconds: f64,
    bytes: u64,
}

fn log_line(line: &[u8]) -> Option<LogLine> {
    // A visitor may send any bytes for a path.
    let written: Written = serde_json::from_str(&String::from_utf8_lossy(line)).ok()?;
    let request = LoggedRequest {
        id: written.id,
        client: written.client,
        method: written.method,
        path: shortened(written.path),
        status: written.status.parse().ok()?,
        duration_ms: milliseconds(written.seconds).try_into().unwrap_or_default(),
        bytes: written.bytes,
    };
    let instance = written.instance.parse::<InstanceId>().ok();
    let at = Timestamp(milliseconds(written.at));
    let line = LogLine::new(at, LogSource::Access, request.to_string());
    Some(LogLine {
        process: instance.as_ref().map(|_| ProcessName::web().to_string()),
        instance: instance.map(|instance| instance.short().to_owned()),
        request: Some(request),
        ..line
    })
}

#[expect(clippy::cast_possible_truncation, reason = "nginx's times are far from the bounds")]
fn milliseconds(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}

fn shortened(mut path: String) -> String {
    if path.len() > LONGEST_PATH {
        path.truncate(path.floor_char_boundary(LONGEST_PATH));
        path.push('…');
    }
    path
}

#[cfg(test)]
mod tests;
