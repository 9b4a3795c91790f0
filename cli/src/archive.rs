//! A directory as a gzipped tar. The same files give the same bytes, whenever and by whomever it
//! is packed: entries are sorted, owners and times are left out, modes are normal ones.

use std::fs::{self, File, Metadata};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use flate2::{Compression, GzBuilder, write::GzEncoder};
use ignore::WalkBuilder;
use tar::{Builder, EntryType, Header};

use crate::dockerignore::DockerIgnore;

/// 1980-01-01: the earliest time that zip files, and with them Python wheels, can carry.
const EVERY_MTIME: u64 = 315_532_800;

/// A packed directory, in a file without a name that vanishes with the program.
#[derive(Debug)]
pub struct Archive {
    pub file: File,
    pub entries: usize,
    /// Its size, packed.
    pub bytes: u64,
}

/// Why a directory cannot be packed.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("`{}` is not a directory", path.display())]
    NotADirectory { path: PathBuf },
    #[error("cannot walk `{}`: {source}", path.display())]
    Walk { path: PathBuf, source: ignore::Error },
    #[error("cannot read `{}`: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("`{}` is a link that leads out of the directory", path.display())]
    LinkLeadsOut { path: PathBuf },
    #[error("there is nothing to deploy in `{}`", path.display())]
    Empty { path: PathBuf },
    #[error("cannot write the archive: {source}")]
    Write { source: io::Error },
}

/// Packs a directory without `.git` and without what `.gitignore` (of git's own places too),
/// `.slipwayignore` and `.dockerignore` leave out.
pub fn pack(root: &Path) -> Result<Archive, ArchiveError> {
    if !root.is_dir() {
        return Err(ArchiveError::NotADirectory { path: root.to_owned() });
    }
    let paths = chosen(root)?;
    if paths.is_empty() {
        return Err(ArchiveError::Empty { path: root.to_owned() });
    }
    let write = |source| ArchiveError::Write { source };
    let file = tempfile::tempfile().map_err(write)?;
    let gzip = GzBuilder::new().mtime(0).write(BufWriter::new(file), Compression::fast());
    let mut tar = Builder::new(gzip);
    for path in &paths {
        append(&mut tar, root, path)?;
    }
    let (file, bytes) = finish(tar).map_err(write)?;
    Ok(Archive { file, entries: paths.len(), bytes })
}

/// The files and links to pack, relative to the root, sorted.
fn chosen(root: &Path) -> Result<Vec<PathBuf>, ArchiveError> {
    let docker = DockerIgnore::read(root)
        .map_err(|source| ArchiveError::Read { path: PathBuf::from(".dockerignore"), source })?;
    let base = root.to_owned();
    let walk = WalkBuilder::new(root)
        .hidden(false)
        .ignore(false)
        .require_git(false)
        .add_custom_ignore_filename(".slipwayignore")
        .filter_entry(move |entry| {
            let relative = entry.path().strip_prefix(&base).unwrap_or(entry.path());
            let is_directory = entry.file_type().is_some_and(|kind| kind.is_dir());
            entry.file_name() != ".git"
                && (relative.as_os_str().is_empty() || !docker.leaves_out(relative, is_directory))
        })
        .build();
    let mut paths = Vec::new();
    for entry in walk {
        let entry = entry.map_err(|source| ArchiveError::Walk { path: root.to_owned(), source })?;
        // Sockets, pipes and devices are of this machine, not of the app.
        let is_content = entry.file_type().is_some_and(|kind| kind.is_file() || kind.is_symlink());
        if let (true, Ok(relative)) = (is_content, entry.path().strip_prefix(root)) {
            paths.push(relative.to_owned());
        }
    }
    paths.sort();
    Ok(paths)
}

fn append<W: Write>(tar: &mut Builder<W>, root: &Path, path: &Path) -> Result<(), ArchiveError> {
    let read = |source| ArchiveError::Read { path: path.to_owned(), source };
    let metadata = fs::symlink_metadata(root.join(path)).map_err(read)?;
    let mut header = header(&metadata);
    if metadata.is_symlink() {
        let target = fs::read_link(root.join(path)).map_err(read)?;
        if leads_out(path, &target) {
            return Err(ArchiveError::LinkLeadsOut { path: path.to_owned() });
        }
        return tar
            .append_link(&mut header, path, &target)
            .map_err(|source| ArchiveError::Write { source });
    }
    let file = File::open(root.join(path)).map_err(read)?;
    let mut content = Exactly { file: BufReader::new(file), left: metadata.len() };
    tar.append_data(&mut header, path, &mut content).map_err(read)
}

fn header(metadata: &Metadata) -> Header {
    let mut header = Header::new_gnu();
    header.set_mtime(EVERY_MTIME);
    header.set_uid(0);
    header.set_gid(0);
    if metadata.is_symlink() {
        header.set_entry_type(EntryType::Symlink);
        header.set_size(0);
        header.set_mode(0o777);
    } else {
        header.set_entry_type(EntryType::Regular);
        header.set_size(metadata.len());
        let executable = metadata.permissions().mode() & 0o100 != 0;
        header.set_mode(if executable { 0o755 } else { 0o644 });
    }
    header
}

/// Whether a link's target, followed by name alone, is outside the tree.
fn leads_out(link: &Path, target: &Path) -> bool {
    let mut depth = link.components().count() - 1;
    for component in target.components() {
        match component {
            Component::Prefix(_) | Component::RootDir => return true,
            Component::ParentDir if depth == 0 => return true,
            Component::ParentDir => depth -= 1,
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
        }
    }
    false
}

