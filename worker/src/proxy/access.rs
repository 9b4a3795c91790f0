//! Reading nginx's access log as it grows.
//!
//! ```text
//!   access.log.3  access.log.2  access.log.1  access.log
//!        └─ oldest                    ▲            └─ nginx writes here
//!                                     └─ the reader: file by inode, and a byte in it
//! ```
//!
//! A rotated file is read to its end first; nginx writes the rest of its buffers there when it is
//! told of the rotation.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::logs::{KEPT, numbered};

/// Most bytes of one read.
const BLOCK: usize = 1024 * 1024;
/// For so long nothing must come any more before a rotated file counts as finished.
const FINISHED: Duration = Duration::from_millis(400);

/// A reader of the access log. What it read is told to stay read with [`save`](Self::save).
#[derive(Debug)]
pub struct AccessLog {
    log: PathBuf,
    stored: PathBuf,
    reading: Option<Reading>,
}

/// The file a reader is in.
#[derive(Debug)]
struct Reading {
    file: File,
    inode: u64,
    offset: u64,
    /// Since when it has been rotated and at its end.
    finished: Option<Instant>,
}

/// What there was to read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccessRead {
    /// Whole lines; empty when nothing new is there.
    pub lines: Vec<u8>,
    /// Whether lines before these were rotated away unread.
    pub gap: bool,
}

impl AccessLog {
    /// A reader of `log` that goes on where the one that wrote `stored` stopped.
    pub(crate) fn open(log: PathBuf, stored: PathBuf) -> Self {
        Self { log, stored, reading: None }
    }

    /// The next lines, at most about a MiB of them. Blocks for as long as the page cache takes.
    ///
    /// # Errors
    /// When a file that is there cannot be read.
    pub fn read(&mut self) -> io::Result<AccessRead> {
        let mut gap = false;
        loop {
            let Some(reading) = &mut self.reading else {
                let (reading, lost) = self.resume()?;
                gap |= lost;
                match reading {
                    Some(reading) => self.reading = Some(reading),
                    None => return Ok(AccessRead { gap, ..AccessRead::default() }),
                }
                continue;
            };
            let lines = reading.lines()?;
            if !lines.is_empty() || !reading.is_finished(&self.log) {
                return Ok(AccessRead { lines, gap });
            }
            let inode = reading.inode;
            let (next, lost) = self.after(inode)?;
            gap |= lost;
            match next {
                Some(next) => self.reading = Some(next),
                None => return Ok(AccessRead { gap, ..AccessRead::default() }),
            }
        }
    }

    /// Writes down how far was read, for the next reader.
    ///
    /// # Errors
    /// When the file cannot be written; the next reader repeats some lines then.
    pub fn save(&self) -> io::Result<()> {
        let Some(reading) = &self.reading else { return Ok(()) };
        let partial = self.stored.with_extension("new");
        fs::write(&partial, format!("{} {}\n", reading.inode, reading.offset))?;
        fs::rename(&partial, &self.stored)
    }

    /// Where the stored position is, or else the beginning of what there is; whether lines are
    /// missing between the two.
    fn resume(&self) -> io::Result<(Option<Reading>, bool)> {
        let Some((inode, offset)) = self.stored() else {
            return Ok((self.oldest()?, false));
        };
        for path in self.files() {
            if let Some(mut reading) = Reading::open(&path)?
                && reading.inode == inode
            {
                reading.offset = offset;
                return Ok((Some(reading), false));
            }
        }
        let oldest = self.oldest()?;
        let lost = oldest.is_some();
        Ok((oldest, lost))
    }

    fn stored(&self) -> Option<(u64, u64)> {
        let text = fs::read_to_string(&self.stored).ok()?;
        let (inode, offset) = text.trim_end().split_once(' ')?;
        Some((inode.parse().ok()?, offset.parse().ok()?))
    }

    /// The file that followed the one of this inode; the oldest, with a gap, when that is gone.
    fn after(&self, inode: u64) -> io::Result<(Option<Reading>, bool)> {
        let mut newer = None;
        for path in self.files() {
            let Some(reading) = Reading::open(&path)? else { continue };
            if reading.inode == inode {
                return Ok((newer, false));
            }
            newer = Some(reading);
        }
        Ok((newer, true))
    }

    fn oldest(&self) -> io::Result<Option<Reading>> {
        for path in self.files().rev() {
            if let Some(reading) = Reading::open(&path)? {
                return Ok(Some(reading));
            }
        }
        Ok(None)
    }

    /// Newest first.
    fn files(&self) -> impl DoubleEndedIterator<Item = PathBuf> {
        let rotated = (1..=KEPT).map(|number| numbered(&self.log, number));
        std::iter::once(self.log.clone()).chain(rotated.collect::<Vec<_>>())
    }
}

