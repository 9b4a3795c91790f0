//! The lines of every app, from every source, in files.
//!
//! ```text
//! logs/<app id>/00000000000000000000.jsonl   one line of JSON for each line
//!               00000000000004194291.jsonl   named after the position it begins at
//!               access/0000….jsonl           the proxy's lines, with a bound of their own
//! ```
//!
//! A position is a byte of everything ever written to a shelf, that included which was removed
//! since, so it stays valid and grows for ever: it is what a reader resumes by. Segments are only
//! ever appended to, and removed oldest first, so readers in other processes need no lock. The last
//! line counts once its line end is written; what a crash left of one is cut off by the next writer.
//!
//! The proxy's lines stand on a shelf of their own, because a busy hour of requests would push out
//! everything the app said itself. Readers of all sources get both, merged by time, and resume by a
//! [`LogPosition`]; those who follow a build or a command read the other lines alone.

mod backward;
mod filter;
mod forward;
mod merge;
mod position;
mod segments;
mod shelf;
mod sieve;
mod writer;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use slipway_core::id::AppId;
use slipway_core::log::LogLine;

pub use self::filter::LogFilter;
pub use self::position::{InvalidPosition, LogPosition};
use self::segments::Segments;
use self::shelf::Shelf;
use self::writer::{Bounds, Writer};
use crate::wakes::{Topic, Wakes};

/// How far [`LogStore::last_words`] looks back.
const LAST_WORDS_BYTES: u64 = 1024 * 1024;

/// How much is kept of each app's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogLimits {
    /// Size at which a segment is followed by the next one, if a fifth of the bound is not less.
    pub segment_bytes: u64,
    /// Size of all segments of the app's own lines, builds and Slipway's; whole segments go, so it
    /// is less by up to one of them.
    pub words_bytes: u64,
    /// The same for the proxy's lines.
    pub access_bytes: u64,
}

impl Default for LogLimits {
    /// 50 MB together, of which a fifth are the last 30 000 requests or so.
    fn default() -> Self {
        Self {
            segment_bytes: 4 * 1024 * 1024,
            words_bytes: 40 * 1000 * 1000,
            access_bytes: 10 * 1000 * 1000,
        }
    }
}

/// Lines with where they end in the app's log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogPage<P = u64> {
    /// Each line with the position behind it: reading on from there misses nothing.
    pub lines: Vec<(P, LogLine)>,
    /// Where reading began: later than was asked for when lines there were removed since.
    pub from: P,
    /// Where to read on.
    pub next: P,
    /// Whether lines were removed that would have been here.
    pub truncated: bool,
    /// Whether there was more to read already.
    pub more: bool,
}

/// The newest lines that were looked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogTail {
    /// Oldest first, each with the position behind it.
    pub lines: Vec<(LogPosition, LogLine)>,
    /// The end of the log: where to read on.
    pub next: LogPosition,
    /// Where to look for older ones; `None` when there is nothing older.
    pub before: Option<LogPosition>,
}

/// The log files. Clones share their writers.
#[derive(Debug, Clone)]
pub struct LogStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    limits: LogLimits,
    wakes: Wakes,
    writers: Mutex<Writers>,
}

