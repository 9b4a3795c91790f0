//! Space on the disk.

use std::io;
use std::path::Path;

use slipway_store::Space;

/// Whether a build may begin: 2 GiB or a tenth of the disk, whichever is less, must be free.
fn admits_build(space: Space) -> bool {
    const ENOUGH: u64 = 2 * 1024 * 1024 * 1024;
    space.free_bytes >= ENOUGH.min(space.total_bytes / 10)
}

/// The first of these folders whose disk admits no build, with the space that it has. Folders that
/// this machine does not see, such as an engine's elsewhere, are nobody's obstacle.
///
/// # Errors
/// When a disk that is there cannot be asked.
pub fn too_full_to_build<'a>(
    folders: impl IntoIterator<Item = &'a Path>,
) -> io::Result<Option<(&'a Path, Space)>> {
    for folder in folders.into_iter().filter(|folder| folder.exists()) {
        let space = Space::of(folder)?;
        if !admits_build(space) {
            return Ok(Some((folder, space)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use slipway_tests::disk::SmallDisk;

    use super::*;

    #[test]
    fn a_nearly_full_disk_admits_no_build() {
        let gib = 1024 * 1024 * 1024;
        assert!(!admits_build(Space { free_bytes: gib, total_bytes: 100 * gib }));
        assert!(admits_build(Space { free_bytes: 3 * gib, total_bytes: 100 * gib }));
        assert!(admits_build(Space { free_bytes: gib, total_bytes: 5 * gib }));
    }

    #[test]
    fn a_full_disk_of_the_engine_stops_a_build_as_one_of_ours_does() {
        let Some(disk) = SmallDisk::mount(8 * 1024 * 1024).unwrap() else { return };
        let ours = tempfile::tempdir().unwrap();
        let elsewhere = Path::new("/nowhere/docker");
        let folders = [ours.path(), disk.path(), elsewhere];
        assert_eq!(too_full_to_build(folders).unwrap(), None);
        disk.fill(4096).unwrap();
        let (folder, space) = too_full_to_build(folders).unwrap().unwrap();
        assert_eq!((folder, space.free_bytes), (disk.path(), 4096));
    }
}
