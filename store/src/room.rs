//! Room on the disk: a reserve that is given up when it is needed, and the read-only mode meanwhile.
//!
//! ```text
//!                       free < low
//!   writable ────────────────────────────▶ read-only
//!   reserve held ◀──────────────────────── reserve released
//!                 free ≥ reserve + 2 × low
//! ```
//!
//! The reserve is a file in the data directory that holds nothing but its place. Releasing it is
//! what lets the database go on with the little that makes room again: signing in, destroying an
//! app, clearing away. Whether the file is there *is* the mode, so that roles in processes of their
//! own agree on it, and a restart on a full disk starts with the room that is left.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate};

use crate::data_dir::DataDir;
use crate::db::Store;

/// The reserve of a disk of ordinary size; a small disk keeps a sixteenth of itself.
const MOST_RESERVED: u64 = 64 * 1024 * 1024;

/// The space of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// What this process may still use.
    pub free_bytes: u64,
    pub total_bytes: u64,
}

impl Space {
    /// The space of the file system that holds `path`.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub fn of(path: &Path) -> io::Result<Self> {
        let stats = rustix::fs::statvfs(path)?;
        Ok(Self {
            free_bytes: stats.f_bavail.saturating_mul(stats.f_frsize),
            total_bytes: stats.f_blocks.saturating_mul(stats.f_frsize),
        })
    }

    fn reserve_bytes(self) -> u64 {
        MOST_RESERVED.min(self.total_bytes / 16)
    }

    fn low_bytes(self) -> u64 {
        self.reserve_bytes() / 4
    }

    /// What of this file system has to be free before anything is written again.
    fn enough_bytes(self) -> u64 {
        self.reserve_bytes() + 2 * self.low_bytes()
    }
}

/// The place that is kept free in a data directory.
#[derive(Debug, Clone)]
pub struct Reserve {
    folder: PathBuf,
}

impl Reserve {
    /// The reserve of this data directory; nothing is looked at or made yet.
    pub fn of(data: &DataDir) -> Self {
        Self { folder: data.root().to_owned() }
    }

    /// Holds or releases the reserve, as the disk demands, and says whether there is room to write.
    ///
    /// # Errors
    /// When the file system cannot be asked or the reserve not be released. That it cannot be made
    /// is no error: there is no room then.
    pub fn look_after(&self) -> io::Result<bool> {
        let space = Space::of(&self.folder)?;
        if space.free_bytes < space.low_bytes() {
            self.release()?;
            return Ok(false);
        }
        if self.is_held() {
            return Ok(true);
        }
        Ok(space.free_bytes >= space.enough_bytes() && self.hold(space.reserve_bytes())?)
    }

    /// Whether the place is held now.
    pub fn is_held(&self) -> bool {
        self.file().exists()
    }

    fn file(&self) -> PathBuf {
        self.folder.join("reserve")
    }

    fn release(&self) -> io::Result<()> {
        match std::fs::remove_file(self.file()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Takes the place; it has its name only once it is whole.
    fn hold(&self, bytes: u64) -> io::Result<bool> {
        let staged = self.folder.join(format!("reserve.{}", std::process::id()));
        match File::create(&staged).and_then(|file| occupy(&file, bytes)) {
            Ok(()) => std::fs::rename(&staged, self.file()).map(|()| true),
            Err(error) => {
                std::fs::remove_file(&staged)?;
                tracing::warn!(%error, "could not hold a reserve on the disk");
                Ok(false)
            }
        }
    }
}

fn occupy(mut file: &File, bytes: u64) -> io::Result<()> {
    match fallocate(file, FallocateFlags::empty(), 0, bytes) {
        Ok(()) => Ok(()),
        // Not every file system can give place without being written to.
        Err(rustix::io::Errno::OPNOTSUPP) => {
            io::copy(&mut io::Read::take(io::repeat(0), bytes), &mut file)?;
            file.flush()
        }
        Err(error) => Err(error.into()),
    }
}

impl Store {
    /// Whether the disk is so full that only what makes room again should be written.
    pub fn is_read_only(&self) -> bool {
        *self.read_only().borrow()
    }

    /// Waits until the store is read-only; at once when it is.
    pub async fn became_read_only(&self) {
        // The sender is the store's own, and the store is borrowed.
        let _ = self.read_only().subscribe().wait_for(|read_only| *read_only).await;
    }

    /// Looks after the reserve, and takes the mode that follows from it.
    ///
    /// # Errors
    /// When the disk cannot be looked at; the mode stays as it was.
    pub fn look_after_room(&self, reserve: &Reserve) -> io::Result<()> {
        let read_only = !reserve.look_after()?;
        let changed = self.read_only().send_if_modified(|mode| {
            let changed = *mode != read_only;
            *mode = read_only;
            changed
        });
        match (changed, read_only) {
            (true, true) => tracing::error!(
                "the disk is full: the server is read-only until there is room; apps go on"
            ),
            (true, false) => tracing::info!("there is room on the disk again: changes are taken"),
            (false, _) => {}
        }
        Ok(())
    }
}
