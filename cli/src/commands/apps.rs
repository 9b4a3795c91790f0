//! `slipway apps`

use slipway_core::wire::app::{AppHealth, AppSummary};

use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::table::{Cell, Table};
use crate::view::{Tone, View};

/// List the apps
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway apps
  slipway apps --json")]
pub struct Args {}

pub async fn run(invocation: &Invocation, Args {}: Args) -> Result<(), Failure> {
    let apps = invocation.client().await?.apps().await?;
    invocation.printer.show(&apps, |view| render(view, &apps))
}

fn render(view: &View, apps: &[AppSummary]) -> String {
    if apps.is_empty() {
        return "no apps yet; `slipway create NAME` makes one\n".to_owned();
    }
    let mut table = Table::new(["APP", "HEALTH", "RELEASE", "READY", "DEPLOYED", "URL"]);
    for app in apps {
        table.row([
            Cell::toned(Tone::Strong, app.name.as_str()),
            Cell::toned(tone(app.health), health(app.health)),
            app.version.map_or("–".to_owned(), |version| format!("v{version}")).into(),
            format!("{}/{}", app.ready, app.wanted).into(),
            app.deployed_at.map_or("never".to_owned(), |at| view.when(at)).into(),
            app.url.as_str().into(),
        ]);
    }
    table.render(view)
}

/// The health in one word.
pub fn health(health: AppHealth) -> &'static str {
    match health {
        AppHealth::Empty => "empty",
        AppHealth::Healthy => "healthy",
        AppHealth::Degraded => "degraded",
        AppHealth::Down => "down",
        AppHealth::Stopped => "stopped",
        AppHealth::Deploying => "deploying",
        AppHealth::Deleting => "deleting",
    }
}

/// What the health means.
pub fn tone(health: AppHealth) -> Tone {
    match health {
        AppHealth::Healthy => Tone::Good,
        AppHealth::Degraded => Tone::Doubtful,
        AppHealth::Down => Tone::Bad,
        AppHealth::Deploying => Tone::Busy,
        AppHealth::Empty | AppHealth::Stopped | AppHealth::Deleting => Tone::Quiet,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, PLAIN, TERMINAL, visible};

    #[test]
    fn apps_are_listed_with_their_health() {
        let apps = [
            testing::summary("shop", AppHealth::Healthy),
            AppSummary { ready: 1, ..testing::summary("shop-staging", AppHealth::Degraded) },
            AppSummary { ready: 0, ..testing::summary("blog", AppHealth::Down) },
            testing::empty("new"),
        ];
        insta::assert_snapshot!("apps", render(&PLAIN, &apps));
        insta::assert_snapshot!("apps_on_a_terminal", visible(&render(&TERMINAL, &apps)));
        insta::assert_json_snapshot!("apps_as_json", apps);
        insta::assert_snapshot!(render(&PLAIN, &[]), @"no apps yet; `slipway create NAME` makes one");
    }
}
