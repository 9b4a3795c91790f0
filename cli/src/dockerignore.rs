//! `.dockerignore`, with the rules of its own format.
//!
//! Unlike in `.gitignore`, a pattern without a slash matches at the root alone, and an exception
//! (`!path`) reaches into a directory that another pattern leaves out.

use std::fs;
use std::io;
use std::path::Path;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// Files the builder needs even when `.dockerignore` names them.
const NEEDED: &[&str] = &[".dockerignore", "Dockerfile", "Procfile", "slipway.toml"];

/// What the file at the root of a directory leaves out.
#[derive(Debug)]
pub struct DockerIgnore {
    patterns: Gitignore,
    has_exceptions: bool,
}

impl DockerIgnore {
    /// Reads `.dockerignore`; without one nothing is left out.
    pub fn read(root: &Path) -> io::Result<Self> {
        let text = match fs::read_to_string(root.join(".dockerignore")) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let mut builder = GitignoreBuilder::new("");
        let mut has_exceptions = false;
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
            let (exception, pattern) = match line.strip_prefix('!') {
                Some(pattern) => ("!", pattern.trim()),
                None => ("", line),
            };
            let pattern = pattern.trim_start_matches("./").trim_matches('/');
            if pattern.is_empty() || pattern == "." {
                continue;
            }
            has_exceptions |= !exception.is_empty();
            let anchored = format!("{exception}/{pattern}");
            builder.add_line(None, &anchored).map_err(|error| {
                io::Error::new(io::ErrorKind::InvalidData, format!("`{line}`: {error}"))
            })?;
        }
        let patterns = builder.build().map_err(io::Error::other)?;
        Ok(Self { patterns, has_exceptions })
    }

    /// Whether the path, relative to the root, is left out. For a directory, whether everything in
    /// it is.
    pub fn leaves_out(&self, path: &Path, is_directory: bool) -> bool {
        if NEEDED.iter().any(|needed| path == Path::new(needed)) {
            return false;
        }
        if is_directory && self.has_exceptions {
            return false;
        }
        matches!(self.patterns.matched_path_or_any_parents(path, is_directory), Match::Ignore(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignore(text: &str) -> DockerIgnore {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join(".dockerignore"), text).unwrap();
        DockerIgnore::read(root.path()).unwrap()
    }

    #[test]
    fn a_bare_name_matches_at_the_root_alone() {
        let ignore = ignore("*.md\n./docs/\n**/*.pyc\n");
        for (path, left_out) in [
            ("README.md", true),
            ("shop/README.md", false),
            ("docs/a/b.txt", true),
            ("shop/docs/b.txt", false),
            ("shop/a.pyc", true),
            ("a.pyc", true),
        ] {
            assert_eq!(ignore.leaves_out(Path::new(path), false), left_out, "{path}");
        }
    }

    #[test]
    fn an_exception_reaches_into_what_is_left_out() {
        let ignore = ignore("# all but the source\n*\n!src\n");
        assert!(ignore.leaves_out(Path::new("notes/a.txt"), false));
        assert!(!ignore.leaves_out(Path::new("src/a/b.py"), false));
        assert!(!ignore.leaves_out(Path::new("notes"), true), "an exception could be below");
    }

    #[test]
    fn what_the_builder_needs_is_kept() {
        let ignore = ignore("Dockerfile\n.dockerignore\n*.toml\nsub/Dockerfile");
        assert!(!ignore.leaves_out(Path::new("Dockerfile"), false));
        assert!(!ignore.leaves_out(Path::new("slipway.toml"), false));
        assert!(ignore.leaves_out(Path::new("other.toml"), false));
        assert!(ignore.leaves_out(Path::new("sub/Dockerfile"), false));
    }

    #[test]
    fn without_the_file_nothing_is_left_out() {
        let root = tempfile::tempdir().unwrap();
        let ignore = DockerIgnore::read(root.path()).unwrap();
        assert!(!ignore.leaves_out(Path::new("a"), false));
    }
}
