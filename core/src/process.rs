//! What a release runs: process types, their commands, health checks and limits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::name::ProcessName;
use crate::time::Millis;

/// How a process is started inside its container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// The image's own entrypoint and command.
    Image,
    /// A line for `/bin/sh -c` inside the container, as a `Procfile` writes it.
    Shell(String),
    /// An argument vector, started without a shell.
    Exec(Vec<String>),
}

impl Command {
    /// The line as people read it in listings.
    pub fn display(&self) -> String {
        match self {
            Self::Image => "(image default)".to_owned(),
            Self::Shell(line) => line.clone(),
            Self::Exec(words) => words.join(" "),
        }
    }

    /// The argument vector for the container, `None` for the image's own.
    ///
    /// A simple shell line gets `exec` in front, so that the program and not the shell receives
    /// SIGTERM. A line with operators is left as it is: `exec` would cut it short.
    pub fn argv(&self) -> Option<Vec<String>> {
        match self {
            Self::Image => None,
            Self::Exec(words) => Some(words.clone()),
            Self::Shell(line) => {
                let line = line.trim();
                let line = if is_simple(line) { format!("exec {line}") } else { line.to_owned() };
                Some(vec!["/bin/sh".to_owned(), "-c".to_owned(), line])
            }
        }
    }
}

fn is_simple(line: &str) -> bool {
    const OPERATORS: &[char] = &[';', '|', '&', '<', '>', '(', ')', '`', '\n', '{', '}', '!'];
    // What only a shell can do: `exec` would look for a program of that name.
    const BUILTINS: &[&str] = &[
        "exec", "cd", "if", "for", "while", "until", "case", "set", "export", "source", ".",
        "eval", "exit", "trap", "ulimit", "umask", "wait", ":", "unset", "shift", "return", "read",
        "test", "[", "true", "false", "echo", "printf", "command",
    ];
    let first = line.split_whitespace().next().unwrap_or_default();
    !line.contains(OPERATORS)
        && !line.contains("$(")
        && !first.contains('=')
        && !BUILTINS.contains(&first)
}

/// How readiness is judged; probed from the host, never inside the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct HealthCheck {
    /// The path asked with `GET`. `None` asks `/` and accepts any status below 500;
    /// a declared path wants 200–399.
    pub path: Option<String>,
    /// How long an instance may take to become ready, in milliseconds.
    pub boot_deadline_ms: Millis,
}

impl Default for HealthCheck {
    fn default() -> Self {
        Self { path: None, boot_deadline_ms: Millis::from_secs(60) }
    }
}

impl HealthCheck {
    /// The path to ask.
    pub fn path(&self) -> &str {
        self.path.as_deref().unwrap_or("/")
    }

    /// Whether an answer with this status passes.
    pub fn accepts(&self, status: u16) -> bool {
        if self.path.is_some() {
            (200..400).contains(&status)
        } else {
            (100..500).contains(&status)
        }
    }
}

/// Resource limits of one instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// CPU in thousandths of a core; `None` shares what there is.
    pub cpu_millis: Option<u32>,
    /// Processes and threads.
    pub pids: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory_bytes: 512 * 1024 * 1024, cpu_millis: None, pids: 512 }
    }
}

/// One process type of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ProcessSpec {
    /// How it is started.
    pub command: Command,
    /// The port it is told in `PORT` and expected on. `None`: it serves no traffic.
    pub port: Option<u16>,
    /// Readiness, for processes with a port.
    #[serde(default)]
    pub health: HealthCheck,
    /// Limits of each instance.
    #[serde(default)]
    pub limits: Limits,
}

/// Rollout settings of a release, from `slipway.toml` or the defaults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RolloutSettings {
    /// How long in-flight requests may take once an instance is out of the proxy.
    pub drain_ms: Millis,
    /// SIGTERM to SIGKILL.
    pub grace_ms: Millis,
    /// How long a switched release is watched before it counts as stable; 0 is off.
    pub observe_ms: Millis,
    /// The release command's limit.
    pub release_timeout_ms: Millis,
}

impl Default for RolloutSettings {
    fn default() -> Self {
        Self {
            drain_ms: Millis::from_secs(30),
            grace_ms: Millis::from_secs(30),
            observe_ms: Millis::from_secs(30),
            release_timeout_ms: Millis::from_secs(600),
        }
    }
}

/// Everything a release runs, besides its image and configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Formation {
    /// The long-running process types, by name. `release` is never among them.
    pub processes: BTreeMap<ProcessName, ProcessSpec>,
    /// The command that runs once before the release starts.
    pub release_command: Option<Command>,
    /// How the release is carried out.
    #[serde(default)]
    pub rollout: RolloutSettings,
    /// Where the image keeps its collected static files, served by the proxy itself.
    #[serde(default)]
    pub static_files: Option<StaticFiles>,
    /// Where its instances expose metrics of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<MetricsEndpoint>,
}

/// Where instances expose metrics, in Prometheus' format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct MetricsEndpoint {
    /// The path, with its slash: `/metrics`.
    pub path: String,
    /// The port; `None` is the one of the process.
    pub port: Option<u16>,
}

/// Static files inside an image that the proxy serves without asking the app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct StaticFiles {
    /// The URL prefix, with both slashes: `/static/`.
    pub url: String,
    /// The absolute directory in the image.
    pub directory: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simple_line_replaces_its_shell() {
        let argv = |line: &str| Command::Shell(line.to_owned()).argv().unwrap().pop().unwrap();
        assert_eq!(argv("gunicorn shop.wsgi -b :$PORT"), "exec gunicorn shop.wsgi -b :$PORT");
        assert_eq!(argv("exec python web.py"), "exec python web.py");
        assert_eq!(argv("cd src && python web.py"), "cd src && python web.py");
        assert_eq!(argv("A=1 python web.py"), "A=1 python web.py");
        assert_eq!(argv("a; b"), "a; b");
        assert_eq!(argv("exit 3"), "exit 3");
    }

    #[test]
    fn an_undeclared_path_accepts_anything_below_500() {
        let check = HealthCheck::default();
        assert!(check.accepts(301) && check.accepts(404) && !check.accepts(500));
        let declared = HealthCheck { path: Some("/up".to_owned()), ..check };
        assert!(declared.accepts(204) && !declared.accepts(404));
    }
}
