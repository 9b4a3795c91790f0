//! Reading a source archive (`.tar.gz`) that anybody may have made.
//!
//! An archive is a stream of claims. Each is checked before anybody acts on it: paths stay inside
//! the tree, links point inside it, only files, directories and links exist, and the whole is
//! bounded in entries, bytes and compression ratio. Nothing is ever written to disk under a name
//! from an archive.

use std::cell::{Cell, RefCell};
use std::io::{self, Read};
use std::rc::Rc;

use flate2::read::MultiGzDecoder;
use tar::{EntryType, Header, PaxExtensions};

use super::path::TreePath;

/// Longest extended header; the longest thing it needs to hold is a path.
const MAX_EXTENSION_BYTES: u64 = 64 * 1024;

/// How much an archive may hold.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub entries: usize,
    /// Bytes once unpacked, headers included.
    pub bytes: u64,
    /// Unpacked bytes for each packed one.
    pub ratio: u64,
    /// Up to this many unpacked bytes the ratio does not count.
    pub ratio_free_bytes: u64,
}

impl Limits {
    /// Those of sources.
    pub const SOURCE: Self = Self {
        entries: 50_000,
        bytes: 1024 * 1024 * 1024,
        ratio: 200,
        ratio_free_bytes: 32 * 1024 * 1024,
    };
}

