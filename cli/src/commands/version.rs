//! `slipway version`

use serde::Serialize;

use crate::failure::Failure;
use crate::invocation::Invocation;

/// Show the version of this program; `slipway status` shows the server's
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway version
  slipway version --json")]
pub struct Args {}

#[derive(Serialize)]
struct Version {
    version: &'static str,
}

pub fn run(invocation: &Invocation, Args {}: Args) -> Result<(), Failure> {
    let version = Version { version: env!("CARGO_PKG_VERSION") };
    invocation.printer.show(&version, |_| format!("slipway {}\n", version.version))
}
