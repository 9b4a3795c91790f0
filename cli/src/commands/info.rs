//! `slipway info`

use slipway_core::deployment::DeploymentState;
use slipway_core::domain::Domain;
use slipway_core::wire::app::AppInfo;
use slipway_core::wire::deployment::DeploymentInfo;

use crate::cause::last_words;
use crate::commands::apps::{health, tone};
use crate::failure::Failure;
use crate::follow::outcome;
use crate::invocation::Invocation;
use crate::table::{Cell, Table, facts};
use crate::view::{Tone, View, word};

/// Describe an app: where it answers, what runs, how it is
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway info
  slipway info -a shop --json")]
pub struct Args {}

pub async fn run(invocation: &Invocation, Args {}: Args) -> Result<(), Failure> {
    let (client, app) = invocation.client_and_app().await?;
    let app = client.app(&app).await?;
    invocation.printer.show(&app, |view| render(view, &app))
}

fn render(view: &View, app: &AppInfo) -> String {
    let summary = &app.summary;
    let name = view.paint(Tone::Strong, summary.name.as_str());
    let state = view.paint(tone(summary.health), health(summary.health));
    let mut pairs = vec![("url", word(&summary.url))];
    if !app.domains.is_empty() {
        let names: Vec<&str> = app.domains.iter().map(Domain::as_str).collect();
        pairs.push(("domains", word(&names.join(", "))));
    }
    match summary.version {
        Some(version) => {
            let source = summary.source.as_deref().map(word).unwrap_or_default();
            pairs.push(("release", format!("v{version}  {source}").trim_end().to_owned()));
        }
        None => pairs.push(("release", "none yet".to_owned())),
    }
    pairs.extend(summary.deployed_at.map(|at| ("deployed", view.when(at))));
    pairs.extend([
        ("git", format!("{}  (branch `{}` deploys)", word(&app.git_url), word(&app.deploy_branch))),
        ("created", view.when(summary.created_at)),
    ]);
    let mut text = format!("{name} is {state}\n{}", facts(view, &pairs));
    if !app.processes.is_empty() {
        text.push('\n');
        text.push_str(&processes(view, app));
    }
    let latest = app.latest_deployment.as_ref();
    if let Some(latest) = latest.filter(|latest| latest.state != DeploymentState::Succeeded) {
        text.push('\n');
        text.push_str(&deployment(view, latest));
    }
    text
}

fn processes(view: &View, app: &AppInfo) -> String {
    let mut table = Table::new(["PROCESS", "READY", "COMMAND"]);
    for process in &app.processes {
        let tone = if process.ready >= process.wanted { Tone::Plain } else { Tone::Doubtful };
        table.row([
            process.name.as_str().into(),
            Cell::toned(tone, format!("{}/{}", process.ready, process.wanted)),
            process.command.as_str().into(),
        ]);
    }
    table.render(view)
}

/// The newest deployment, when it is not simply the live release.
fn deployment(view: &View, latest: &DeploymentInfo) -> String {
    let DeploymentInfo { sequence, kind, state, .. } = latest;
    let reason = state.reason();
    let title = format!(
        "deployment {sequence} ({}) {}, {}\n",
        kind.as_str(),
        outcome(state),
        view.when(latest.created_at)
    );
    let Some(reason) = reason else { return title };
    let hint = latest.hint.as_deref().unwrap_or(reason.code.hint());
    format!("{title}  {}\n{}", word(&reason.message), last_words(view, reason, hint))
}

#[cfg(test)]
mod tests {
    use slipway_core::reason::{Reason, ReasonCode};
    use slipway_core::wire::app::AppHealth;

    use super::*;
    use crate::testing::{self, PLAIN, TERMINAL, visible};

    #[test]
    fn a_healthy_app_is_described_calmly() {
        insta::assert_snapshot!("info", render(&PLAIN, &testing::app()));
        insta::assert_snapshot!("info_on_a_terminal", visible(&render(&TERMINAL, &testing::app())));
        insta::assert_json_snapshot!("info_as_json", testing::app());
    }

    #[test]
    fn a_failed_deployment_shows_its_last_words() {
        let reason =
            Reason::new(ReasonCode::Exited, "web.4k2 exited with 1").with_last_lines(vec![
                "Traceback (most recent call last):".to_owned(),
                "ModuleNotFoundError: No module named 'shop'".to_owned(),
            ]);
        let mut app = testing::app();
        app.latest_deployment = Some(testing::deployment(13, DeploymentState::Failed { reason }));
        insta::assert_snapshot!("info_after_a_failure", render(&PLAIN, &app));
    }

    #[test]
    fn a_new_app_has_no_release() {
        let mut app = testing::app();
        app.summary = testing::empty("new");
        app.domains.clear();
        app.summary.health = AppHealth::Empty;
        app.processes.clear();
        app.latest_deployment = None;
        insta::assert_snapshot!("info_of_a_new_app", render(&PLAIN, &app));
    }
}
