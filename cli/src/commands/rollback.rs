//! `slipway rollback`

use slipway_core::name::AppName;
use slipway_core::wire::deployment::RollbackRequest;
use slipway_core::wire::release::ReleaseInfo;

use crate::commands::releases::{Version, render_differences};
use crate::failure::Failure;
use crate::follow::{Wait, follow};
use crate::invocation::Invocation;
use crate::prompt;
use crate::view::{Tone, View};

/// Take the app back to an older release
///
/// Brings back the image, the configuration and the processes of that release, as a new release;
/// never the number of instances, never data. Shows beforehand what differs, and asks on a
/// terminal. Without a release, takes the newest stable one before the live one
/// that runs something else.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway rollback
  slipway rollback v10
  slipway rollback v10 --yes -a shop")]
pub struct Args {
    /// The release to go back to
    version: Option<Version>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    wait: Wait,
}

pub async fn run(invocation: &Invocation, args: Args) -> Result<(), Failure> {
    let printer = &invocation.printer;
    let (client, app) = invocation.client_and_app().await?;
    let target = match args.version {
        Some(Version(version)) => client.release(&app, version).await?,
        None => client.rollback_target(&app).await?,
    };
    let version = target.summary.version;
    printer.say(preview(&printer.view, &app, &target).trim_end())?;
    if printer.interactive && !args.yes && !prompt::confirm(&format!("roll back to v{version}?"))? {
        return Err(Failure::new("nothing was done"));
    }
    let request = RollbackRequest { version: Some(version) };
    let deployment = client.roll_back(&app, &request).await?;
    // The last line of its output says how to undo it.
    follow(invocation, &client, &deployment, args.wait).await
}

fn preview(view: &View, app: &AppName, target: &ReleaseInfo) -> String {
    let to = view.paint(Tone::Strong, &format!("v{}", target.summary.version));
    match &target.differs_from_live {
        Some(differences) => format!(
            "rolling back {app} from v{} to {to}\n{}",
            differences.from_version,
            render_differences(view, differences)
        ),
        None => format!("rolling back {app} to {to}\n"),
    }
}

#[cfg(test)]
mod tests {
    use slipway_core::process::Formation;
    use slipway_core::release::ImageRef;
    use slipway_core::wire::release::Differences;

    use super::*;
    use crate::testing::{self, PLAIN, TERMINAL, visible};

    fn target(differences: Option<Differences>) -> ReleaseInfo {
        ReleaseInfo {
            summary: testing::release(41),
            image: ImageRef { repository: String::new(), digest: String::new() },
            formation: Formation::default(),
            origin: None,
            config_keys: Vec::new(),
            differs_from_live: differences,
        }
    }

    #[test]
    fn a_rollback_shows_beforehand_what_differs() {
        let app: AppName = "shop".parse().unwrap();
        let text = |view, target| preview(view, &app, &target);
        let every_kind = || target(Some(testing::differences()));
        insta::assert_snapshot!("rollback", text(&PLAIN, every_kind()));
        insta::assert_snapshot!("rollback_on_a_terminal", visible(&text(&TERMINAL, every_kind())));
        let nothing = Differences { from_version: 42, to_version: 41, ..Differences::default() };
        insta::assert_snapshot!(
            "rollback_without_differences",
            text(&PLAIN, target(Some(nothing)))
        );
    }
}