/// Why an archive is refused.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("the source has more than {0} files")]
    TooManyEntries(usize),
    #[error("the source is larger than {} MiB unpacked", .0 / 1024 / 1024)]
    TooLarge(u64),
    #[error("the source archive expands more than {0} times")]
    Ratio(u64),
    #[error("`{path}` is not a path inside the source: {rule}")]
    Path { path: String, rule: &'static str },
    #[error("`{path}` links to `{target}`, outside the source")]
    Link { path: String, target: String },
    #[error("`{path}` is {kind}: only files, directories and links are accepted")]
    Kind { path: String, kind: &'static str },
    #[error("`{path}` carries a set-user-id or set-group-id bit")]
    SetId { path: String },
    #[error("`{path}` is there twice")]
    Twice { path: String },
    #[error("`{path}` lies below `{parent}`, which is not a directory")]
    BelowFile { path: String, parent: String },
    #[error("the source archive cannot be read: {0}")]
    Unreadable(#[from] io::Error),
}

/// One accepted entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub path: TreePath,
    pub kind: Kind,
    /// Bytes of content, for files.
    pub size: u64,
    /// Seconds since the epoch.
    pub modified: u64,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    File {
        executable: bool,
    },
    Directory,
    /// The target as written; checked to stay inside the tree.
    Symlink {
        target: String,
    },
    /// Another name for a file of the tree.
    HardLink {
        target: TreePath,
    },
}

/// What to do with each entry; the reader gives a file's content.
pub type Visit<'a> = dyn FnMut(&Entry, &mut dyn Read) -> Result<(), ArchiveError> + 'a;

/// Goes through an archive once, in order, handing each acceptable entry to `visit`.
///
/// # Errors
/// At the first claim that is not acceptable, or when `visit` fails.
pub fn walk(archive: impl Read, limits: Limits, visit: &mut Visit<'_>) -> Result<(), ArchiveError> {
    let verdict = Verdict::default();
    let unpacked = Bounded::new(archive, limits, verdict.clone());
    let outcome = walk_bounded(unpacked, limits.entries, visit);
    // The tar reader wraps errors of what it reads; the meter's own word is the precise one.
    verdict.take().map_or(outcome, Err)
}

fn walk_bounded(
    unpacked: impl Read,
    max_entries: usize,
    visit: &mut Visit<'_>,
) -> Result<(), ArchiveError> {
    let mut archive = tar::Archive::new(unpacked);
    let mut extension = Extension::default();
    let mut count = 0;
    for entry in archive.entries()?.raw(true) {
        let mut entry = entry?;
        count += 1;
        if count > max_entries {
            return Err(ArchiveError::TooManyEntries(max_entries));
        }
        if extension.absorb(&mut entry)? {
            continue;
        }
        if let Some(accepted) = accept(entry.header(), std::mem::take(&mut extension))? {
            visit(&accepted, &mut entry)?;
        }
    }
    Ok(())
}

/// What extended headers say about the entry after them.
#[derive(Default)]
struct Extension {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

impl Extension {
    /// Takes in an extended header. `false` when the entry is not one.
    fn absorb<R: Read>(&mut self, entry: &mut tar::Entry<'_, R>) -> Result<bool, ArchiveError> {
        let kind = entry.header().entry_type();
        if kind.is_pax_global_extensions() {
            return Ok(true);
        }
        if kind.is_gnu_longname() {
            self.path = Some(unterminated(short(entry)?));
        } else if kind.is_gnu_longlink() {
            self.link = Some(unterminated(short(entry)?));
        } else if kind.is_pax_local_extensions() {
            self.absorb_pax(&short(entry)?)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn absorb_pax(&mut self, content: &[u8]) -> Result<(), ArchiveError> {
        for field in PaxExtensions::new(content) {
            let field = field?;
            match field.key_bytes() {
                b"path" => self.path = Some(field.value_bytes().to_vec()),
                b"linkpath" => self.link = Some(field.value_bytes().to_vec()),
                // Either would make the entry's length differ from its header's.
                b"size" => return Err(unusual("a file of 8 GiB or more")),
                key if key.starts_with(b"GNU.sparse.") => return Err(unusual("a sparse file")),
                _ => {}
            }
        }
        Ok(())
    }
}

fn unusual(kind: &'static str) -> ArchiveError {
    ArchiveError::Kind { path: "an entry".to_owned(), kind }
}

fn short(entry: &mut impl Read) -> Result<Vec<u8>, ArchiveError> {
    let mut content = Vec::new();
    entry.take(MAX_EXTENSION_BYTES + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MAX_EXTENSION_BYTES {
        return Err(ArchiveError::Path { path: "an entry".to_owned(), rule: "it is too long" });
    }
    Ok(content)
}

fn unterminated(mut bytes: Vec<u8>) -> Vec<u8> {
    while bytes.last() == Some(&0) {
        bytes.pop();
    }
    bytes
}

/// Checks one entry by itself. `None` for the tree's own root.
fn accept(header: &Header, extension: Extension) -> Result<Option<Entry>, ArchiveError> {
    let raw = extension.path.unwrap_or_else(|| header.path_bytes().into_owned());
    let Some(path) = TreePath::parse(&raw)? else { return Ok(None) };
    let link = || {
        let own = || header.link_name_bytes().map(std::borrow::Cow::into_owned);
        extension.link.clone().or_else(own).unwrap_or_default()
    };
    let is = header.entry_type();
    let kind = if is.is_file() {
        let mode = header.mode()?;
        if mode & 0o6000 != 0 {
            return Err(ArchiveError::SetId { path: path.to_string() });
        }
        Kind::File { executable: mode & 0o111 != 0 }
    } else if is.is_dir() {
        Kind::Directory
    } else if is.is_symlink() {
        Kind::Symlink { target: symlink_target(&path, &link())? }
    } else if is.is_hard_link() {
        Kind::HardLink { target: hard_link_target(&path, &link())? }
    } else {
        return Err(ArchiveError::Kind { path: path.to_string(), kind: name(is) });
    };
    let size = if matches!(kind, Kind::File { .. }) { header.entry_size()? } else { 0 };
    Ok(Some(Entry { path, kind, size, modified: header.mtime().unwrap_or(0) }))
}

fn symlink_target(path: &TreePath, target: &[u8]) -> Result<String, ArchiveError> {
    let shown = String::from_utf8_lossy(target).into_owned();
    if path.resolve(&shown).is_some() && !shown.contains('\0') {
        Ok(shown)
    } else {
        Err(ArchiveError::Link { path: path.to_string(), target: shown })
    }
}

fn hard_link_target(path: &TreePath, target: &[u8]) -> Result<TreePath, ArchiveError> {
    let outside = || ArchiveError::Link {
        path: path.to_string(),
        target: String::from_utf8_lossy(target).into_owned(),
    };
    TreePath::parse(target).ok().flatten().ok_or_else(outside)
}

fn name(kind: EntryType) -> &'static str {
    if kind.is_character_special() || kind.is_block_special() {
        "a device"
    } else if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_gnu_sparse() {
        "a sparse file"
    } else {
        "of an unknown kind"
    }
}

/// Why reading was cut short, shared with the reader that cut it.
#[derive(Clone, Default)]
struct Verdict(Rc<RefCell<Option<ArchiveError>>>);

impl Verdict {
    fn take(&self) -> Option<ArchiveError> {
        self.0.borrow_mut().take()
    }

    fn refuse(&self, error: ArchiveError) -> io::Error {
        *self.0.borrow_mut() = Some(error);
        io::Error::other("the archive exceeds a limit")
    }
}

/// Unpacked bytes of a compressed archive, up to the limits.
struct Bounded<R> {
    inner: MultiGzDecoder<Counted<R>>,
    limits: Limits,
    packed: Rc<Cell<u64>>,
    unpacked: u64,
    verdict: Verdict,
}

impl<R: Read> Bounded<R> {
    fn new(archive: R, limits: Limits, verdict: Verdict) -> Self {
        let packed = Rc::new(Cell::new(0));
        let counted = Counted { inner: archive, count: Rc::clone(&packed) };
        Self { inner: MultiGzDecoder::new(counted), limits, packed, unpacked: 0, verdict }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.unpacked += count as u64;
        let Limits { bytes, ratio, ratio_free_bytes, .. } = self.limits;
        if self.unpacked > bytes {
            return Err(self.verdict.refuse(ArchiveError::TooLarge(bytes)));
        }
        let packed = self.packed.get().max(1);
        if self.unpacked > ratio_free_bytes && self.unpacked / packed > ratio {
            return Err(self.verdict.refuse(ArchiveError::Ratio(ratio)));
        }
        Ok(count)
    }
}

struct Counted<R> {
    inner: R,
    count: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count.set(self.count.get() + count as u64);
        Ok(count)
    }
}
