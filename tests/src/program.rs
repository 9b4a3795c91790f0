//! The programs under test, as cargo built them beside this test binary.

use std::path::{Path, PathBuf};
use std::process::Child;
use std::{env, fs};

use rustix::process::Pid;

/// The path of a program of this workspace.
///
/// # Panics
/// When it was not built.
pub fn built(name: &str) -> PathBuf {
    let path = folder().join(name);
    assert!(
        path.exists(),
        "{} is not built: run `cargo build --workspace --bins` first",
        path.display()
    );
    path
}

/// Where cargo puts programs of this build profile.
///
/// # Panics
/// When this program was not started from cargo's target directory.
pub fn folder() -> PathBuf {
    let this = env::current_exe().expect("a running program has a path");
    let folder = this.ancestors().find(|folder| folder.join(".fingerprint").is_dir());
    folder.expect("tests run from cargo's target directory").to_owned()
}

/// A file or folder of this crate.
///
/// # Panics
/// When it is not there.
pub fn of_this_crate(path: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::canonicalize(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The command lines of running programs that name something below this folder.
pub fn running_below(folder: &Path) -> Vec<String> {
    let folder = folder.to_string_lossy();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let command_lines = processes.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    let readable = command_lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    readable.filter(|line| line.contains(folder.as_ref())).collect()
}

/// The process id of a child.
///
/// # Panics
/// Never: the kernel's numbers are positive and fit.
pub fn pid_of(child: &Child) -> Pid {
    let raw = i32::try_from(child.id()).expect("a process number fits");
    Pid::from_raw(raw).expect("a process number is positive")
}
