//! `slipway destroy`

use slipway_core::name::AppName;

use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::prompt;

/// Destroy an app with its releases, configuration, images and logs
///
/// It cannot be undone. What the app keeps in databases and services elsewhere stays.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway destroy shop
  slipway destroy shop --confirm shop")]
pub struct Args {
    /// The app's name
    name: AppName,
    /// The app's name once more; without, it is asked for
    #[arg(long, value_name = "NAME")]
    confirm: Option<String>,
}

pub async fn run(invocation: &Invocation, args: Args) -> Result<(), Failure> {
    let Args { name, confirm } = args;
    let client = invocation.client().await?;
    let confirmed = match confirm {
        Some(confirm) => confirm,
        None if invocation.printer.interactive => {
            invocation.printer.warn(&format!("this destroys {name}, and cannot be undone"));
            prompt::line(&format!("type `{name}` to go on"))?
        }
        None => {
            return Err(Failure::usage(format!("destroying {name} cannot be undone"))
                .hint(format!("add `--confirm {name}`")));
        }
    };
    if confirmed != name.as_str() {
        return Err(Failure::usage(format!("the confirmation is not `{name}`: nothing was done")));
    }
    client.destroy_app(&name).await?;
    invocation.printer.say(&format!("{name} is being destroyed"))
}
