//! Putting a finished file into its place.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Moves a file that was written aside to where others look for it, and returns when both the file
/// and its new name are on the disk: a database row that names it may follow. Blocks on the disk.
///
/// # Errors
/// When the disk is full or the places are on different file systems.
pub fn publish(from: &Path, to: &Path) -> io::Result<()> {
    File::open(from)?.sync_all()?;
    fs::rename(from, to)?;
    match to.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_file_is_in_its_place_and_nowhere_else() {
        let root = tempfile::tempdir().unwrap();
        let (from, to) = (root.path().join("draft"), root.path().join("final"));
        fs::write(&from, "x").unwrap();
        publish(&from, &to).unwrap();
        assert!(!from.exists());
        assert_eq!(fs::read_to_string(to).unwrap(), "x");
    }
}
