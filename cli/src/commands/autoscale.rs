//! `slipway autoscale`

mod options;
mod render;

use slipway_core::name::ProcessName;
use slipway_core::time::Millis;
use slipway_core::wire::autoscale::SimulateRequest;

use self::options::{Settings, Since};
use crate::failure::Failure;
use crate::invocation::Invocation;

/// Let a process run as many instances as its load asks for
///
/// Every target is what each instance should be at; of several, the one that wants most instances
/// decides. More come at once; fewer only when nothing wanted more for the down window. With
/// `--min 0` an idle `web` is stopped, and the next request wakes it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway autoscale show
  slipway autoscale set web --min 1 --max 8 --cpu 60 --p95 300 --net-in 5MB
  slipway autoscale set web --min 0 --max 4 --concurrency 20 --idle 10m
  slipway autoscale simulate web --min 1 --max 8 --cpu 60 --since 7d
  slipway autoscale off web")]
pub struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Show what scales by itself, why it is where it is, and the last decisions
    #[command(after_help = "Examples:
  slipway autoscale show
  slipway autoscale show -a shop --json")]
    Show,
    /// Let a process scale by itself, or change how; what is not given has its usual value
    #[command(after_help = "Examples:
  slipway autoscale set web --min 1 --max 8 --cpu 60
  slipway autoscale set web --min 0 --max 4 --rps 50
  slipway autoscale set worker --max 5 --custom jobs_waiting=20 --down-window 2m")]
    Set {
        /// The process
        process: ProcessName,
        #[command(flatten)]
        settings: Settings,
    },
    /// Leave a process at the count it has
    #[command(after_help = "Examples:
  slipway autoscale off web")]
    Off {
        /// The process
        process: ProcessName,
    },
    /// Show what these settings would have done with what was measured
    ///
    /// The load a process had in all is spread evenly over the simulated instances; latency and
    /// queue time move in proportion to it, which real ones do not: take those for a sketch.
    #[command(after_help = "Examples:
  slipway autoscale simulate web --min 1 --max 8 --cpu 60 --since 7d")]
    Simulate {
        /// The process
        process: ProcessName,
        #[command(flatten)]
        settings: Settings,
        /// How far back, like `6h` or `7d`
        #[arg(long, value_name = "SPAN", default_value = "24h")]
        since: Since,
    },
}

pub async fn run(invocation: &Invocation, args: Args) -> Result<(), Failure> {
    let (client, app) = invocation.client_and_app().await?;
    let printer = &invocation.printer;
    match args.verb.unwrap_or(Verb::Show) {
        Verb::Show => {
            let scaled = client.autoscale(&app).await?;
            printer.show(&scaled, |view| render::list(view, &scaled))
        }
        Verb::Set { process, settings } => {
            let set = client.set_autoscale(&app, &process, &settings.into_settings()).await?;
            printer.show(&set, |view| render::one(view, &set))
        }
        Verb::Off { process } => {
            client.unset_autoscale(&app, &process).await?;
            printer.say(&format!("{process} stays at its count from now on"))
        }
        Verb::Simulate { process, settings, since: Since(Millis(back)) } => {
            let since = printer.view.now - Millis(back);
            let request = SimulateRequest { settings: settings.into_settings(), since };
            let simulation = client.simulate_autoscale(&app, &process, &request).await?;
            printer.show(&simulation, |view| render::simulation(view, &simulation))
        }
    }
}
