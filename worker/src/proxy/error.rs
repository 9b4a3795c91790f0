//! What can go wrong at the proxy. These texts are for operators, never for an app's owner.

use std::io;
use std::path::{Path, PathBuf};

use slipway_core::id::AppId;
use slipway_core::name::Hostname;

use super::Generation;
use super::settings::InvalidSetting;

/// Why the proxy did not do as it was told.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// A setting nobody can work with.
    #[error(transparent)]
    Setting(#[from] InvalidSetting),
    /// A file or directory of ours.
    #[error("could not {doing} `{}`: {source}", .path.display())]
    File { doing: &'static str, path: PathBuf, source: io::Error },
    /// Two apps want the same name.
    #[error("`{hostname}` belongs to two apps, {first} and {second}")]
    DuplicateHostname { hostname: Hostname, first: AppId, second: AppId },
    /// A site holds something that must not be written into a configuration.
    #[error("the site of {site} cannot be rendered: {why}")]
    Site { site: AppId, why: String },
    /// The template and its values do not fit together.
    #[error("could not render the configuration: {0}")]
    Render(#[from] tera::Error),
    /// nginx does not accept the configuration. The old one serves on; what nginx said is logged.
    #[error("nginx refuses the configuration{}", .site.as_ref().map_or(String::new(), |site| format!(" because of {site}")))]
    Refused { site: Option<AppId> },
    /// nginx was told to reload and did not take the configuration. The old one serves on.
    #[error("nginx did not take over configuration {0}; the one before is back in place")]
    NotApplied(Generation),
    /// nginx could not be started; what it said is logged.
    #[error("nginx does not start; hint: read `{}`", .log.display())]
    NotStarted { log: PathBuf },
    /// The program could not even be run.
    #[error("could not run `{}`: {source}", .program.display())]
    Program { program: PathBuf, source: io::Error },
    /// nginx does not answer on its control socket.
    #[error("the proxy does not answer: {0}")]
    Unreachable(String),
    /// It answered with something else than expected.
    #[error("the proxy answered unexpectedly to {request}: {answer}")]
    Unexpected { request: String, answer: String },
    /// Somebody else writes this installation's members now.
    #[error("another process has taken over the proxy's members; this one must stop")]
    Stale,
    /// It would not end in time.
    #[error("nginx (process {0}) did not end in time")]
    StillRunning(i32),
}

impl ProxyError {
    /// An error about a file, from the verb of what was being done to it.
    pub(super) fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { doing, path: path.to_owned(), source }
    }
}
