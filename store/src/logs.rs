//! The lines of every app, from every source, in files.
//!
//! ```text
//! logs/<app id>/00000000000000000000.jsonl   one line of JSON for each line
//!               00000000000004194291.jsonl   named after the position it begins at
//! ```
//!
//! A position is a byte of the whole log, those included that were removed since, so it stays valid
//! and grows for ever: it is what a reader resumes by. Segments are only ever appended to, and
//! removed oldest first, so readers in other processes need no lock. The last line counts once its
//! line end is written; what a crash left of one is cut off by the next writer.

mod backward;
mod filter;
mod forward;
mod segments;
mod writer;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use slipway_core::id::AppId;
use slipway_core::log::LogLine;

pub use self::filter::LogFilter;
use self::segments::Segments;
use self::writer::Writer;
use crate::wakes::{Topic, Wakes};

/// How far [`LogStore::last_words`] looks back.
const LAST_WORDS_BYTES: u64 = 1024 * 1024;

/// How much is kept of each app's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogLimits {
    /// Size at which a segment is followed by the next one.
    pub segment_bytes: u64,
    /// Size of all segments together; whole segments go, so it is less by up to one of them.
    pub total_bytes: u64,
}

impl Default for LogLimits {
    fn default() -> Self {
        Self { segment_bytes: 4 * 1024 * 1024, total_bytes: 50 * 1000 * 1000 }
    }
}

/// Lines with where they end in the app's log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogPage {
    /// Each line with the position behind it: reading on from there misses nothing.
    pub lines: Vec<(u64, LogLine)>,
    /// Where to read on.
    pub next: u64,
    /// Whether there were lines before the first one that are not here: removed since, or older
    /// than what was asked for.
    pub truncated: bool,
}

/// The log files. Clones share their writers.
#[derive(Debug, Clone)]
pub struct LogStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    limits: LogLimits,
    wakes: Wakes,
    writers: Mutex<BTreeMap<AppId, Arc<Mutex<Option<Writer>>>>>,
}

impl LogStore {
    /// Keeps logs under `root`.
    pub fn open(root: PathBuf, wakes: Wakes) -> Self {
        Self::with_limits(root, wakes, LogLimits::default())
    }

    /// The same with other limits.
    pub fn with_limits(root: PathBuf, wakes: Wakes, limits: LogLimits) -> Self {
        Self(Arc::new(Inner { root, limits, wakes, writers: Mutex::default() }))
    }

    /// Appends lines, and wakes readers of this process. Only one process may write an app's log.
    /// Blocks for as long as the page cache takes them.
    ///
    /// # Errors
    /// When the files cannot be written; of the lines, the first few may have been.
    pub fn append(&self, app_id: &AppId, lines: &[LogLine]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let slot = self.writer(app_id);
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        // A writer whose write failed is dropped: the next one finds out how far it came.
        let mut writer = match slot.take() {
            Some(writer) => writer,
            None => Writer::open(self.segments(app_id), self.0.limits)?,
        };
        writer.append(lines)?;
        *slot = Some(writer);
        self.0.wakes.notify(Topic::Logs);
        Ok(())
    }

    /// The position behind the last line.
    pub async fn end(&self, app_id: &AppId) -> io::Result<u64> {
        let segments = self.segments(app_id);
        blocking(move || segments.end()).await
    }

    /// Whole lines from a position on: about `max_bytes` of them, and at least one if there is one.
    /// A position inside a line counts as the one behind it.
    pub async fn read(&self, app_id: &AppId, from: u64, max_bytes: usize) -> io::Result<LogPage> {
        let segments = self.segments(app_id);
        blocking(move || forward::read(&segments, from, max_bytes)).await
    }

    /// The last `count` lines that match, oldest first.
    pub async fn tail(
        &self,
        app_id: &AppId,
        count: usize,
        filter: &LogFilter,
    ) -> io::Result<LogPage> {
        let (segments, filter) = (self.segments(app_id), filter.clone());
        blocking(move || backward::tail(&segments, count, &filter, u64::MAX)).await
    }

    /// The last `count` matching lines among the newest MiB, for callers that are not async: it
    /// blocks for a few milliseconds at most.
    pub fn last_words(
        &self,
        app_id: &AppId,
        count: usize,
        filter: &LogFilter,
    ) -> io::Result<Vec<LogLine>> {
        let page = backward::tail(&self.segments(app_id), count, filter, LAST_WORDS_BYTES)?;
        Ok(page.lines.into_iter().map(|(_, line)| line).collect())
    }

    /// Removes an app's log. Removing what is not there is success.
    pub fn remove(&self, app_id: &AppId) -> io::Result<()> {
        let slot = self.writer(app_id);
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        *slot = None;
        self.segments(app_id).remove_all()?;
        self.writers().remove(app_id);
        Ok(())
    }

    fn segments(&self, app_id: &AppId) -> Segments {
        Segments::new(self.0.root.join(app_id.to_string()))
    }

    fn writer(&self, app_id: &AppId) -> Arc<Mutex<Option<Writer>>> {
        Arc::clone(self.writers().entry(app_id.clone()).or_default())
    }

    fn writers(&self) -> std::sync::MutexGuard<'_, BTreeMap<AppId, Arc<Mutex<Option<Writer>>>>> {
        // Nothing that panics happens while it is held.
        self.0.writers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
