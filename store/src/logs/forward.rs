//! Reading on from a position.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::segments::{Segment, Segments};
use super::sieve::Sieve;
use super::{LogFilter, LogPage};

/// What is read at a time while no line end is found.
const BLOCK: usize = 64 * 1024;
/// How often to look again when a segment goes between the look and the opening.
const TRIES: u32 = 3;

/// The lines that match among whole lines from `from` on: about `max_bytes` are looked through, over
/// several segments if need be.
pub(super) fn read(
    segments: &Segments,
    from: u64,
    max_bytes: usize,
    filter: &LogFilter,
) -> io::Result<LogPage> {
    let sieve = Sieve::new(filter);
    let mut tries = 0;
    loop {
        tries += 1;
        match read_once(segments, from, max_bytes, &sieve) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && tries < TRIES => {}
            page => return page,
        }
    }
}

fn read_once(
    segments: &Segments,
    from: u64,
    max_bytes: usize,
    sieve: &Sieve<'_>,
) -> io::Result<LogPage> {
    let all = segments.list()?;
    let (Some(first), Some(last)) = (all.first(), all.last()) else {
        return Ok(LogPage::default());
    };
    if from > last.end() {
        // No log ever gave this position out.
        let end = segments.end()?;
        return Ok(LogPage { from: end, next: end, ..LogPage::default() });
    }
    let mut page = LogPage {
        from: from.max(first.start),
        next: from.max(first.start),
        truncated: from < first.start,
        ..LogPage::default()
    };
    let end = last.end();
    let mut left = max_bytes.max(1);
    for segment in all.into_iter().filter(|segment| segment.end() > from) {
        // Segments follow each other without a gap: their names are where the one before ended.
        page.next = page.next.max(segment.start);
        let file = segments.open(segment)?;
        left = left.saturating_sub(read_segment(&file, segment, left, sieve, &mut page)?);
        if left == 0 || page.next < segment.end() {
            break;
        }
    }
    // What a crash left of a line is behind all lines, and nothing more to read.
    page.more = page.from < page.next && page.next < end;
    Ok(page)
}

/// Adds a segment's lines from `page.next` on; how many bytes those were.
fn read_segment(
    file: &File,
    segment: Segment,
    max_bytes: usize,
    sieve: &Sieve<'_>,
    page: &mut LogPage,
) -> io::Result<usize> {
    let mut at = page.next - segment.start;
    // One byte more in front tells whether the position is where a line begins.
    let inside = at > 0;
    at -= u64::from(inside);
    let bytes = read_lines(file, at, max_bytes + usize::from(inside))?;
    let mut position = segment.start + at;
    for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        position += line.len() as u64;
        if index == 0 && inside {
            continue;
        }
        if let Some(line) = sieve.sift(line) {
            page.lines.push((position, line));
        }
    }
    page.next = page.next.max(position);
    Ok(bytes.len())
}

/// About `max_bytes` bytes that end with a line end, more if a line is longer, or none.
fn read_lines(file: &File, at: u64, max_bytes: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut wanted = max_bytes;
    loop {
        let have = bytes.len();
        bytes.resize(have + wanted, 0);
        let got = file.read_at(&mut bytes[have..], at + have as u64)?;
        bytes.truncate(have + got);
        if let Some(last) = bytes[have..].iter().rposition(|byte| *byte == b'\n') {
            bytes.truncate(have + last + 1);
            // A line end alone is no line, but what came before one.
            if bytes.len() > 1 {
                return Ok(bytes);
            }
        }
        if got == 0 {
            return Ok(Vec::new());
        }
        wanted = BLOCK;
    }
}
