//! The one writer of an app's log.

use std::fs::File;
use std::io::{self, Write};

use slipway_core::log::LogLine;

use super::segments::{Segment, Segments, whole_lines};

/// How much a writer leaves standing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Size at which a segment is followed by the next one.
    pub segment_bytes: u64,
    /// Size of all segments together.
    pub total_bytes: u64,
}

/// Appends to the newest segment, and begins the next one when it is full.
#[derive(Debug)]
pub(super) struct Writer {
    segments: Segments,
    bounds: Bounds,
    current: Segment,
    file: File,
}

impl Writer {
    /// Continues the log; what an earlier writer left of a line is cut off.
    pub(super) fn open(segments: Segments, bounds: Bounds) -> io::Result<Self> {
        let mut current = segments.list()?.pop().unwrap_or_default();
        let file = segments.open_for_append(current.start)?;
        let whole = whole_lines(&file, current.len)?;
        if whole < current.len {
            file.set_len(whole)?;
            current.len = whole;
        }
        Ok(Self { segments, bounds, current, file })
    }

    /// Appends whole lines.
    pub(super) fn append(&mut self, lines: &[LogLine]) -> io::Result<()> {
        let mut buffer = Vec::with_capacity(lines.len() * 128);
        for line in lines {
            serde_json::to_writer(&mut buffer, line)?;
            buffer.push(b'\n');
            if self.current.len + buffer.len() as u64 >= self.bounds.segment_bytes {
                self.write(&buffer)?;
                buffer.clear();
                self.roll()?;
            }
        }
        self.write(&buffer)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.current.len += bytes.len() as u64;
        Ok(())
    }

    fn roll(&mut self) -> io::Result<()> {
        self.current = Segment { start: self.current.end(), ..Segment::default() };
        self.file = self.segments.open_for_append(self.current.start)?;
        self.remove_surplus()
    }

    /// Removes the oldest segments until a whole new one fits.
    fn remove_surplus(&self) -> io::Result<()> {
        let allowed = self.bounds.total_bytes.saturating_sub(self.bounds.segment_bytes);
        for segment in self.segments.list()? {
            let kept = self.current.start - segment.start;
            if segment.start == self.current.start || kept <= allowed {
                return Ok(());
            }
            self.segments.remove(segment)?;
        }
        Ok(())
    }
}
