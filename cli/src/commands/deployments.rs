//! `slipway deployments`

use slipway_core::deployment::DeploymentState;
use slipway_core::wire::deployment::DeploymentInfo;

use crate::failure::Failure;
use crate::follow::{Wait, follow, outcome};
use crate::invocation::Invocation;
use crate::table::{Cell, Table};
use crate::view::{Tone, View};

/// List the attempts to deploy, or cancel one
///
/// A deployment carries one release to production. Failed ones are listed here too; `slipway
/// releases` lists what came of them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway deployments
  slipway deployments cancel 12")]
pub struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Cancel a deployment; what serves now keeps serving
    ///
    /// One that is live already, and watched still, is taken back by a rollback.
    #[command(after_help = "Examples:
  slipway deployments cancel
  slipway deployments cancel 12 -a shop")]
    Cancel {
        /// Its number; without, the newest one that is under way
        number: Option<u32>,
        #[command(flatten)]
        wait: Wait,
    },
}

pub async fn run(invocation: &Invocation, args: Args) -> Result<(), Failure> {
    let (client, app) = invocation.client_and_app().await?;
    let deployments = client.deployments(&app).await?;
    let Some(Verb::Cancel { number, wait }) = args.verb else {
        return invocation.printer.show(&deployments, |view| render(view, &deployments));
    };
    let chosen = match number {
        Some(number) => deployments
            .iter()
            .find(|deployment| deployment.sequence == number)
            .ok_or_else(|| Failure::new(format!("there is no deployment {number} of {app}")))?,
        None => deployments
            .iter()
            .find(|deployment| !deployment.state.is_terminal())
            .ok_or_else(|| Failure::new(format!("no deployment of {app} is under way")))?,
    };
    let answer = client.cancel_deployment(&chosen.id).await?;
    if answer.id != chosen.id {
        let sequence = chosen.sequence;
        invocation
            .printer
            .say(&format!("deployment {sequence} of {app} is live: taking it back"))?;
        return follow(invocation, &client, &answer, wait).await;
    }
    invocation.printer.show(&answer, |_| {
        format!("deployment {} of {app} {}\n", answer.sequence, outcome(&answer.state))
    })
}

fn render(view: &View, deployments: &[DeploymentInfo]) -> String {
    if deployments.is_empty() {
        return "nothing was deployed yet\n".to_owned();
    }
    let mut table = Table::new(["NUMBER", "KIND", "STATE", "RELEASE", "CREATED", "TOOK", "WHAT"]);
    for deployment in deployments {
        let took = deployment.finished_at.map(|end| end.since(deployment.created_at).to_string());
        let what = deployment.state.reason().map_or(&deployment.description, |r| &r.message);
        table.row([
            Cell::toned(Tone::Strong, deployment.sequence.to_string()),
            deployment.kind.as_str().into(),
            Cell::toned(tone(&deployment.state), deployment.state.name()),
            deployment.version.map_or("–".to_owned(), |version| format!("v{version}")).into(),
            view.when(deployment.created_at).into(),
            took.unwrap_or_else(|| "–".to_owned()).into(),
            what.into(),
        ]);
    }
    table.render(view)
}

/// What the state means.
pub fn tone(state: &DeploymentState) -> Tone {
    match state {
        DeploymentState::Queued
        | DeploymentState::Building
        | DeploymentState::Releasing
        | DeploymentState::Starting
        | DeploymentState::Switching
        | DeploymentState::Observing => Tone::Busy,
        DeploymentState::Succeeded => Tone::Good,
        DeploymentState::Superseded { .. } | DeploymentState::Canceled { .. } => Tone::Quiet,
        DeploymentState::Reverting { .. } | DeploymentState::Reverted { .. } => Tone::Doubtful,
        DeploymentState::Failed { .. } | DeploymentState::RevertFailed { .. } => Tone::Bad,
    }
}

#[cfg(test)]
mod tests {
    use slipway_core::reason::{Reason, ReasonCode};

    use super::*;
    use crate::testing::{self, PLAIN, TERMINAL, visible};

    #[test]
    fn a_failed_deployment_is_listed_with_its_cause() {
        let reason = Reason::new(ReasonCode::BuildFailed, "pip exited with 1");
        let mut failed = testing::deployment(13, DeploymentState::Failed { reason });
        failed.version = None;
        let deployments = [
            testing::deployment(14, DeploymentState::Building),
            failed,
            testing::deployment(12, DeploymentState::Succeeded),
        ];
        insta::assert_snapshot!("deployments", render(&PLAIN, &deployments));
        insta::assert_snapshot!(
            "deployments_on_a_terminal",
            visible(&render(&TERMINAL, &deployments))
        );
        insta::assert_json_snapshot!("deployments_as_json", deployments);
    }
}
