//! Paths inside a source tree.

use std::borrow::Borrow;
use std::fmt;

use super::archive::ArchiveError;

/// Longest path in bytes; the kernel's own limit.
const MAX_BYTES: usize = 4096;
/// Longest name of a file or directory in bytes.
const MAX_NAME_BYTES: usize = 255;

/// A relative path in one normal form: `shop/wsgi.py`. Never empty, no `.` and no `..`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreePath(String);

impl TreePath {
    /// Reads a path as an archive writes it. `None` for the root: `./`.
    ///
    /// # Errors
    /// When it is absolute, leaves the tree, or is no readable name.
    pub fn parse(raw: &[u8]) -> Result<Option<Self>, ArchiveError> {
        let refuse = |rule| ArchiveError::Path {
            path: String::from_utf8_lossy(raw).chars().take(200).collect(),
            rule,
        };
        let text = std::str::from_utf8(raw).map_err(|_| refuse("it is not UTF-8"))?;
        if text.starts_with('/') {
            return Err(refuse("it is absolute"));
        }
        if text.len() > MAX_BYTES {
            return Err(refuse("it is too long"));
        }
        if text.chars().any(char::is_control) {
            return Err(refuse("it contains a control character"));
        }
        let parts: Vec<&str> = text.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        if parts.contains(&"..") {
            return Err(refuse("it contains `..`"));
        }
        if parts.iter().any(|part| part.len() > MAX_NAME_BYTES) {
            return Err(refuse("a name in it is too long"));
        }
        Ok(if parts.is_empty() { None } else { Some(Self(parts.join("/"))) })
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The directories it lies in, innermost first.
    pub fn ancestors(&self) -> impl Iterator<Item = &str> {
        let mut rest = self.0.as_str();
        std::iter::from_fn(move || {
            rest = rest.rsplit_once('/')?.0;
            Some(rest)
        })
    }

    /// Where a symbolic link at this path leads, when it stays inside the tree; empty for the root.
    pub fn resolve(&self, target: &str) -> Option<String> {
        if target.is_empty() || target.starts_with('/') {
            return None;
        }
        let parent = self.0.rsplit_once('/').map_or("", |(parent, _)| parent);
        let mut parts: Vec<&str> = parent.split('/').filter(|part| !part.is_empty()).collect();
        for part in target.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop()?;
                }
                name => parts.push(name),
            }
        }
        Some(parts.join("/"))
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for TreePath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// The directory part of a path, empty for the root.
pub fn directory(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// The last part of a path.
pub fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// A name inside a directory, which is empty for the root.
pub fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_normal_form() {
        let normal = |text: &str| TreePath::parse(text.as_bytes()).unwrap().map(|path| path.0);
        assert_eq!(normal("./shop//wsgi.py").as_deref(), Some("shop/wsgi.py"));
        assert_eq!(normal("shop/").as_deref(), Some("shop"));
        assert_eq!(normal("./"), None);
    }

    #[test]
    fn a_link_may_climb_only_inside_the_tree() {
        let path = TreePath::parse(b"a/b/link").unwrap().unwrap();
        assert_eq!(path.resolve("../c").as_deref(), Some("a/c"));
        assert_eq!(path.resolve("../../c").as_deref(), Some("c"));
        assert_eq!(path.resolve("../../../c"), None);
        assert_eq!(path.resolve("/etc/passwd"), None);
        assert_eq!(path.resolve(""), None);
    }
}