fn finish(tar: Builder<GzEncoder<BufWriter<File>>>) -> io::Result<(File, u64)> {
    let buffered = tar.into_inner()?.finish()?;
    let mut file = buffered.into_inner().map_err(io::IntoInnerError::into_error)?;
    let bytes = file.seek(SeekFrom::End(0))?;
    Ok((file, bytes))
}

/// A file as long as it was when its header was made: what is appended meanwhile is left out, what
/// is cut off is an error.
struct Exactly {
    file: BufReader<File>,
    left: u64,
}

impl Read for Exactly {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let limit = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.file.read(&mut buffer[..limit])?;
        if read == 0 && limit > 0 {
            return Err(io::Error::other("it became shorter while it was read"));
        }
        self.left -= read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use flate2::read::GzDecoder;

    use super::*;

    struct Tree(tempfile::TempDir);

    impl Tree {
        fn new(files: &[(&str, &str)]) -> Self {
            let tree = Self(tempfile::tempdir().unwrap());
            for (path, content) in files {
                let path = tree.0.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, content).unwrap();
            }
            tree
        }

        fn path(&self) -> &Path {
            self.0.path()
        }
    }

    fn bytes(archive: &mut Archive) -> Vec<u8> {
        let mut bytes = Vec::new();
        archive.file.rewind().unwrap();
        archive.file.read_to_end(&mut bytes).unwrap();
        bytes
    }

    fn listing(archive: &mut Archive) -> Vec<String> {
        let bytes = bytes(archive);
        let mut tar = tar::Archive::new(GzDecoder::new(bytes.as_slice()));
        let line = |entry: io::Result<tar::Entry<'_, _>>| {
            let entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            format!("{:o} {path}", entry.header().mode().unwrap())
        };
        tar.entries().unwrap().map(line).collect()
    }

    #[test]
    fn what_the_ignore_files_name_is_left_out_and_dot_files_are_kept() {
        let tree = Tree::new(&[
            (".gitignore", "*.log\n/build/\n!keep.log\n"),
            (".dockerignore", "Dockerfile\nnotes.md\n"),
            (".slipwayignore", "fixtures/\n"),
            (".env.example", "A=1"),
            (".git/config", ""),
            ("sub/.git/config", ""),
            ("sub/.gitignore", "local.py\n"),
            ("Dockerfile", "FROM x"),
            ("a.log", ""),
            ("keep.log", ""),
            ("build/out", ""),
            ("sub/build/in", ""),
            ("sub/local.py", ""),
            ("sub/b.log", ""),
            ("sub/notes.md", ""),
            ("notes.md", ""),
            ("sub/fixtures/a.json", ""),
            ("web.py", "print()"),
        ]);
        let mut archive = pack(tree.path()).unwrap();
        let expected = [
            ".dockerignore",
            ".env.example",
            ".gitignore",
            ".slipwayignore",
            "Dockerfile",
            "keep.log",
            "sub/.gitignore",
            "sub/build/in",
            "sub/notes.md",
            "web.py",
        ];
        assert_eq!(listing(&mut archive), expected.map(|path| format!("644 {path}")));
        assert_eq!(archive.entries, expected.len());
    }

    #[test]
    fn the_same_files_give_the_same_bytes() {
        let files = [("b/c.py", "1"), ("a.py", "2"), (&"d".repeat(120), "3")];
        let (one, two) = (Tree::new(&files), Tree::new(&files));
        let other_time = fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH);
        File::open(two.path().join("a.py")).unwrap().set_times(other_time).unwrap();
        fs::set_permissions(two.path().join("a.py"), fs::Permissions::from_mode(0o600)).unwrap();
        let packed = |tree: &Tree| bytes(&mut pack(tree.path()).unwrap());
        assert_eq!(packed(&one), packed(&two));
    }

    #[test]
    fn executables_and_links_stay_what_they_are() {
        let tree = Tree::new(&[("run.sh", "#!/bin/sh"), ("lib/a.py", "")]);
        fs::set_permissions(tree.path().join("run.sh"), fs::Permissions::from_mode(0o700)).unwrap();
        symlink("../run.sh", tree.path().join("lib/go")).unwrap();
        let mut archive = pack(tree.path()).unwrap();
        assert_eq!(listing(&mut archive), ["644 lib/a.py", "777 lib/go", "755 run.sh"]);
    }

    #[test]
    fn a_link_out_of_the_directory_is_refused() {
        for target in ["/etc/passwd", "../../etc/passwd", "a/../../.."] {
            let tree = Tree::new(&[("sub/a.py", "")]);
            symlink(target, tree.path().join("sub/link")).unwrap();
            let error = pack(tree.path()).unwrap_err();
            assert!(matches!(error, ArchiveError::LinkLeadsOut { .. }), "{target}");
        }
    }

    #[test]
    fn a_directory_without_files_is_refused() {
        let tree = Tree::new(&[(".git/config", "")]);
        assert!(matches!(pack(tree.path()), Err(ArchiveError::Empty { .. })));
        let missing = tree.path().join("missing");
        assert!(matches!(pack(&missing), Err(ArchiveError::NotADirectory { .. })));
    }

    #[test]
    fn a_file_that_shrinks_while_it_is_read_is_an_error() {
        let tree = Tree::new(&[("a", "12345")]);
        let file = BufReader::new(File::open(tree.path().join("a")).unwrap());
        let error = Exactly { file, left: 6 }.read_to_end(&mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("shorter"));
    }
}
