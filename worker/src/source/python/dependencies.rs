//! Where a Python app writes down what it depends on, and how that is installed.

use serde_json::Value as Json;
use slipway_core::reason::{Reason, ReasonCode};
use toml::Table;

use super::requirements::{Packages, Requirements, package, usual_file};
use crate::source::path::join;
use crate::source::tree::SourceTree;

/// What an app depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependencies {
    pub kind: Kind,
    /// The packages it names, not those that they need in turn.
    pub packages: Packages,
    pub warnings: Vec<String>,
}

/// How they are written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Nowhere.
    None,
    /// In a requirements file, which stays where it is.
    File { path: String, requirements: Requirements },
    /// In a form that pip cannot read; these are the same as requirements.
    Listed { origin: String, lines: Vec<String> },
    /// In `uv.lock` in this directory.
    Uv { directory: String },
}

impl Dependencies {
    /// Those of an app whose code is in one of these directories, the likeliest first.
    ///
    /// # Errors
    /// When a file of theirs cannot be read, with its name.
    pub fn find(tree: &SourceTree, directories: &[&str]) -> Result<Self, Reason> {
        for directory in directories {
            if let Some(found) = Self::in_directory(tree, directory)? {
                return Ok(found);
            }
        }
        // Poetry's own form stops an app only when it is all there is.
        directories.iter().try_for_each(|directory| {
            let path = join(directory, "pyproject.toml");
            tree.text(&path).map_or(Ok(()), |text| refuse_poetry(&path, text))
        })?;
        Ok(Self::of(Kind::None, Packages::new()))
    }

    fn in_directory(tree: &SourceTree, directory: &str) -> Result<Option<Self>, Reason> {
        let text = |name: &str| {
            let path = join(directory, name);
            tree.text(&path).map(|text| (path, text))
        };
        let project = match text("pyproject.toml") {
            Some((path, text)) => project(&path, text)?,
            None => None,
        };
        if tree.is_file(&join(directory, "uv.lock"))
            && let Some(lines) = &project
        {
            let kind = Kind::Uv { directory: (*directory).to_owned() };
            return Ok(Some(Self::of(kind, packages(lines))));
        }
        if let Some(path) = usual_file(tree, directory) {
            let requirements = Requirements::read(tree, &path)?;
            let packages = requirements.packages.clone();
            return Ok(Some(Self::of(Kind::File { path, requirements }, packages)));
        }
        if let Some((path, text)) = text("Pipfile.lock") {
            return pipfile_lock(&path, text).map(Some);
        }
        if let Some((path, text)) = text("Pipfile") {
            let lines = pipfile(&path, text)?;
            let warning = format!("`{path}` without `Pipfile.lock`: versions may differ each time");
            return Ok(Some(Self::listed(path, lines).warning(warning)));
        }
        Ok(project.map(|lines| Self::listed(join(directory, "pyproject.toml"), lines)))
    }

    fn of(kind: Kind, packages: Packages) -> Self {
        Self { kind, packages, warnings: Vec::new() }
    }

    fn listed(origin: String, lines: Vec<String>) -> Self {
        let packages = packages(&lines);
        Self::of(Kind::Listed { origin, lines }, packages)
    }

    fn warning(mut self, warning: String) -> Self {
        self.warnings.push(warning);
        self
    }

    /// Whether the app names this package.
    pub fn has(&self, name: &str) -> bool {
        self.packages.contains_key(name)
    }
}

fn packages(lines: &[String]) -> Packages {
    lines.iter().filter_map(|line| package(line)).collect()
}

fn refuse(message: String) -> Reason {
    Reason::new(ReasonCode::InvalidSource, message)
}

fn table(path: &str, text: &str) -> Result<Table, Reason> {
    text.parse::<Table>().map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
        refuse(format!("{path}:{line}: {}", error.message()))
    })
}

/// The requirements of `pyproject.toml`; `None` when it has no `[project]`.
fn project(path: &str, text: &str) -> Result<Option<Vec<String>>, Reason> {
    let table = table(path, text)?;
    let Some(project) = table.get("project") else { return Ok(None) };
    let lines = project.get("dependencies").and_then(toml::Value::as_array);
    let lines = lines.into_iter().flatten().filter_map(toml::Value::as_str);
    Ok(Some(lines.map(ToOwned::to_owned).collect()))
}

