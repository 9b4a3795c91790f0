//! Where the proxy keeps its files.
//!
//! ```text
//!   <data>/proxy/
//!     current -> generations/12     what nginx reads when it starts or reloads
//!     confirmed -> generations/12   what it was last seen to serve
//!     generations/12/               nginx.conf, mime.types, lua/
//!     members, members.lock         who serves which app
//!     access.position               how far the access log was read
//!     run/                          control.sock, nginx.pid; for the owner alone
//!     logs/  temp/
//! ```

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::ProxyError;
use super::settings::{InvalidSetting, PlainPath, ProxySettings};

/// `sun_path` has 108 bytes on Linux and nginx wants some room as well.
const LONGEST_SOCKET_PATH: usize = 99;

/// The proxy's paths. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Checks that the paths can be used and makes the directories.
    ///
    /// nginx creates its socket open to everyone, so it is the directory that keeps others out.
    /// With workers of another user the rest must let them pass.
    pub(super) fn create(settings: &ProxySettings) -> Result<Self, ProxyError> {
        if settings.listen.is_empty() {
            return Err(InvalidSetting::NoListener.into());
        }
        let root = std::path::absolute(settings.data.join("proxy"))
            .map_err(ProxyError::file("find", &settings.data))?;
        PlainPath::new(&root)?;
        let layout = Self { root };
        let socket = layout.control_socket();
        if socket.as_os_str().len() > LONGEST_SOCKET_PATH {
            return Err(InvalidSetting::SocketPath(socket).into());
        }
        let shared = if settings.worker_user.is_some() { 0o711 } else { 0o700 };
        make_directory(&layout.root, shared)?;
        make_directory(&layout.generations(), 0o700)?;
        make_directory(&layout.run(), 0o700)?;
        make_directory(&layout.logs(), shared)?;
        make_directory(&layout.temp(), shared)?;
        Ok(layout)
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn generations(&self) -> PathBuf {
        self.root.join("generations")
    }

    pub(super) fn current(&self) -> PathBuf {
        self.root.join("current")
    }

    pub(super) fn confirmed(&self) -> PathBuf {
        self.root.join("confirmed")
    }

    pub(super) fn members(&self) -> PathBuf {
        self.root.join("members")
    }

    pub(super) fn members_lock(&self) -> PathBuf {
        self.root.join("members.lock")
    }

    fn run(&self) -> PathBuf {
        self.root.join("run")
    }

    pub(super) fn control_socket(&self) -> PathBuf {
        self.run().join("control.sock")
    }

    pub(super) fn pid_file(&self) -> PathBuf {
        self.run().join("nginx.pid")
    }

    fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    pub(super) fn error_log(&self) -> PathBuf {
        self.logs().join("error.log")
    }

    pub(super) fn access_log(&self) -> PathBuf {
        self.logs().join("access.log")
    }

    /// How far the access log was read.
    pub(super) fn access_position(&self) -> PathBuf {
        self.root.join("access.position")
    }

    pub(super) fn temp(&self) -> PathBuf {
        self.root.join("temp")
    }
}

fn make_directory(path: &Path, mode: u32) -> Result<(), ProxyError> {
    fs::create_dir_all(path).map_err(ProxyError::file("make directory", path))?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map_err(ProxyError::file("set the permissions of", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(data: &Path) -> ProxySettings {
        ProxySettings::new(data, vec!["127.0.0.1:0".parse().unwrap()])
    }

    #[test]
    fn the_control_socket_is_for_the_owner_alone() {
        let data = tempfile::tempdir().unwrap();
        let settings = ProxySettings {
            worker_user: Some("www-data".parse().unwrap()),
            ..settings(data.path())
        };
        let layout = Layout::create(&settings).unwrap();
        let mode = fs::metadata(layout.run()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn a_data_directory_too_deep_for_a_socket_is_refused_with_a_hint() {
        let data = tempfile::tempdir().unwrap();
        let error = Layout::create(&settings(&data.path().join("d".repeat(90)))).unwrap_err();
        assert!(error.to_string().contains("choose a shorter data directory"), "{error}");
    }

    #[test]
    fn a_data_directory_that_reads_as_syntax_is_refused() {
        let data = tempfile::tempdir().unwrap();
        let error = Layout::create(&settings(&data.path().join("a;b"))).unwrap_err();
        assert!(error.to_string().contains("cannot be written into an nginx"), "{error}");
    }
}
