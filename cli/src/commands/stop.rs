//! `slipway stop`

use slipway_client::Client;
use slipway_core::name::{AppName, ProcessName};
use slipway_core::wire::process::ScaleRequest;

use crate::commands::scale;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// Stop processes, by scaling them to zero
///
/// Instances finish their requests first. The app stays, and a deploy starts nothing that is
/// stopped. `slipway start` starts one of each again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway stop
  slipway stop worker")]
pub struct Args {
    /// The processes; without, all of them
    #[arg(value_name = "PROCESS")]
    processes: Vec<ProcessName>,
}

pub async fn run(invocation: &Invocation, args: Args) -> Result<(), Failure> {
    let (client, app) = invocation.client_and_app().await?;
    let processes = named_or_all(&client, &app, args.processes).await?;
    let counts = processes.into_iter().map(|process| (process, 0)).collect();
    let scale = client.set_scale(&app, &ScaleRequest { counts }).await?;
    invocation.printer.show(&scale, |view| scale::render(view, &scale))
}

async fn named_or_all(
    client: &Client,
    app: &AppName,
    named: Vec<ProcessName>,
) -> Result<Vec<ProcessName>, Failure> {
    if !named.is_empty() {
        return Ok(named);
    }
    let all: Vec<ProcessName> = client.scale(app).await?.counts.into_keys().collect();
    if all.is_empty() {
        return Err(Failure::new(format!("{app} has no processes to stop")));
    }
    Ok(all)
}
