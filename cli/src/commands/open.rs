//! `slipway open`

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::view::word;

/// Open the app in a browser
///
/// Off a terminal, and with `--json`, the address is printed only.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway open
  curl \"$(slipway open -a shop)\"")]
pub struct Args {}

const OPENER: &str = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
const DEADLINE: Duration = Duration::from_secs(10);

pub async fn run(invocation: &Invocation, Args {}: Args) -> Result<(), Failure> {
    let (client, app) = invocation.client_and_app().await?;
    let url = client.app(&app).await?.summary.url;
    invocation.printer.show(&url, |_| format!("{}\n", word(&url)))?;
    // Only a web address: whatever else a server might name is not for the desktop to open.
    let is_web = url.starts_with("http://") || url.starts_with("https://");
    if invocation.printer.view.terminal && !invocation.printer.json && is_web {
        open(invocation, &url).await;
    }
    Ok(())
}

/// Asks the desktop to open the address, which was printed already: failing is a remark.
async fn open(invocation: &Invocation, url: &str) {
    let mut command = Command::new(OPENER);
    command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match timeout(DEADLINE, command.status()).await {
        // Some openers stay in front as long as the browser runs.
        Ok(Ok(_)) | Err(_) => {}
        Ok(Err(error)) => invocation.printer.note(&format!("cannot run `{OPENER}`: {error}")),
    }
}