type Slot = Arc<Mutex<Option<Writer>>>;
type Writers = BTreeMap<(AppId, Shelf), Slot>;

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
        for lines in lines.chunk_by(|a, b| Shelf::of(a.source) == Shelf::of(b.source)) {
            self.append_to(Shelf::of(lines[0].source), app_id, lines)?;
            self.0.wakes.notify(Topic::Logs);
        }
        Ok(())
    }

    fn append_to(&self, shelf: Shelf, app_id: &AppId, lines: &[LogLine]) -> io::Result<()> {
        let slot = self.writer(app_id, shelf);
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        // A writer whose write failed is dropped: the next one finds out how far it came.
        let mut writer = match slot.take() {
            Some(writer) => writer,
            None => Writer::open(self.segments(app_id, shelf), self.bounds(shelf))?,
        };
        writer.append(lines)?;
        *slot = Some(writer);
        Ok(())
    }

    /// The position behind the last line that is not the proxy's.
    pub async fn end(&self, app_id: &AppId) -> io::Result<u64> {
        let segments = self.segments(app_id, Shelf::Words);
        blocking(move || segments.end()).await
    }

    /// The position behind the last line of everybody.
    pub async fn whole_end(&self, app_id: &AppId) -> io::Result<LogPosition> {
        let [words, access] = self.shelves(app_id);
        blocking(move || Ok(LogPosition { words: words.end()?, access: access.end()? })).await
    }

    /// How many bytes of lines that may match stand behind a position.
    pub async fn behind(
        &self,
        app_id: &AppId,
        position: LogPosition,
        filter: &LogFilter,
    ) -> io::Result<u64> {
        let end = self.whole_end(app_id).await?;
        let of = |shelf, end: u64, position| {
            if filter.concerns(shelf) { end.saturating_sub(position) } else { 0 }
        };
        Ok(of(Shelf::Words, end.words, position.words)
            + of(Shelf::Access, end.access, position.access))
    }

    /// Whole lines from a position on, without the proxy's: about `max_bytes` of them, and at least
    /// one if there is one. A position inside a line counts as the one behind it.
    pub async fn read(&self, app_id: &AppId, from: u64, max_bytes: usize) -> io::Result<LogPage> {
        let segments = self.segments(app_id, Shelf::Words);
        blocking(move || forward::read(&segments, from, max_bytes, &LogFilter::default())).await
    }

    /// Lines of every source that match, from a position on, in the order of their times as far as
    /// the log has them: found in about `max_bytes` of each shelf.
    pub async fn read_all(
        &self,
        app_id: &AppId,
        from: LogPosition,
        max_bytes: usize,
        filter: &LogFilter,
    ) -> io::Result<LogPage<LogPosition>> {
        let ([words, access], filter) = (self.shelves(app_id), filter.clone());
        let read = move |segments: &Segments, shelf, from| {
            if filter.concerns(shelf) {
                forward::read(segments, from, max_bytes, &filter)
            } else {
                Ok(LogPage { from, next: from, ..LogPage::default() })
            }
        };
        blocking(move || {
            let words = read(&words, Shelf::Words, from.words)?;
            let access = read(&access, Shelf::Access, from.access)?;
            Ok(merge::pages(words, access))
        })
        .await
    }

    /// The last `count` lines of every source that match, or fewer when they are very long; with
    /// `before`, the last ones before an earlier tail's.
    pub async fn tail(
        &self,
        app_id: &AppId,
        count: usize,
        filter: &LogFilter,
        before: Option<LogPosition>,
    ) -> io::Result<LogTail> {
        let ([words, access], filter) = (self.shelves(app_id), filter.clone());
        let before = before.unwrap_or(LogPosition { words: u64::MAX, access: u64::MAX });
        let search = move |segments: &Segments, shelf, before| {
            let concerned = filter.concerns(shelf);
            let count = if concerned { count } else { 0 };
            let tail = backward::tail(segments, count, &filter, before, u64::MAX)?;
            io::Result::Ok(backward::Tail { more: tail.more && concerned, ..tail })
        };
        blocking(move || {
            let words = search(&words, Shelf::Words, before.words)?;
            let access = search(&access, Shelf::Access, before.access)?;
            Ok(merge::tails(count, words, access))
        })
        .await
    }

    /// The last `count` matching lines among the newest MiB of their shelf, for callers that are
    /// not async: it blocks for a few milliseconds at most.
    pub fn last_words(
        &self,
        app_id: &AppId,
        count: usize,
        filter: &LogFilter,
    ) -> io::Result<Vec<LogLine>> {
        self.last_words_within(app_id, count, filter, LAST_WORDS_BYTES)
    }

    /// The last `count` matching lines, however far back they are. It may read all that is kept, so it
    /// blocks for a part of a second.
    pub fn last_words_ever(
        &self,
        app_id: &AppId,
        count: usize,
        filter: &LogFilter,
    ) -> io::Result<Vec<LogLine>> {
        self.last_words_within(app_id, count, filter, u64::MAX)
    }

    fn last_words_within(
        &self,
        app_id: &AppId,
        count: usize,
        filter: &LogFilter,
        bytes: u64,
    ) -> io::Result<Vec<LogLine>> {
        let mut found = Vec::new();
        for shelf in Shelf::ALL.into_iter().filter(|shelf| filter.concerns(*shelf)) {
            let segments = self.segments(app_id, shelf);
            let tail = backward::tail(&segments, count, filter, u64::MAX, bytes)?;
            found.extend(tail.lines.into_iter().map(|(_, line)| line));
        }
        Ok(found)
    }

    /// Removes an app's log. Removing what is not there is success.
    pub fn remove(&self, app_id: &AppId) -> io::Result<()> {
        let slots = Shelf::ALL.map(|shelf| self.writer(app_id, shelf));
        let mut slots = slots.each_ref().map(|slot| {
            // Nobody writes while the files go.
            slot.lock().unwrap_or_else(PoisonError::into_inner)
        });
        for slot in &mut slots {
            **slot = None;
        }
        self.segments(app_id, Shelf::Words).remove_all()?;
        self.writers().retain(|(owner, _), _| owner != app_id);
        Ok(())
    }

    fn segments(&self, app_id: &AppId, shelf: Shelf) -> Segments {
        Segments::new(self.0.root.join(app_id.to_string()).join(shelf.folder()))
    }

    fn shelves(&self, app_id: &AppId) -> [Segments; 2] {
        Shelf::ALL.map(|shelf| self.segments(app_id, shelf))
    }

    fn bounds(&self, shelf: Shelf) -> Bounds {
        let limits = self.0.limits;
        let total_bytes = match shelf {
            Shelf::Words => limits.words_bytes,
            Shelf::Access => limits.access_bytes,
        };
        Bounds { segment_bytes: limits.segment_bytes.min(total_bytes / 5), total_bytes }
    }

    fn writer(&self, app_id: &AppId, shelf: Shelf) -> Slot {
        Arc::clone(self.writers().entry((app_id.clone(), shelf)).or_default())
    }

    fn writers(&self) -> std::sync::MutexGuard<'_, Writers> {
        // Nothing that panics happens while it is held.
        self.0.writers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
