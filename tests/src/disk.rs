//! A small file system of one's own, for what happens when a disk is full.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use tempfile::TempDir;

/// How often what is free is taken, when others write meanwhile.
const TRIES: u32 = 20;

/// A file system in memory; it is unmounted when it is dropped.
#[derive(Debug)]
pub struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// Mounts an empty file system of this size. `None`, said on the test's output, where this
    /// machine does not let us mount anything.
    ///
    /// # Errors
    /// When there is no folder to mount it on.
    #[expect(clippy::print_stdout, reason = "a test that proves nothing has to say so")]
    pub fn mount(bytes: u64) -> anyhow::Result<Option<Self>> {
        let folder = tempfile::Builder::new().prefix("slipway-disk-").tempdir()?;
        let size = format!("size={bytes},mode=0755");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "slipway-test"])
            .arg(folder.path())
            .output()
            .context("running mount")?;
        if !mounted.status.success() {
            let why = String::from_utf8_lossy(&mounted.stderr);
            println!("skipped: a file system cannot be mounted here: {}", why.trim());
            return Ok(None);
        }
        Ok(Some(Self { folder }))
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Takes everything but `left` bytes for a file named `filler`.
    ///
    /// # Errors
    /// When the file cannot be made that large.
    pub fn fill(&self, left: u64) -> anyhow::Result<()> {
        let filler = self.path().join("filler");
        for _ in 0..TRIES {
            let stats = rustix::fs::statvfs(self.path())?;
            let had = filler.metadata().map_or(0, |metadata| metadata.len());
            let bytes = (had + stats.f_bavail * stats.f_frsize).saturating_sub(left);
            let length = bytes.to_string();
            let taken = Command::new("fallocate").args(["-l", &length]).arg(&filler).output()?;
            if taken.status.success() {
                return Ok(());
            }
        }
        bail!("`fallocate` could not fill {}", self.path().display())
    }

    /// Gives back what [`fill`](Self::fill) took.
    ///
    /// # Errors
    /// When nothing was taken.
    pub fn clear(&self) -> anyhow::Result<()> {
        Ok(std::fs::remove_file(self.path().join("filler"))?)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a process that is about to end may still have a file open.
        let unmounted = Command::new("umount").arg("--lazy").arg(self.path()).status();
        debug_assert!(unmounted.is_ok_and(|status| status.success()), "the disk is still mounted");
    }
}
