//! What folders take on disk.

use std::fs;
use std::path::Path;

/// The bytes of all files below a folder. One that goes meanwhile takes nothing.
///
/// # Errors
/// When a folder cannot be read.
pub fn bytes_below(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(metadata) = entry.metadata() else { continue };
        bytes += if metadata.is_dir() { bytes_below(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}
