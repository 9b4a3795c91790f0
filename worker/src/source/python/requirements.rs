//! `requirements.txt` and the files it includes.

use std::collections::{BTreeMap, BTreeSet};

use slipway_core::reason::{Reason, ReasonCode};

use crate::source::path::{TreePath, join};
use crate::source::tree::SourceTree;

/// Normalised package names, with the version where one is pinned or bounded from below.
pub type Packages = BTreeMap<String, Option<String>>;

/// What a requirements file asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Requirements {
    pub packages: Packages,
    /// The file and all it includes, in order.
    pub files: BTreeSet<String>,
    /// Whether it installs something from the tree itself.
    pub needs_tree: bool,
    /// Whether it clones a repository.
    pub needs_git: bool,
}

impl Requirements {
    /// Reads a file and what it includes.
    ///
    /// # Errors
    /// When an included file is not in the tree, with the line that names it.
    pub fn read(tree: &SourceTree, path: &str) -> Result<Self, Reason> {
        let mut requirements = Self::default();
        requirements.include(tree, path)?;
        Ok(requirements)
    }

    fn include(&mut self, tree: &SourceTree, path: &str) -> Result<(), Reason> {
        if !self.files.insert(path.to_owned()) {
            return Ok(());
        }
        for (index, line) in tree.text(path).unwrap_or_default().lines().enumerate() {
            let line = without_comment(line);
            if let Some(included) = included(line) {
                let own = TreePath::parse(path.as_bytes()).ok().flatten();
                let target = own.and_then(|own| own.resolve(included));
                let Some(target) = target.filter(|target| tree.is_file(target)) else {
                    let message =
                        format!("{path}:{}: `{included}` is not in the repository", index + 1);
                    return Err(Reason::new(ReasonCode::InvalidSource, message));
                };
                self.include(tree, &target)?;
            } else {
                self.take(line);
            }
        }
        Ok(())
    }

    fn take(&mut self, line: &str) {
        let editable = line.strip_prefix("-e").or_else(|| line.strip_prefix("--editable"));
        let subject = editable.map_or(line, |rest| rest.trim_start_matches('=').trim());
        self.needs_git |= subject.contains("git+");
        let is_local = subject.starts_with('.') || subject.starts_with("file:");
        self.needs_tree |= is_local || (editable.is_some() && !subject.contains("://"));
        if let Some((name, version)) = package(subject) {
            self.packages.insert(name, version);
        }
    }
}

/// The first of the usual requirements files in a directory.
pub fn usual_file(tree: &SourceTree, directory: &str) -> Option<String> {
    [
        "requirements.txt",
        "requirements/production.txt",
        "requirements/prod.txt",
        "requirements/base.txt",
    ]
    .iter()
    .map(|name| join(directory, name))
    .find(|path| tree.is_file(path))
}

/// The name and version of a requirement such as `Django[argon2]~=5.2.1 ; python_version > "3"`.
pub fn package(line: &str) -> Option<(String, Option<String>)> {
    let line = line.trim();
    let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')));
    let (name, rest) = line.split_at(end.unwrap_or(line.len()));
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || rest.starts_with([':', '/', '+']) {
        return None;
    }
    let rest = rest.split(';').next().unwrap_or_default();
    let rest = rest.split_once(']').map_or(rest, |(_, after)| after);
    let version = ["===", "==", "~=", ">=", "^"].iter().find_map(|sign| {
        let after = rest.split_once(sign)?.1.trim_start();
        let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.'));
        Some(after[..end.unwrap_or(after.len())].trim_end_matches('.').to_owned())
    });
    Some((normalised(name), version.filter(|version| !version.is_empty())))
}

/// Package names are compared without case, and with `-`, `_` and `.` alike.
fn normalised(name: &str) -> String {
    name.to_ascii_lowercase().replace(['_', '.'], "-")
}

fn included(line: &str) -> Option<&str> {
    ["--requirement", "--constraint", "-r", "-c"].iter().find_map(|option| {
        let rest = line.strip_prefix(option)?;
        Some(rest.trim_start_matches('=').trim()).filter(|path| !path.is_empty())
    })
}

fn without_comment(line: &str) -> &str {
    let line = line.trim_start_matches('\u{feff}');
    let end = line.find(" #").unwrap_or(line.len());
    if line.trim_start().starts_with('#') { "" } else { line[..end].trim() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_known_by_its_normal_name() {
        let named = |line: &str| package(line).map(|(name, _)| name);
        assert_eq!(named("Django==5.2.1").as_deref(), Some("django"));
        assert_eq!(named("zope.interface>=1").as_deref(), Some("zope-interface"));
        assert_eq!(named("Flask_SQLAlchemy").as_deref(), Some("flask-sqlalchemy"));
        assert_eq!(named("uvicorn[standard] ; python_version > '3'").as_deref(), Some("uvicorn"));
        assert_eq!(named("pkg @ https://example.com/pkg.whl").as_deref(), Some("pkg"));
        for other in ["", "--index-url https://example.com", "./local", "git+https://example.com/x"]
        {
            assert_eq!(named(other), None, "{other}");
        }
    }

    #[test]
    fn a_version_is_known_where_it_is_bounded_from_below() {
        let version = |line: &str| package(line).and_then(|(_, version)| version);
        assert_eq!(version("Django==5.2.1").as_deref(), Some("5.2.1"));
        assert_eq!(version("Django~=5.2").as_deref(), Some("5.2"));
        assert_eq!(version("Django>=5.1,<6").as_deref(), Some("5.1"));
        assert_eq!(version("django[argon2] >= 4.2 # lts").as_deref(), Some("4.2"));
        assert_eq!(version("django<5"), None);
    }
}
