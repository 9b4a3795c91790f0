//! A build that Slipway writes itself: what a language module makes of a tree.

use std::collections::BTreeMap;
use std::fmt::Write;

use slipway_core::name::ConfigKey;
use slipway_core::process::Command;

use super::base::BaseNeed;
use super::certificates;

/// The port an app is told in `PORT` unless it declares another.
pub const DEFAULT_PORT: u16 = 8000;
/// Where the tree lies in the context of a recipe's build.
pub const TREE: &str = "app";
/// Where Slipway's own files lie in it.
pub const OWN: &str = "slipway";
/// The build argument that names the base image.
pub const BASE: &str = "SLIPWAY_BASE";

/// Everything about a build from a known language, besides the tree itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// The base image that decides the language's version.
    pub base: BaseNeed,
    /// Further base images, by the build argument that names them.
    pub further_bases: BTreeMap<String, BaseNeed>,
    /// What was recognised, for the headline: `Django 5.2 (shop/wsgi.py)`.
    pub recognised: String,
    pub dockerfile: String,
    /// Files of Slipway's own, by name inside `OWN`.
    pub additions: BTreeMap<String, String>,
    /// Titles of steps, by a text their instruction contains.
    pub titles: BTreeMap<String, String>,
    /// Directory names that stay out of the context wherever they are.
    pub excluded: &'static [&'static str],
    /// The command that serves, unless the `Procfile` has another; `None`: there is none.
    pub web: Option<Command>,
    /// The command that runs once a release.
    pub release: Option<Command>,
    /// Configuration values to be generated once and kept.
    pub generated_config: Vec<ConfigKey>,
    /// Whether the build records static files for the proxy.
    pub records_static_files: bool,
    pub warnings: Vec<String>,
}

/// What every recipe is told about the world outside the tree.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// Keeps the package caches of apps apart: a build may write anything into its own.
    pub cache_scope: &'a str,
    /// Names of build arguments that the operator passes to every build.
    pub arguments: &'a [&'a str],
    pub has_certificates: bool,
    /// The port the web process is told.
    pub port: u16,
}

impl Surroundings<'_> {
    /// The first lines of every stage on a base image.
    pub fn stage(&self, from: &str) -> String {
        let mut lines = format!("FROM {from}\n");
        if self.has_certificates {
            lines.push_str(&certificates::instructions(true));
        }
        for name in self.arguments {
            // Writing to a string cannot fail.
            let _ = writeln!(lines, "ARG {name}");
        }
        lines
    }

    /// The `RUN` flag that keeps a package manager's downloads between builds of the same app.
    pub fn cache(&self, name: &str, directory: &str) -> String {
        format!("--mount=type=cache,id={}-{name},target={directory}", self.cache_scope)
    }
}

/// A `COPY` line of one file, whatever its name.
pub fn copy(from: &str, to: &str) -> String {
    format!("COPY {}\n", serde_json::json!([from, to]))
}

/// A word for a shell, whatever it contains.
pub fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
