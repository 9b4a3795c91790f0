//! Reading back from the end.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use slipway_core::log::LogLine;
use slipway_core::time::Millis;

use super::LogFilter;
use super::segments::{Segment, Segments, whole_lines};
use super::sieve::Sieve;

/// What is read at a time.
const BLOCK: u64 = 256 * 1024;

/// Most bytes of lines that are found at once.
const MOST_FOUND: usize = 8 * 1024 * 1024;
/// A file's time is a little older than the clock.
const COARSE: Millis = Millis::from_secs(1);

/// What was found, and how far it was looked for.
pub(super) struct Tail {
    /// Oldest first.
    pub lines: Vec<(u64, LogLine)>,
    /// The end of the log.
    pub next: u64,
    /// What is older than this position was not looked at.
    pub reached: u64,
    /// Whether there is anything older.
    pub more: bool,
}

/// The last `count` lines that match and end at or below `before`, looking at no more than about
/// the newest `max_bytes`.
pub(super) fn tail(
    segments: &Segments,
    count: usize,
    filter: &LogFilter,
    before: u64,
    max_bytes: u64,
) -> io::Result<Tail> {
    let mut all = segments.list()?;
    let (Some(first), Some(last)) = (all.first().copied(), all.last_mut()) else {
        return Ok(Tail { lines: Vec::new(), next: 0, reached: 0, more: false });
    };
    last.len = whole_lines(&segments.open(*last)?, last.len)?;
    let next = last.end();
    let floor = next.saturating_sub(max_bytes);
    let sieve = Sieve::new(filter);
    let mut search = Search { count, before, floor, sieve, found: Vec::new(), bytes: 0 };
    let mut reached = next.min(before);
    let mut oldest = first.start;
    for segment in all.into_iter().rev().filter(|segment| segment.start < before) {
        if search.is_over(reached) {
            break;
        }
        if filter.since.is_some_and(|since| segment.written + COARSE < since) {
            // So are all before it.
            oldest = reached;
            break;
        }
        reached = match segments.open(segment) {
            Ok(file) => search.segment(&file, segment)?,
            // The oldest segment was removed meanwhile: that is where the log begins now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                oldest = reached;
                break;
            }
            Err(error) => return Err(error),
        };
    }
    search.found.reverse();
    Ok(Tail { lines: search.found, next, reached, more: reached > oldest })
}

struct Search<'a> {
    count: usize,
    /// Lines that end above this position are not wanted.
    before: u64,
    /// Lines that end at or below this position are not looked at.
    floor: u64,
    sieve: Sieve<'a>,
    /// Newest first.
    found: Vec<(u64, LogLine)>,
    /// What those are, stored.
    bytes: usize,
}

impl Search<'_> {
    /// Whether nothing older than position `reached` is wanted.
    fn is_over(&self, reached: u64) -> bool {
        self.found.len() >= self.count || self.bytes >= MOST_FOUND || reached <= self.floor
    }

    /// Looks through a segment from its end; the position it came down to.
    fn segment(&mut self, file: &File, segment: Segment) -> io::Result<u64> {
        // The beginning of a line whose end stood in the block before.
        let mut rest: Vec<u8> = Vec::new();
        // A position between two lines is never inside of one.
        let mut end = segment.len.min(self.before.saturating_sub(segment.start));
        while end > 0 {
            let start = end.saturating_sub(BLOCK);
            let mut bytes = vec![0; usize::try_from(end - start).unwrap_or_default()];
            file.read_exact_at(&mut bytes, start)?;
            bytes.append(&mut rest);
            let mut position = segment.start + start + bytes.len() as u64;
            let whole_from = match (start, bytes.iter().position(|byte| *byte == b'\n')) {
                (0, _) => 0,
                (_, Some(at)) => at + 1,
                (_, None) => bytes.len(),
            };
            for line in bytes[whole_from..].split_inclusive(|byte| *byte == b'\n').rev() {
                self.consider(line, position);
                position -= line.len() as u64;
                if self.is_over(position) {
                    return Ok(position);
                }
            }
            bytes.truncate(whole_from);
            rest = bytes;
            end = start;
        }
        Ok(segment.start)
    }

    fn consider(&mut self, line: &[u8], position: u64) {
        if let Some(found) = self.sieve.sift(line) {
            self.found.push((position, found));
            self.bytes += line.len();
        }
    }
}
