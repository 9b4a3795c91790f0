//! `slipway start`

use std::collections::BTreeMap;

use slipway_core::name::ProcessName;
use slipway_core::wire::process::{Scale, ScaleRequest};

use crate::commands::scale;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// Start stopped processes, one instance of each
///
/// Processes that run already keep their counts; `slipway scale` sets others.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway start
  slipway start worker")]
pub struct Args {
    /// The processes; without, every stopped one
    #[arg(value_name = "PROCESS")]
    processes: Vec<ProcessName>,
}

pub async fn run(invocation: &Invocation, args: Args) -> Result<(), Failure> {
    let (client, app) = invocation.client_and_app().await?;
    let now = client.scale(&app).await?;
    let counts = stopped(&now, &args.processes);
    let scale = if counts.is_empty() {
        now
    } else {
        client.set_scale(&app, &ScaleRequest { counts }).await?
    };
    invocation.printer.show(&scale, |view| scale::render(view, &scale))
}

/// The counts to set: one of each named process that is stopped, or unknown to this list, which is
/// for the server to judge.
fn stopped(scale: &Scale, named: &[ProcessName]) -> BTreeMap<ProcessName, u32> {
    let is_stopped = |process: &&ProcessName| scale.counts.get(*process).is_none_or(|n| *n == 0);
    let chosen: Vec<&ProcessName> =
        if named.is_empty() { scale.counts.keys().collect() } else { named.iter().collect() };
    chosen.into_iter().filter(is_stopped).map(|process| (process.clone(), 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_already_keeps_its_count() {
        let name = |text: &str| text.parse::<ProcessName>().unwrap();
        let scale = Scale { counts: [(name("web"), 3), (name("worker"), 0)].into() };
        assert_eq!(stopped(&scale, &[]), [(name("worker"), 1)].into());
        assert_eq!(stopped(&scale, &[name("web")]), BTreeMap::new());
        assert_eq!(stopped(&scale, &[name("other")]), [(name("other"), 1)].into());
    }
}
