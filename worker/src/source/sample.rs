//! Archives for tests, made in memory.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

use super::tree::SourceTree;

/// A source archive under construction.
pub struct Sample {
    tar: Builder<Vec<u8>>,
}

impl Sample {
    pub fn new() -> Self {
        Self { tar: Builder::new(Vec::new()) }
    }

    /// Adds a file.
    pub fn file(self, path: &str, text: &str) -> Self {
        self.entry(EntryType::Regular, path, "", 0o644, text.as_bytes())
    }

    /// Adds a link.
    pub fn link(self, kind: EntryType, path: &str, target: &str) -> Self {
        self.entry(kind, path, target, 0o777, b"")
    }

    /// Adds anything, exactly as told: the path is not checked by anybody.
    pub fn entry(
        mut self,
        kind: EntryType,
        path: &str,
        target: &str,
        mode: u32,
        content: &[u8],
    ) -> Self {
        let mut header = Header::new_gnu();
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.as_gnu_mut().unwrap().linkname[..target.len()].copy_from_slice(target.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(1_700_000_000);
        header.set_size(content.len() as u64);
        header.set_cksum();
        self.tar.append(&header, content).unwrap();
        self
    }

    /// The compressed archive.
    pub fn bytes(self) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&self.tar.into_inner().unwrap()).unwrap();
        gzip.finish().unwrap()
    }

    /// Writes the archive to a file.
    pub fn write(self, path: &Path) {
        std::fs::write(path, self.bytes()).unwrap();
    }
}

/// The tree of an archive with these files. The archive itself is gone afterwards, which is enough
/// for whoever plans.
pub fn tree(files: &[(&str, &str)]) -> SourceTree {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("source.tar.gz");
    let sample = files.iter().fold(Sample::new(), |sample, (path, text)| sample.file(path, text));
    sample.write(&path);
    SourceTree::read(&path).unwrap()
}
