//! `slipway restart`

use crate::failure::Failure;
use crate::follow::{Wait, follow};
use crate::invocation::Invocation;

/// Replace every instance with a fresh one of the same release
///
/// New instances take over once they are ready, so no request is lost.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway restart
  slipway restart -a shop --no-wait")]
pub struct Args {
    #[command(flatten)]
    wait: Wait,
}

pub async fn run(invocation: &Invocation, args: Args) -> Result<(), Failure> {
    let (client, app) = invocation.client_and_app().await?;
    let deployment = client.restart(&app).await?;
    follow(invocation, &client, &deployment, args.wait).await
}
