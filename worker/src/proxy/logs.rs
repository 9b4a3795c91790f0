//! Keeping nginx's log files bounded.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use super::nginx::signal;
use super::{Proxy, ProxyError};

/// A log is rotated once it is larger than this, in bytes.
const LARGEST: u64 = 10 * 1024 * 1024;
/// Rotated logs that are kept.
pub(super) const KEPT: u32 = 3;

impl Proxy {
    /// Rotates the logs that have grown over 10 MiB, keeping three old ones of each, and has nginx
    /// open new ones. [`Proxy::supervise`] does it all the time. Returns whether one was rotated.
    ///
    /// # Errors
    /// When a file cannot be renamed.
    pub async fn rotate_logs(&self) -> Result<bool, ProxyError> {
        let _lifecycle = self.lifecycle.lock().await;
        let mut rotated = false;
        for log in [self.layout.access_log(), self.layout.error_log()] {
            if fs::metadata(&log).is_ok_and(|metadata| metadata.len() > LARGEST) {
                shift(&log).map_err(ProxyError::file("rotate", &log))?;
                rotated = true;
            }
        }
        if rotated && let Some(master) = self.nginx.master() {
            signal(master, Signal::USR1);
        }
        Ok(rotated)
    }
}

fn shift(log: &Path) -> io::Result<()> {
    for number in (1..KEPT).rev() {
        let (from, to) = (numbered(log, number), numbered(log, number + 1));
        if from.exists() {
            fs::rename(from, to)?;
        }
    }
    fs::rename(log, numbered(log, 1))
}

pub(super) fn numbered(log: &Path, number: u32) -> PathBuf {
    log.with_extension(format!("log.{number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_log_goes_when_a_new_one_comes() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("access.log");
        for number in 1..=5 {
            fs::write(&log, number.to_string()).unwrap();
            shift(&log).unwrap();
        }
        let kept: Vec<String> =
            (1..=KEPT).map(|n| fs::read_to_string(numbered(&log, n)).unwrap()).collect();
        assert_eq!(kept, ["5", "4", "3"]);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 3);
    }
}
