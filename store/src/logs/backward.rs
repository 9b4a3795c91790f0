//! Reading back from the end.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use slipway_core::log::LogLine;

use super::segments::{Segment, Segments, whole_lines};
use super::{LogFilter, LogPage};

/// What is read at a time.
const BLOCK: u64 = 256 * 1024;

/// The last `count` lines that match, oldest first, looking at no more than about the newest
/// `max_bytes`.
pub(super) fn tail(
    segments: &Segments,
    count: usize,
    filter: &LogFilter,
    max_bytes: u64,
) -> io::Result<LogPage> {
    let mut all = segments.list()?;
    let Some(last) = all.last_mut() else { return Ok(LogPage::default()) };
    last.len = whole_lines(&segments.open(*last)?, last.len)?;
    let next = last.end();
    let mut search =
        Search { count, filter, floor: next.saturating_sub(max_bytes), found: Vec::new() };
    let mut reached = next;
    for segment in all.into_iter().rev() {
        if search.is_over(reached) {
            break;
        }
        reached = match segments.open(segment) {
            Ok(file) => search.segment(&file, segment)?,
            // The oldest segment was removed meanwhile: that is where the log begins now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            Err(error) => return Err(error),
        };
    }
    search.found.reverse();
    Ok(LogPage { lines: search.found, next, truncated: reached > 0 })
}

struct Search<'a> {
    count: usize,
    filter: &'a LogFilter,
    /// Lines that end at or below this position are not looked at.
    floor: u64,
    /// Newest first.
    found: Vec<(u64, LogLine)>,
}

impl Search<'_> {
    /// Whether nothing older than position `reached` is wanted.
    fn is_over(&self, reached: u64) -> bool {
        self.found.len() >= self.count || reached <= self.floor
    }

    /// Looks through a segment from its end; the position it came down to.
    fn segment(&mut self, file: &File, segment: Segment) -> io::Result<u64> {
        // The beginning of a line whose end stood in the block before.
        let mut rest: Vec<u8> = Vec::new();
        let mut end = segment.len;
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
        let Ok(stored) = std::str::from_utf8(line) else { return };
        if !self.filter.may_match(stored) {
            return;
        }
        if let Ok(line) = serde_json::from_str::<LogLine>(stored)
            && self.filter.matches(&line)
        {
            self.found.push((position, line));
        }
    }
}