fn refuse_poetry(path: &str, text: &str) -> Result<(), Reason> {
    let table = table(path, text)?;
    let poetry = table.get("tool").and_then(|tool| tool.get("poetry"));
    if poetry.is_none_or(|poetry| poetry.get("dependencies").is_none()) {
        return Ok(());
    }
    Err(refuse(format!(
        "{path}: dependencies in `[tool.poetry]` are not read: move them to `[project]`, or run \
         `poetry export -o requirements.txt` and commit the file"
    )))
}

/// The packages of a `Pipfile`, whose versions are a text or a table.
fn pipfile(path: &str, text: &str) -> Result<Vec<String>, Reason> {
    let table = table(path, text)?;
    let packages = table.get("packages").and_then(toml::Value::as_table);
    let lines = packages.into_iter().flatten().map(|(name, wanted)| {
        let version = wanted.as_str().or_else(|| wanted.get("version")?.as_str());
        let extras = wanted.get("extras").and_then(toml::Value::as_array);
        let extras = extras.into_iter().flatten().filter_map(toml::Value::as_str);
        requirement(name, &extras.collect::<Vec<_>>(), version, None)
    });
    Ok(lines.collect())
}

fn pipfile_lock(path: &str, text: &str) -> Result<Dependencies, Reason> {
    let lock: Json =
        serde_json::from_str(text).map_err(|error| refuse(format!("{path}: {error}")))?;
    let mut lines = Vec::new();
    let mut left_out = Vec::new();
    for (name, locked) in lock["default"].as_object().into_iter().flatten() {
        let Some(version) = locked["version"].as_str() else {
            left_out.push(format!("`{name}` of `{path}` is not from a package index: left out"));
            continue;
        };
        let extras = locked["extras"].as_array().into_iter().flatten().filter_map(Json::as_str);
        let extras: Vec<&str> = extras.collect();
        lines.push(requirement(name, &extras, Some(version), locked["markers"].as_str()));
    }
    let mut found = Dependencies::listed(path.to_owned(), lines);
    found.warnings = left_out;
    Ok(found)
}

fn requirement(name: &str, extras: &[&str], version: Option<&str>, marker: Option<&str>) -> String {
    let extras = if extras.is_empty() { String::new() } else { format!("[{}]", extras.join(",")) };
    let version = version.filter(|version| *version != "*").unwrap_or_default();
    let marker = marker.map(|marker| format!(" ; {marker}")).unwrap_or_default();
    format!("{name}{extras}{version}{marker}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locked_pipfile_becomes_requirements() {
        let lock = r#"{"default": {
            "django": {"hashes": ["sha256:0"], "markers": "python_version >= '3.8'", "version": "==4.2.1"},
            "uvicorn": {"extras": ["standard"], "version": "==0.30"},
            "own": {"git": "https://example.com/own.git", "ref": "main"}
        }, "develop": {"pytest": {"version": "==8"}}}"#;
        let found = pipfile_lock("Pipfile.lock", lock).unwrap();
        let Kind::Listed { lines, .. } = found.kind else { panic!("not listed") };
        assert_eq!(lines, ["django==4.2.1 ; python_version >= '3.8'", "uvicorn[standard]==0.30"]);
        assert_eq!(found.warnings.len(), 1);
    }

    #[test]
    fn a_pipfile_becomes_requirements() {
        let text = "[packages]\ndjango = \"*\"\nflask = {version = \"~=3.0\", extras = [\"async\"]}\n\
            [dev-packages]\npytest = \"*\"\n";
        assert_eq!(pipfile("Pipfile", text).unwrap(), ["django", "flask[async]~=3.0"]);
    }

    #[test]
    fn poetry_without_project_is_told_what_to_do() {
        let text = "[tool.poetry.dependencies]\npython = \"^3.11\"\ndjango = \"^5\"\n";
        let refusal = refuse_poetry("pyproject.toml", text).unwrap_err().message;
        assert!(refusal.contains("poetry export"), "{refusal}");
        let tools = "[tool.black]\nline-length = 99\n";
        assert!(refuse_poetry("pyproject.toml", tools).is_ok());
        assert_eq!(project("pyproject.toml", tools).unwrap(), None);
    }

    #[test]
    fn a_broken_file_is_told_with_its_line() {
        let refusal =
            project("pyproject.toml", "[project]\ndependencies = [\n").unwrap_err().message;
        assert!(refusal.starts_with("pyproject.toml:"), "{refusal}");
        assert!(pipfile_lock("Pipfile.lock", "{").is_err());
    }
}
