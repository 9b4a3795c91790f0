//! The index of a source archive: what is there, and the text of the files that decide a build.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use slipway_core::reason::{Reason, ReasonCode};

use super::archive::{ArchiveError, Entry, Kind, Limits, Visit, walk};
use super::path::{TreePath, file_name};

/// Longest file whose text is kept.
const MAX_TEXT_BYTES: u64 = 1024 * 1024;
/// Most text kept of one tree.
const MAX_TEXTS_BYTES: u64 = 16 * 1024 * 1024;
/// How deep Python sources are looked at.
const MAX_PYTHON_DEPTH: usize = 5;

/// A checked source archive: its entries, and the texts that detection reads. Immutable; the
/// contents stay in the archive.
#[derive(Debug)]
pub struct SourceTree {
    archive: PathBuf,
    index: Index,
}

#[derive(Debug, Default)]
struct Index {
    /// Files and links.
    entries: BTreeMap<TreePath, Entry>,
    directories: BTreeSet<String>,
    texts: BTreeMap<String, String>,
    text_bytes: u64,
}

impl Index {
    fn add(&mut self, entry: &Entry, content: &mut dyn Read) -> Result<(), ArchiveError> {
        if let Kind::HardLink { target } = &entry.kind
            && !self.entries.contains_key(target)
        {
            let (path, target) = (entry.path.to_string(), target.to_string());
            return Err(ArchiveError::Link { path, target });
        }
        self.directories.extend(entry.path.ancestors().map(ToOwned::to_owned));
        if entry.kind == Kind::Directory {
            // A directory may be announced more than once; it says nothing new.
            self.directories.insert(entry.path.to_string());
            return Ok(());
        }
        if self.entries.insert(entry.path.clone(), entry.clone()).is_some() {
            return Err(ArchiveError::Twice { path: entry.path.to_string() });
        }
        if is_telling(entry) && self.text_bytes < MAX_TEXTS_BYTES {
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes)?;
            self.text_bytes += bytes.len() as u64;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            self.texts.insert(entry.path.to_string(), text);
        }
        Ok(())
    }

    /// Nothing may lie below a file or a link: whoever unpacked it would follow the link.
    fn check_parents(&self) -> Result<(), ArchiveError> {
        for path in self.entries.keys() {
            if let Some(parent) = path.ancestors().find(|dir| self.entries.contains_key(*dir)) {
                let (path, parent) = (path.to_string(), parent.to_owned());
                return Err(ArchiveError::BelowFile { path, parent });
            }
        }
        match self.directories.iter().find(|path| self.entries.contains_key(path.as_str())) {
            Some(path) => Err(ArchiveError::Twice { path: path.clone() }),
            None => Ok(()),
        }
    }
}

impl SourceTree {
    /// Reads and checks an archive.
    ///
    /// # Errors
    /// When it is not acceptable; see `archive`.
    pub fn read(archive: &Path) -> Result<Self, ArchiveError> {
        let mut index = Index::default();
        let file = BufReader::new(File::open(archive)?);
        walk(file, Limits::SOURCE, &mut |entry, content| index.add(entry, content))?;
        index.check_parents()?;
        Ok(Self { archive: archive.to_owned(), index })
    }

    /// Goes through the archive again with the contents, in its order.
    ///
    /// # Errors
    /// When it cannot be read, or `visit` fails.
    pub fn contents(&self, visit: &mut Visit<'_>) -> Result<(), ArchiveError> {
        let file = BufReader::new(File::open(&self.archive)?);
        walk(file, Limits::SOURCE, visit)
    }

    /// Whether there is a regular file, or another name for one, at this path.
    pub fn is_file(&self, path: &str) -> bool {
        let kind = self.index.entries.get(path).map(|entry| &entry.kind);
        matches!(kind, Some(Kind::File { .. } | Kind::HardLink { .. }))
    }

    /// Whether there is a directory at this path.
    pub fn is_directory(&self, path: &str) -> bool {
        self.index.directories.contains(path)
    }

    /// Whether nothing is there at all.
    pub fn is_empty(&self) -> bool {
        self.index.entries.is_empty()
    }

    /// The text of a telling file, `None` when it is absent, too long or no such file.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.index.texts.get(path).map(String::as_str)
    }

    /// The text of a file that steers Slipway: absent, or a regular file of sensible length.
    ///
    /// # Errors
    /// When something else is at its path.
    pub fn steering_text(&self, path: &str) -> Result<Option<&str>, Reason> {
        let refuse = |what| Err(Reason::new(ReasonCode::InvalidSource, format!("`{path}` {what}")));
        match self.index.entries.get(path).map(|entry| &entry.kind) {
            Some(Kind::File { .. }) if self.text(path).is_some() => Ok(self.text(path)),
            Some(Kind::File { .. }) => {
                refuse("is longer than 1 MiB, or its name does not say what it is")
            }
            Some(_) => refuse("must be a regular file"),
            None if self.is_directory(path) => refuse("must be a regular file"),
            None => Ok(None),
        }
    }

    /// The paths of all files, in order.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        let files =
            self.index.entries.values().filter(|entry| matches!(entry.kind, Kind::File { .. }));
        files.map(|entry| entry.path.as_str())
    }

    /// The paths of all files with this name, those nearest to the root first.
    pub fn files_named(&self, name: &str) -> Vec<&str> {
        let mut paths: Vec<&str> = self.files().filter(|path| file_name(path) == name).collect();
        paths.sort_by_key(|path| path.matches('/').count());
        paths
    }

    /// The Python sources that were read, by path.
    pub fn python_sources(&self) -> impl Iterator<Item = (&str, &str)> {
        let texts = self.index.texts.iter().map(|(path, text)| (path.as_str(), text.as_str()));
        texts.filter(|(path, _)| has_extension(path, "py"))
    }
}

/// Whether a file's text may decide how the app is built.
fn is_telling(entry: &Entry) -> bool {
    const NAMES: [&str; 12] = [
        "slipway.toml",
        "Procfile",
        ".dockerignore",
        "pyproject.toml",
        "Pipfile",
        "Pipfile.lock",
        ".python-version",
        "runtime.txt",
        "package.json",
        ".nvmrc",
        ".node-version",
        "yarn.lock",
    ];
    let path = entry.path.as_str();
    let name = file_name(path);
    let lower = name.to_ascii_lowercase();
    let depth = path.matches('/').count();
    let telling = NAMES.contains(&name)
        || lower.contains("dockerfile")
        || lower.contains("containerfile")
        || has_extension(path, "txt")
            && (path.contains("requirements") || path.contains("constraints"))
        || has_extension(path, "py") && depth < MAX_PYTHON_DEPTH;
    telling && matches!(entry.kind, Kind::File { .. }) && entry.size <= MAX_TEXT_BYTES
}

fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}
