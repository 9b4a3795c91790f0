//! What developers push: small apps whose behaviour a test decides.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::program::of_this_crate;

/// An app that answers with its own name, and that can be made to misbehave. See `apps/echo`.
#[derive(Debug, Clone)]
pub struct Echo {
    behaviour: Map<String, Value>,
    files: Vec<(String, String)>,
}

impl Echo {
    /// A well-behaved release that answers `name` and counts as stable as soon as it is live, so
    /// that tests do not wait for the end of its observation.
    pub fn named(name: &str) -> Self {
        let behaviour = Map::from_iter([("name".to_owned(), json!(name))]);
        Self { behaviour, files: Vec::new() }.manifest("[rollout]\nobserve = \"0s\"\n")
    }

    /// Boots for this long before it listens.
    #[must_use]
    pub fn booting_for(self, seconds: f32) -> Self {
        self.with("boot_s", json!(seconds))
    }

    /// Ends at boot with a complaint.
    #[must_use]
    pub fn crashing(self) -> Self {
        self.with("crash", json!(true))
    }

    /// Serves for this long, then ends.
    #[must_use]
    pub fn dying_after(self, seconds: f32) -> Self {
        self.with("dies_after_s", json!(seconds))
    }

    /// Listens on this port, whatever it was told.
    #[must_use]
    pub fn listening_on_port(self, port: u16) -> Self {
        self.with("port", json!(port))
    }

    /// Listens where only its own container reaches it.
    #[must_use]
    pub fn listening_on_loopback(self) -> Self {
        self.with("host", json!("127.0.0.1"))
    }

    /// Runs this command before the release starts.
    #[must_use]
    pub fn releasing_with(self, command: &str) -> Self {
        self.file("Procfile", &format!("web: python app.py\nrelease: {command}\n"))
    }

    /// Is built by a Dockerfile with this instruction in its middle.
    #[must_use]
    pub fn building_with(self, instruction: &str) -> Self {
        let lines = [
            "FROM python:3.11-slim",
            "WORKDIR /app",
            "CMD [\"python\", \"app.py\"]",
            instruction,
            "COPY . .",
            "",
        ];
        self.file("Dockerfile", &lines.join("\n"))
    }

    /// Exposes this at `/metrics`.
    #[must_use]
    pub fn exposing(self, metrics: &str) -> Self {
        self.with("metrics", metrics.into())
    }

    /// Its `slipway.toml`.
    #[must_use]
    pub fn manifest(self, text: &str) -> Self {
        self.file("slipway.toml", text)
    }

    /// A file beside the others, in place of the one of that name.
    #[must_use]
    pub fn file(mut self, name: &str, text: &str) -> Self {
        self.files.retain(|(existing, _)| existing != name);
        self.files.push((name.to_owned(), text.to_owned()));
        self
    }

    fn with(mut self, key: &str, value: Value) -> Self {
        self.behaviour.insert(key.to_owned(), value);
        self
    }

    /// Writes the app into a folder, in place of what is there; `.git` stays.
    ///
    /// # Panics
    /// When the folder cannot be written.
    pub fn write(&self, folder: &Path) {
        empty(folder);
        copy(&of_this_crate("apps/echo"), folder);
        let behaviour = Value::Object(self.behaviour.clone()).to_string();
        fs::write(folder.join("behaviour.json"), behaviour).expect("the folder can be written");
        for (name, text) in &self.files {
            fs::write(folder.join(name), text).expect("the folder can be written");
        }
    }
}

/// Copies a folder's content into another folder.
///
/// # Panics
/// When something cannot be read or written.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the folder can be made");
    for entry in fs::read_dir(from).expect("the folder can be read") {
        let entry = entry.expect("the folder can be read");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("the file can be copied");
        }
    }
}

/// Removes everything in a repository's folder but `.git`.
///
/// # Panics
/// When something cannot be removed.
pub fn empty(folder: &Path) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.ends_with(".git") {
            continue;
        }
        let removed =
            if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.expect("the folder can be emptied");
    }
}
