//! What the daemon's host offers, asked once.

use std::path::{Path, PathBuf};

use tokio::net::UnixStream;

use super::call::{LOOK_UP, refused, watched};
use super::moment::Moment;
use super::sandbox::program::Architecture;
use crate::engine::EngineError;

/// Open files an instance may have, where the host allows it.
const WANTED_FILES: u64 = 65_536;

/// What the daemon's host offers.
#[derive(Debug, Clone)]
pub struct Host {
    /// Processors; a CPU limit above them is refused by Docker.
    pub cores: u32,
    /// Most open files an instance may have.
    pub open_files: u64,
    /// Its processor.
    pub architecture: Architecture,
    /// Where the daemon keeps images and build caches.
    pub storage: Option<PathBuf>,
    /// The daemon's clock when it was asked.
    pub now: Option<Moment>,
}

impl Host {
    /// Asks the daemon, and looks at the daemon's own limits.
    pub async fn ask(docker: &bollard::Docker, socket: &Path) -> Result<Self, EngineError> {
        const DOING: &str = "asking Docker about its host";
        let info = watched(docker, DOING, LOOK_UP, docker.info()).await?;
        let info = info.map_err(|error| refused(DOING, &error))?;
        let name = info.architecture.unwrap_or_default();
        let architecture = Architecture::of_daemon(&name).ok_or_else(|| EngineError::Refused {
            doing: "connecting to Docker",
            message: format!("its processor is `{name}`: Slipway runs on x86_64 and aarch64"),
        })?;
        Ok(Self {
            cores: info.ncpu.and_then(|cores| u32::try_from(cores).ok()).unwrap_or(1).max(1),
            open_files: open_files(socket).await,
            architecture,
            storage: info.docker_root_dir.map(PathBuf::from),
            now: info.system_time.as_deref().and_then(Moment::parse),
        })
    }
}

/// The wanted limit, or the daemon's own hard limit where that is lower: a daemon without the
/// capability to raise it fails to start any container that asks for more.
async fn open_files(socket: &Path) -> u64 {
    let Ok(stream) = UnixStream::connect(socket).await else { return WANTED_FILES };
    let Some(pid) = stream.peer_cred().ok().and_then(|peer| peer.pid()) else {
        return WANTED_FILES;
    };
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap_or_default();
    hard_limit(&limits).unwrap_or(WANTED_FILES).min(WANTED_FILES)
}

/// The hard limit on open files in a `/proc/<pid>/limits`; `None` when it is unlimited.
fn hard_limit(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hard_limit_is_the_second_number() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units\n\
            Max processes             96000                96000                processes\n\
            Max open files            1024                 20000                files\n";
        assert_eq!(hard_limit(limits), Some(20_000));
        assert_eq!(hard_limit("Max open files  unlimited  unlimited  files"), None);
        assert_eq!(hard_limit(""), None);
    }
}
