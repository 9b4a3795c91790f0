//! `package.json` and the lock file beside it.

use serde_json::Value;
use slipway_core::reason::{Reason, ReasonCode};

use crate::source::tree::SourceTree;

/// What `package.json` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// How many packages it names.
    pub dependencies: usize,
    pub has_build: bool,
    /// `engines.node`.
    pub node_version: Option<String>,
    /// `packageManager`, as in `pnpm@9.1.0`.
    manager: Option<String>,
    start: Option<String>,
    main: Option<String>,
}

impl Package {
    /// Reads the text.
    ///
    /// # Errors
    /// When it is not JSON, with line and column.
    pub fn parse(text: &str, tree: &SourceTree) -> Result<Self, Reason> {
        let json: Value = serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            refuse(format!("package.json:{line}:{column}: not valid JSON"))
        })?;
        let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
        let count = |key: &str| json[key].as_object().map_or(0, serde_json::Map::len);
        let scripts = &json["scripts"];
        let has_build = scripts["build"].is_string();
        let development = if has_build { count("devDependencies") } else { 0 };
        // Hooks around `start` are npm's; without them its line can run without npm.
        let has_hooks = scripts["prestart"].is_string() || scripts["poststart"].is_string();
        let start = text(&scripts["start"]);
        Ok(Self {
            dependencies: count("dependencies") + development,
            has_build,
            node_version: text(&json["engines"]["node"]),
            manager: text(&json["packageManager"]),
            start: if has_hooks { start.map(|_| "npm start".to_owned()) } else { start },
            main: text(&json["main"]).filter(|path| tree.is_file(path)),
        })
    }

    /// The command line that serves, by script, `main` or a usual file name.
    pub fn start_line(&self, tree: &SourceTree) -> Option<String> {
        let usual =
            || ["server.js", "index.js", "app.js"].into_iter().find(|name| tree.is_file(name));
        let file = || self.main.clone().or_else(|| usual().map(ToOwned::to_owned));
        // A library that is built and has a `main` would not serve: only a script says it does.
        let guess =
            || if self.has_build { None } else { file().map(|file| format!("node {file}")) };
        self.start.clone().or_else(guess)
    }
}

/// The package manager that wrote the lock file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lock {
    None,
    Npm { file: &'static str },
    Pnpm { version: String },
    Yarn,
}

impl Lock {
    /// The lock of a tree.
    ///
    /// # Errors
    /// When it is one of a Yarn that npm's registry does not carry.
    pub fn find(tree: &SourceTree, package: &Package) -> Result<Self, Reason> {
        let npm = ["package-lock.json", "npm-shrinkwrap.json"];
        if let Some(file) = npm.into_iter().find(|file| tree.is_file(file)) {
            return Ok(Self::Npm { file });
        }
        if tree.is_file("pnpm-lock.yaml") {
            let named = package.manager.as_deref().and_then(|name| name.strip_prefix("pnpm@"));
            let version = named.and_then(|version| version.split('+').next()).unwrap_or("9");
            return Ok(Self::Pnpm { version: version.to_owned() });
        }
        match tree.text("yarn.lock") {
            Some(text) if text.contains("__metadata:") => Err(refuse(
                "yarn.lock: Yarn 2 and later is not supported: commit a `package-lock.json`, or \
                 add a `Dockerfile`"
                    .to_owned(),
            )),
            None if !tree.is_file("yarn.lock") => Ok(Self::None),
            _ => Ok(Self::Yarn),
        }
    }

    /// The program's name.
    pub fn manager(&self) -> &'static str {
        match self {
            Self::None | Self::Npm { .. } => "npm",
            Self::Pnpm { .. } => "pnpm",
            Self::Yarn => "yarn",
        }
    }

    /// The lock's file, empty without one.
    pub fn file(&self) -> &'static str {
        match self {
            Self::None => "",
            Self::Npm { file } => file,
            Self::Pnpm { .. } => "pnpm-lock.yaml",
            Self::Yarn => "yarn.lock",
        }
    }

    /// The line that installs exactly what is locked, with the development packages or without.
    pub fn installation(&self, with_development: bool) -> String {
        match (self, with_development) {
            (Self::None, true) => "npm install --include=dev".to_owned(),
            (Self::None, false) => "npm install --omit=dev".to_owned(),
            (Self::Npm { .. }, true) => "npm ci --include=dev".to_owned(),
            (Self::Npm { .. }, false) => "npm ci --omit=dev".to_owned(),
            (Self::Pnpm { version }, dev) => {
                let flag = if dev { "--prod=false" } else { "--prod" };
                format!(
                    "npm install --global pnpm@{version} && pnpm install --frozen-lockfile {flag}"
                )
            }
            (Self::Yarn, dev) => format!(
                "npm install --global yarn@1 && yarn install --frozen-lockfile --production={}",
                !dev
            ),
        }
    }

    /// What is worth telling about it.
    pub fn warnings(&self) -> Vec<String> {
        let warning = "no lock file: versions may differ each time, commit `package-lock.json`";
        if *self == Self::None { vec![warning.to_owned()] } else { Vec::new() }
    }
}

fn refuse(message: String) -> Reason {
    Reason::new(ReasonCode::InvalidSource, message)
}
