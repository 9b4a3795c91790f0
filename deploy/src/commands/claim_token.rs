//! The one-time token with which the first person claims an installation.

use std::io::Write;

use crate::config::Server;
use crate::daemon::Foundation;

/// Prints a fresh token; the ones before it stop working.
///
/// # Errors
/// When the installation was claimed already.
pub async fn run(server: &Server) -> anyhow::Result<()> {
    let foundation = Foundation::open(server).await?;
    match slipway_api::issue_claim(&foundation.store).await? {
        Some(token) => {
            writeln!(std::io::stdout(), "{token}")?;
            Ok(())
        }
        None => anyhow::bail!(
            "this installation was claimed already\nhint: sign in with `slipway login {}`",
            server.public_url()
        ),
    }
}

/// Prints a token on the server's own terminal at its first start.
///
/// # Errors
/// When the database cannot be used.
pub async fn announce(foundation: &Foundation) -> anyhow::Result<()> {
    if let Some(token) = slipway_api::issue_claim(&foundation.store).await? {
        let url = foundation.server.public_url();
        writeln!(
            std::io::stderr(),
            "\nNobody has claimed this installation yet. Within 30 minutes:\n\n    slipway login {url} --claim {token}\n"
        )?;
    }
    Ok(())
}
