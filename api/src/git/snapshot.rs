//! The source of a commit as a gzipped tar, made while its objects are still in quarantine.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, anyhow, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use rustix::process::Signal;
use sha2::{Digest, Sha256};

use crate::git::plan::ObjectId;
use crate::git::process::{bound_memory, signal_group};
use crate::git::repository::Repository;

/// How long git may take to write an archive.
const DEADLINE: Duration = Duration::from_mins(5);

/// A commit, as people know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitNote {
    pub author: String,
    pub subject: String,
}

/// A stored archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// Its size as stored.
    pub bytes: u64,
    /// Hexadecimal, of the bytes as stored.
    pub sha256: String,
}

/// Why there is no archive.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error("the source has more than {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("git could not write the source within {} s", DEADLINE.as_secs())]
    TooSlow,
    #[error("{0:#}")]
    Failed(#[from] anyhow::Error),
}

/// A commit that may still be in quarantine.
#[derive(Debug, Clone)]
pub struct Snapshot {
    repository: Repository,
    quarantine: Option<PathBuf>,
    commit: ObjectId,
}

impl Snapshot {
    /// `quarantine` is where its objects are, when they are not in the repository yet.
    pub fn new(repository: Repository, quarantine: Option<PathBuf>, commit: ObjectId) -> Self {
        Self { repository, quarantine, commit }
    }

    /// Who wrote the commit and what they say about it. Blocks on git.
    ///
    /// # Errors
    /// When the object is not a commit.
    pub fn note(&self) -> anyhow::Result<CommitNote> {
        let mut command = self.command();
        command.args(["log", "-1", "--no-show-signature", "--format=%an%n%s"]);
        command.args(["--end-of-options", self.commit.as_str()]).stdout(Stdio::piped());
        let output = command.output().context("start git")?;
        ensure!(output.status.success(), "`{}` is not a commit", self.commit.short());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (author, subject) = text.split_once('\n').unwrap_or((&text, ""));
        let one_line = |text: &str| text.chars().filter(|c| !c.is_control()).take(200).collect();
        Ok(CommitNote { author: one_line(author), subject: one_line(subject) })
    }

    /// Writes the archive to a file.
    ///
    /// # Errors
    /// When the unpacked source is larger than `limit` bytes, git fails, or takes too long.
    pub async fn write(&self, to: &Path, limit: u64) -> Result<Archive, SnapshotError> {
        let mut command = self.command();
        command.args(["archive", "--format=tar", "--end-of-options", self.commit.as_str()]);
        let child = command.stdout(Stdio::piped()).spawn().context("start git")?;
        let pid = child.id();
        bound_memory(pid).context("bound git's memory")?;
        let to = to.to_owned();
        let work = tokio::task::spawn_blocking(move || compress(child, &to, limit));
        let Ok(done) = tokio::time::timeout(DEADLINE, work).await else {
            signal_group(pid, Signal::KILL);
            return Err(SnapshotError::TooSlow);
        };
        done.map_err(anyhow::Error::new)?
    }

    fn command(&self) -> Command {
        let git = self.repository.git();
        let mut command = git.command();
        if let Some(quarantine) = &self.quarantine {
            command
                .env("GIT_OBJECT_DIRECTORY", quarantine)
                .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", git.directory().join("objects"));
        }
        command
    }
}

fn compress(mut git: Child, to: &Path, limit: u64) -> Result<Archive, SnapshotError> {
    let tar = git.stdout.take().ok_or_else(|| anyhow!("git has no output"))?;
    let written = copy(tar, to, limit);
    if written.is_err() {
        signal_group(git.id(), Signal::KILL);
    }
    let status = git.wait().context("wait for git")?;
    let archive = written?;
    if !status.success() {
        return Err(anyhow!("git archive: {status}").into());
    }
    Ok(archive)
}

fn copy(mut tar: impl Read, to: &Path, limit: u64) -> Result<Archive, SnapshotError> {
    let file = File::create(to).context("create a source archive")?;
    let mut gzip = GzEncoder::new(Measured::new(file), Compression::fast());
    let unpacked =
        io::copy(&mut tar.by_ref().take(limit + 1), &mut gzip).context("write a source archive")?;
    if unpacked > limit {
        return Err(SnapshotError::TooLarge { limit });
    }
    let measured = gzip.finish().context("write a source archive")?;
    Ok(Archive { bytes: measured.bytes, sha256: hex::encode(measured.sha256.finalize()) })
}

struct Measured {
    file: File,
    bytes: u64,
    sha256: Sha256,
}

impl Measured {
    fn new(file: File) -> Self {
        Self { file, bytes: 0, sha256: Sha256::new() }
    }
}

impl Write for Measured {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let written = self.file.write(data)?;
        self.bytes += written as u64;
        self.sha256.update(&data[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_measured_as_it_is_stored() {
        let root = tempfile::tempdir().unwrap();
        let to = root.path().join("a.tar.gz");
        let archive = copy(&b"hello"[..], &to, 5).unwrap();
        let stored = std::fs::read(&to).unwrap();
        assert_eq!(archive.bytes, stored.len() as u64);
        assert_eq!(archive.sha256, hex::encode(Sha256::digest(&stored)));
    }

    #[test]
    fn a_source_that_unpacks_too_large_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let endless = io::repeat(0);
        let refused = copy(endless, &root.path().join("a.tar.gz"), 1 << 20);
        assert!(matches!(refused, Err(SnapshotError::TooLarge { limit }) if limit == 1 << 20));
    }
}
