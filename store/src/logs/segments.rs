//! The segments of one app's log: which there are, and where the log ends.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::PathBuf;

use slipway_core::time::Timestamp;

/// How much is read at a time to find the last line end.
const BLOCK: usize = 64 * 1024;

/// The directory of an app's segments.
#[derive(Debug, Clone)]
pub(super) struct Segments {
    directory: PathBuf,
}

/// One segment: bytes `start..start + len` of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Segment {
    pub start: u64,
    pub len: u64,
    /// When it was written to last, as it was when it was listed: no line in it is younger.
    pub written: Timestamp,
}

impl Segment {
    pub(super) fn end(self) -> u64 {
        self.start + self.len
    }
}

impl Segments {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Every segment, oldest first; none when nothing was ever written.
    pub(super) fn list(&self) -> io::Result<Vec<Segment>> {
        let entries = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut segments = Vec::new();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let start = name.to_str().and_then(|name| name.strip_suffix(".jsonl"));
            let Some(start) = start.and_then(|start| start.parse().ok()) else { continue };
            match entry.metadata() {
                Ok(metadata) => {
                    let written =
                        Timestamp(metadata.mtime() * 1000 + metadata.mtime_nsec() / 1_000_000);
                    segments.push(Segment { start, len: metadata.len(), written });
                }
                // The writer removed it meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        segments.sort_unstable_by_key(|segment| segment.start);
        Ok(segments)
    }

    pub(super) fn path(&self, start: u64) -> PathBuf {
        self.directory.join(format!("{start:020}.jsonl"))
    }

    pub(super) fn open(&self, segment: Segment) -> io::Result<File> {
        File::open(self.path(segment.start))
    }

    /// Opens the segment that begins at `start` for appending, and makes it if it is not there.
    pub(super) fn open_for_append(&self, start: u64) -> io::Result<File> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(self.path(start))
    }

    /// Removes a segment; one that is gone already is success.
    pub(super) fn remove(&self, segment: Segment) -> io::Result<()> {
        absent_is_done(fs::remove_file(self.path(segment.start)))
    }

    /// Removes all of them and their directory.
    pub(super) fn remove_all(&self) -> io::Result<()> {
        absent_is_done(fs::remove_dir_all(&self.directory))
    }

    /// The position behind the last whole line.
    pub(super) fn end(&self) -> io::Result<u64> {
        match self.list()?.last() {
            Some(last) => Ok(last.start + whole_lines(&self.open(*last)?, last.len)?),
            None => Ok(0),
        }
    }
}

/// How many of a file's first `len` bytes belong to whole lines.
pub(super) fn whole_lines(file: &File, len: u64) -> io::Result<u64> {
    let mut block = vec![0; BLOCK];
    let mut end = len;
    while end > 0 {
        let start = end.saturating_sub(BLOCK as u64);
        let size = usize::try_from(end - start).unwrap_or(BLOCK);
        file.read_exact_at(&mut block[..size], start)?;
        if let Some(at) = block[..size].iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

fn absent_is_done(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
