//! `slipway start`

use std::collections::BTreeMap;

use slipway_core::name::ProcessName;
use slipway_core::wire::autoscale::AppAutoscale;
use slipway_core::wire::process::{Scale, ScaleRequest};

use crate::commands::scale;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// Start stopped processes, one instance of each
///
/// One that scales by itself starts with the fewest it may have. Processes that run already keep their
/// counts; `slipway scale` sets others.
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
    let stopped = stopped(&now, &args.processes);
    let scale = if stopped.is_empty() {
        now
    } else {
        let counts = counts(stopped, &client.autoscale(&app).await?);
        client.set_scale(&app, &ScaleRequest { counts }).await?
    };
    invocation.printer.show(&scale, |view| scale::render(view, &scale))
}

/// What to start: each named process that is stopped, or unknown to this list, which is for the
/// server to judge.
fn stopped(scale: &Scale, named: &[ProcessName]) -> Vec<ProcessName> {
    let is_stopped = |process: &&ProcessName| scale.counts.get(*process).is_none_or(|n| *n == 0);
    let chosen: Vec<&ProcessName> =
        if named.is_empty() { scale.counts.keys().collect() } else { named.iter().collect() };
    chosen.into_iter().filter(is_stopped).cloned().collect()
}

/// The counts to set: one, or the fewest that the autoscaler's bounds admit.
fn counts(stopped: Vec<ProcessName>, scaled: &AppAutoscale) -> BTreeMap<ProcessName, u32> {
    let fewest = |process: &ProcessName| {
        let found = scaled.processes.iter().find(|info| info.process == *process);
        found.map_or(1, |info| info.settings.awake_min())
    };
    stopped.into_iter().map(|process| (process.clone(), fewest(&process))).collect()
}

#[cfg(test)]
mod tests {
    use slipway_core::autoscale::AutoscaleSettings;
    use slipway_core::wire::autoscale::AutoscaleInfo;

    use super::*;

    fn name(text: &str) -> ProcessName {
        text.parse().unwrap()
    }

    #[test]
    fn what_runs_already_keeps_its_count() {
        let scale = Scale { counts: [(name("web"), 3), (name("worker"), 0)].into() };
        assert_eq!(stopped(&scale, &[]), [name("worker")]);
        assert_eq!(stopped(&scale, &[name("web")]), []);
        assert_eq!(stopped(&scale, &[name("other")]), [name("other")]);
    }

    #[test]
    fn what_scales_by_itself_starts_within_its_bounds() {
        let info = |process: &str, min| AutoscaleInfo {
            process: name(process),
            settings: AutoscaleSettings::new(min, 8, BTreeMap::new()),
            count: 0,
            paused: true,
            present: None,
        };
        let processes = vec![info("web", 2), info("sleepy", 0)];
        let scaled = AppAutoscale { processes, decisions: Vec::new() };
        assert_eq!(
            counts(vec![name("web"), name("sleepy"), name("worker")], &scaled),
            [(name("web"), 2), (name("sleepy"), 1), (name("worker"), 1)].into()
        );
    }
}
