//! Space on the disk.

use std::io;
use std::path::Path;

/// The space of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// What this process may still use.
    pub free_bytes: u64,
    pub total_bytes: u64,
}

impl Space {
    /// Whether a build may begin: 2 GiB or a tenth of the disk, whichever is less, must be free.
    pub fn admits_build(self) -> bool {
        const ENOUGH: u64 = 2 * 1024 * 1024 * 1024;
        self.free_bytes >= ENOUGH.min(self.total_bytes / 10)
    }
}

/// The space of the file system that holds `path`.
///
/// # Errors
/// When it cannot be asked.
pub fn free(path: &Path) -> io::Result<Space> {
    let stats = rustix::fs::statvfs(path)?;
    Ok(Space {
        free_bytes: stats.f_bavail.saturating_mul(stats.f_frsize),
        total_bytes: stats.f_blocks.saturating_mul(stats.f_frsize),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nearly_full_disk_admits_no_build() {
        let gib = 1024 * 1024 * 1024;
        assert!(!Space { free_bytes: gib, total_bytes: 100 * gib }.admits_build());
        assert!(Space { free_bytes: 3 * gib, total_bytes: 100 * gib }.admits_build());
        assert!(Space { free_bytes: gib, total_bytes: 5 * gib }.admits_build());
    }

    #[test]
    fn the_disk_of_this_directory_has_a_size() {
        assert!(free(Path::new(".")).unwrap().total_bytes > 0);
    }
}
