//! The worker's sockets in the data directory, which is its owner's alone.

use std::io;
use std::path::Path;

use tokio::net::UnixListener;

/// Listens at `path`, in the place of an earlier process that did.
///
/// # Errors
/// When it cannot be made, for example because the path is too long.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    UnixListener::bind(path)
}
