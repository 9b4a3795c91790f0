//! Watching a deployment until it is live or has ended.

use std::pin::pin;

use futures_util::StreamExt;
use slipway_client::Client;
use slipway_core::deployment::DeploymentState;
use slipway_core::wire::deployment::{DeploymentInfo, DeploymentUpdate};

use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::printer::Printer;
use crate::progress::Spinner;

/// Whether to stay until the end.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Wait {
    /// Do not wait until it is live
    #[arg(long)]
    no_wait: bool,
}

/// The exit code of a program that was interrupted.
const INTERRUPTED: u8 = 130;

/// Shows a deployment's output until it is live. An interruption stops the watching alone.
///
/// # Errors
/// When it ended without going live, with its cause and what to do.
pub async fn follow(
    invocation: &Invocation,
    client: &Client,
    deployment: &DeploymentInfo,
    wait: Wait,
) -> Result<(), Failure> {
    let printer = &invocation.printer;
    if wait.no_wait {
        return accepted(printer, deployment);
    }
    let spinner = printer.spinner();
    spinner.set(progress(deployment));
    let mut updates = client.follow_deployment(&deployment.id, None);
    let mut interrupt = pin!(tokio::signal::ctrl_c());
    loop {
        let update = tokio::select! {
            update = updates.next() => update,
            _ = &mut interrupt => {
                drop(spinner);
                return Err(interrupted(printer, deployment));
            }
        };
        let Some(update) = update else {
            return Err(Failure::new("the stream ended before the deployment did")
                .hint("run `slipway deployments` to see how it went"));
        };
        let (_, update) = update?;
        show(printer, &spinner, &update)?;
        if let DeploymentUpdate::Done { deployment } = update {
            return conclude(&deployment);
        }
    }
}

fn show(printer: &Printer, spinner: &Spinner, update: &DeploymentUpdate) -> Result<(), Failure> {
    if let DeploymentUpdate::Moved { deployment } = update {
        spinner.set(progress(deployment));
    }
    spinner.above(|| {
        printer.item(update, |view| match update {
            DeploymentUpdate::Line { text } => format!("{}\n", view.line(text)),
            DeploymentUpdate::Moved { .. } | DeploymentUpdate::Done { .. } => String::new(),
        })
    })
}

fn accepted(printer: &Printer, deployment: &DeploymentInfo) -> Result<(), Failure> {
    printer.show(deployment, |_| {
        format!("deployment {} of {} was accepted\n", deployment.sequence, deployment.app)
    })?;
    if !printer.json {
        printer.hint(&format!("watch it with `slipway logs -f -a {}`", deployment.app));
    }
    Ok(())
}

fn interrupted(printer: &Printer, deployment: &DeploymentInfo) -> Failure {
    let DeploymentInfo { app, sequence, .. } = deployment;
    printer.note("");
    printer.note(&format!("no longer watching: deployment {sequence} of {app} goes on"));
    printer.hint(&format!("stop it with `slipway deployments cancel {sequence} -a {app}`"));
    Failure::silent(INTERRUPTED)
}

fn progress(deployment: &DeploymentInfo) -> String {
    let version = deployment.version.map(|version| format!(" v{version}")).unwrap_or_default();
    format!("{}{version}: {}", deployment.app, deployment.state.name())
}

/// Success when it is live, else the failure with its cause.
fn conclude(deployment: &DeploymentInfo) -> Result<(), Failure> {
    if deployment.state.is_live() {
        return Ok(());
    }
    let DeploymentInfo { app, sequence, state, .. } = deployment;
    let cause = state.reason();
    let message = cause.map(|reason| format!(": {}", reason.message)).unwrap_or_default();
    let failure =
        Failure::new(format!("deployment {sequence} of {app} {}{message}", outcome(state)));
    let hint = deployment.hint.as_deref().or(cause.map(|reason| reason.code.hint()));
    Err(match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    })
}

/// What became of it, as the end of a sentence.
pub fn outcome(state: &DeploymentState) -> &'static str {
    match state {
        DeploymentState::Queued => "waits",
        DeploymentState::Building
        | DeploymentState::Releasing
        | DeploymentState::Starting
        | DeploymentState::Switching => "is under way",
        DeploymentState::Observing | DeploymentState::Succeeded => "is live",
        DeploymentState::Reverting { .. } => "went bad and is being taken back",
        DeploymentState::Failed { .. } => "failed",
        DeploymentState::Superseded { .. } => "was superseded",
        DeploymentState::Canceled { .. } => "was canceled",
        DeploymentState::Reverted { .. } => "went bad and was taken back",
        DeploymentState::RevertFailed { .. } => "went bad and could not be taken back",
    }
}

#[cfg(test)]
mod tests {
    use slipway_core::reason::{Reason, ReasonCode};

    use super::*;
    use crate::testing;

    #[test]
    fn a_deployment_that_is_live_is_a_success() {
        for state in [DeploymentState::Observing, DeploymentState::Succeeded] {
            assert!(conclude(&testing::deployment(12, state)).is_ok());
        }
    }

    #[test]
    fn a_failed_deployment_says_why_and_what_to_do() {
        let reason = Reason::new(ReasonCode::ReleaseCommandFailed, "`migrate` exited with 1");
        let failure =
            conclude(&testing::deployment(12, DeploymentState::Failed { reason })).unwrap_err();
        assert_eq!(failure.message(), "deployment 12 of shop failed: `migrate` exited with 1");
        assert_eq!(failure.hint_text(), Some(ReasonCode::ReleaseCommandFailed.hint()));
        assert_eq!(failure.code(), 1);
    }
}
