//! The one hook of all repositories, outside of any of them.

use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use slipway_store::DataDir;

use crate::settings::HookProgram;

/// The longest first line that every kernel takes as an interpreter's.
const MAX_LINE_BYTES: usize = 120;

/// Why the hook cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    #[error("`{}` cannot be a git hook: its path has white space or is too long", .0.display())]
    Unusable(PathBuf),
    #[error("could not write the git hook")]
    Io(#[from] io::Error),
}

/// The directory of hooks.
pub struct Hooks;

impl Hooks {
    /// Where `core.hooksPath` points to.
    pub fn directory(data_dir: &DataDir) -> PathBuf {
        data_dir.run().join("git-hooks")
    }

    /// Writes `pre-receive`: a file whose first line names our own program as its interpreter, so
    /// that the kernel starts it directly and no shell is part of a push.
    ///
    /// # Errors
    /// When the program's path cannot stand in such a line, or the file cannot be written.
    pub fn install(data_dir: &DataDir, hook: &HookProgram) -> Result<(), HookError> {
        let mut line = b"#!".to_vec();
        line.extend_from_slice(hook.program.as_os_str().as_bytes());
        let plain = hook.program.is_absolute() && !line.iter().any(u8::is_ascii_whitespace);
        if let Some(word) = &hook.argument {
            line.push(b' ');
            line.extend_from_slice(word.as_bytes());
        }
        line.push(b'\n');
        if !plain || line.len() > MAX_LINE_BYTES {
            return Err(HookError::Unusable(hook.program.clone()));
        }
        let directory = Self::directory(data_dir);
        fs::create_dir_all(&directory)?;
        let mut file = tempfile::NamedTempFile::new_in(&directory)?;
        file.write_all(&line)?;
        file.as_file().set_permissions(Permissions::from_mode(0o700))?;
        // Closed before it gets its name: a file that is open for writing cannot be started.
        file.into_temp_path()
            .persist(directory.join("pre-receive"))
            .map_err(|error| error.error)?;
        Ok(())
    }
}
