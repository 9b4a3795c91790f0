//! What the environment says: the one place that reads it.

use std::env;
use std::path::PathBuf;

/// The variables that matter, as they were when the program began.
#[derive(Clone, Default)]
pub struct Environment {
    /// Where accounts are kept: `SLIPWAY_CONFIG_DIR`, else `slipway` in the XDG directory.
    pub config_dir: Option<PathBuf>,
    /// `SLIPWAY_URL`: the server, for scripts.
    pub url: Option<String>,
    /// `SLIPWAY_TOKEN`: an API token, for scripts.
    pub token: Option<String>,
    /// `NO_COLOR` is set and not empty, or the terminal is a dumb one.
    pub no_colour: bool,
    /// `TERM`: the kind of terminal.
    pub terminal_kind: Option<String>,
}

impl Environment {
    /// Reads the process's environment.
    pub fn read() -> Self {
        let text = |name| env::var_os(name)?.into_string().ok().filter(|value| !value.is_empty());
        let path = |name| text(name).map(PathBuf::from);
        let config_dir = path("SLIPWAY_CONFIG_DIR")
            .or_else(|| path("XDG_CONFIG_HOME").map(|base| base.join("slipway")))
            .or_else(|| path("HOME").map(|home| home.join(".config/slipway")));
        Self {
            config_dir,
            url: text("SLIPWAY_URL"),
            token: text("SLIPWAY_TOKEN"),
            no_colour: text("NO_COLOR").is_some() || text("TERM").as_deref() == Some("dumb"),
            terminal_kind: text("TERM"),
        }
    }
}