impl Reading {
    /// The beginning of a file, if there is one.
    fn open(path: &Path) -> io::Result<Option<Self>> {
        match File::open(path) {
            Ok(file) => {
                let inode = file.metadata()?.ino();
                Ok(Some(Self { file, inode, offset: 0, finished: None }))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The next whole lines.
    fn lines(&mut self) -> io::Result<Vec<u8>> {
        // Somebody emptied it.
        if self.file.metadata()?.len() < self.offset {
            self.offset = 0;
        }
        let mut bytes = vec![0; BLOCK];
        let got = self.file.read_at(&mut bytes, self.offset)?;
        bytes.truncate(got);
        match bytes.iter().rposition(|byte| *byte == b'\n') {
            Some(last) => bytes.truncate(last + 1),
            // A line is never this long; what fills a block without an end is read past.
            None if got == BLOCK => {}
            None => bytes.clear(),
        }
        self.offset += bytes.len() as u64;
        if !bytes.is_empty() {
            self.finished = None;
        }
        Ok(bytes)
    }

    /// Whether nothing will be written to it any more.
    fn is_finished(&mut self, log: &Path) -> bool {
        let replaced = fs::metadata(log).is_ok_and(|current| current.ino() != self.inode);
        replaced && self.finished.get_or_insert_with(Instant::now).elapsed() >= FINISHED
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    struct Log(tempfile::TempDir);

    impl Log {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn path(&self) -> PathBuf {
            self.0.path().join("access.log")
        }

        fn reader(&self) -> AccessLog {
            AccessLog::open(self.path(), self.0.path().join("access.position"))
        }

        fn write(&self, text: &str) {
            let file = fs::OpenOptions::new().create(true).append(true).open(self.path());
            file.unwrap().write_all(text.as_bytes()).unwrap();
        }

        fn rotate(&self) {
            for number in (1..KEPT).rev() {
                let _ =
                    fs::rename(numbered(&self.path(), number), numbered(&self.path(), number + 1));
            }
            fs::rename(self.path(), numbered(&self.path(), 1)).unwrap();
        }
    }

    /// Reads until nothing has come for longer than a rotated file is waited for.
    fn rest(reader: &mut AccessLog) -> (String, bool) {
        let (mut text, mut gap, mut quiet) = (String::new(), false, Instant::now());
        while quiet.elapsed() < FINISHED * 2 {
            let read = reader.read().unwrap();
            gap |= read.gap;
            if read.lines.is_empty() {
                std::thread::sleep(Duration::from_millis(10));
            } else {
                quiet = Instant::now();
                text += std::str::from_utf8(&read.lines).unwrap();
            }
        }
        (text, gap)
    }

    #[test]
    fn lines_come_once_and_whole() {
        let log = Log::new();
        let mut reader = log.reader();
        assert_eq!(reader.read().unwrap(), AccessRead::default());
        log.write("one\ntw");
        assert_eq!(reader.read().unwrap().lines, b"one\n");
        assert_eq!(reader.read().unwrap().lines, b"");
        log.write("o\n");
        assert_eq!(reader.read().unwrap().lines, b"two\n");
    }

    #[test]
    fn a_rotated_file_is_read_to_its_end_before_the_next() {
        let log = Log::new();
        let mut reader = log.reader();
        log.write("one\n");
        assert_eq!(reader.read().unwrap().lines, b"one\n");
        let mut old = fs::OpenOptions::new().append(true).open(log.path()).unwrap();
        log.rotate();
        log.write("three\n");
        assert_eq!(reader.read().unwrap().lines, b"");
        old.write_all(b"two\n").unwrap();
        assert_eq!(rest(&mut reader), ("two\nthree\n".to_owned(), false));
    }

    #[test]
    fn the_next_reader_goes_on_where_one_stopped_also_in_a_rotated_file() {
        let log = Log::new();
        log.write("one\n");
        let mut first = log.reader();
        first.read().unwrap();
        first.save().unwrap();
        log.write("two\n");
        log.rotate();
        log.write("three\n");
        log.rotate();
        log.write("four\n");
        assert_eq!(rest(&mut log.reader()), ("two\nthree\nfour\n".to_owned(), false));
    }

    #[test]
    fn what_was_rotated_away_unread_is_a_gap() {
        let log = Log::new();
        log.write("one\n");
        let mut first = log.reader();
        first.read().unwrap();
        first.save().unwrap();
        for number in 2..=6 {
            log.rotate();
            fs::remove_file(numbered(&log.path(), KEPT)).unwrap_or_default();
            log.write(&format!("{number}\n"));
        }
        assert_eq!(rest(&mut log.reader()), ("4\n5\n6\n".to_owned(), true));
    }
}
