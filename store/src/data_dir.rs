//! The data directory: every path of it, and the lock that admits one worker.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use slipway_core::id::{AppId, SourceId};

/// Why the data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    #[error("cannot make the directory `{}`", path.display())]
    Create { path: PathBuf, source: io::Error },
    #[error("cannot lock `{}`", path.display())]
    Lock { path: PathBuf, source: io::Error },
    #[error(
        "the data directory `{}` is in use by process {pid}; hint: stop that one first, or choose another directory", path.display()
    )]
    InUse { path: PathBuf, pid: String },
}

/// Where an installation keeps everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataDir {
    root: PathBuf,
}

/// Held by the one process that may act on this directory's host; freed when it is dropped or the
/// process ends, however it ends.
#[derive(Debug)]
pub struct DataDirLock {
    _file: File,
}

impl DataDir {
    /// Uses `root`, made absolute, and makes what is missing of its directories, for the owner only.
    ///
    /// # Errors
    /// When a directory cannot be made.
    pub fn create(root: impl AsRef<Path>) -> Result<Self, DataDirError> {
        let root = root.as_ref();
        let absolute = std::path::absolute(root)
            .map_err(|source| DataDirError::Create { path: root.to_owned(), source })?;
        let dir = Self { root: absolute };
        let inner = [
            dir.keys(),
            dir.sources(),
            dir.logs(),
            dir.repositories(),
            dir.proxy(),
            dir.all_static_files(),
            dir.run(),
            dir.scratch(),
        ];
        for path in std::iter::once(dir.root.clone()).chain(inner) {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
            made.map_err(|source| DataDirError::Create { path, source })?;
        }
        Ok(dir)
    }

    /// The directory itself, absolute.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The embedded database.
    pub fn database(&self) -> PathBuf {
        self.root.join("slipway.db")
    }

    /// The keys, apart from everything they open.
    pub fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }

    /// All source archives.
    pub fn sources(&self) -> PathBuf {
        self.root.join("sources")
    }

    /// One source archive.
    pub fn source(&self, id: &SourceId) -> PathBuf {
        self.sources().join(format!("{id}.tar.gz"))
    }

    /// The lines of all apps.
    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// All bare repositories.
    pub fn repositories(&self) -> PathBuf {
        self.root.join("git")
    }

    /// The bare repository of an app.
    pub fn repository(&self, app_id: &AppId) -> PathBuf {
        self.repositories().join(format!("{app_id}.git"))
    }

    /// The prefix that nginx runs in.
    pub fn proxy(&self) -> PathBuf {
        self.root.join("proxy")
    }

    /// The static files of all apps.
    fn all_static_files(&self) -> PathBuf {
        self.root.join("static")
    }

    /// The static files that the proxy serves of an app.
    pub fn static_files(&self, app_id: &AppId) -> PathBuf {
        self.all_static_files().join(app_id.to_string())
    }

    /// Sockets, hooks and other things that only matter while a process runs.
    pub fn run(&self) -> PathBuf {
        self.root.join("run")
    }

    /// Files in the making; on the same file system as everything they may be renamed to.
    pub fn scratch(&self) -> PathBuf {
        self.root.join("scratch")
    }

    /// The process id of the server.
    pub fn pid_file(&self) -> PathBuf {
        self.run().join("slipwayd.pid")
    }

    /// Where the worker meets those who attach to a command.
    pub fn attach_socket(&self) -> PathBuf {
        self.run().join("attach.sock")
    }

    /// Where the worker tells what it measures.
    pub fn telemetry_socket(&self) -> PathBuf {
        self.run().join("telemetry.sock")
    }

    /// Takes the directory's lock, without waiting.
    ///
    /// # Errors
    /// [`DataDirError::InUse`] names the process that has it.
    pub fn lock(&self) -> Result<DataDirLock, DataDirError> {
        let path = self.run().join("lock");
        let failed = |source: io::Error| DataDirError::Lock { path: path.clone(), source };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut pid = String::new();
                file.read_to_string(&mut pid).map_err(failed)?;
                return Err(DataDirError::InUse {
                    path: self.root.clone(),
                    pid: pid.trim().to_owned(),
                });
            }
            Err(error) => return Err(failed(error.into())),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(failed)?;
        Ok(DataDirLock { _file: file })
    }
}
