//! Where log lines go: standard error, for people or as JSON.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::Server;

/// Starts logging as told.
///
/// # Errors
/// When the filter cannot be parsed.
pub fn start(server: &Server) -> anyhow::Result<()> {
    use anyhow::Context;
    let filter = EnvFilter::try_new(&server.log).with_context(|| {
        format!("`{}` is not a log filter; use `info` or `slipway_worker=debug`", server.log)
    })?;
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    if server.log_json {
        registry.with(lines.json()).try_init()?;
    } else {
        registry.with(lines.with_target(false).with_ansi(false)).try_init()?;
    }
    Ok(())
}
