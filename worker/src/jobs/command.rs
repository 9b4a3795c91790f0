//! The release command: once a deployment, to its end, and never a second time.

use std::time::Duration;

use futures_util::StreamExt;
use slipway_core::id::InstanceId;
use slipway_core::instance::{Exit, InstanceSpec, Lifetime, ObservedState};
use slipway_core::log::LogSource;
use slipway_core::name::ProcessName;
use slipway_core::process::{Command, Limits};
use slipway_core::reason::{Reason, ReasonCode};
use slipway_core::release::Release;
use slipway_store::{clock, instances};

use super::deploy::{Halt, Work};
use crate::context::{Context, Host};
use crate::engine::EngineError;
use crate::environment::{Identity, environment};
use crate::output::Lines;

/// How often the engine is asked whether a one-off has ended.
const ASK: Duration = Duration::from_millis(100);
/// Lines kept for the sentence of a failure.
const KEPT: usize = 20;

/// Runs the release's command, if it has one and this kind of deployment runs it. What is left of
/// one that succeeded is for `clear_away`.
pub(super) async fn run<H: Host>(work: &Work<'_, H>, release: &Release) -> Result<(), Halt> {
    let Some(command) = &release.formation.release_command else { return Ok(()) };
    if !work.deployment.kind.runs_release_command() {
        return Ok(());
    }
    let context = work.context;
    let began = clock::now();
    work.announcer.step(&format!("Release command: {}", command.display()));
    // The name is the deployment's, so that an interrupted attempt is found and not repeated.
    let id = instances::release_command(&work.deployment.id);
    let one_off = OneOffSpec {
        id,
        process: ProcessName::release(),
        command: command.clone(),
        limits: limits(release),
    };
    let spec = context.one_off_spec(&work.app.name, release, one_off).await?;
    let limit = release.formation.rollout.release_timeout_ms.as_duration();
    let watched = async {
        context.host.start(&spec).await?;
        let mut last_lines = Vec::new();
        let exit = context
            .follow_one_off(&spec.id, |lines| {
                last_lines.extend(lines.iter().cloned());
                let surplus = last_lines.len().saturating_sub(KEPT);
                last_lines.drain(..surplus);
                let indented = lines.into_iter().map(|line| format!("       {line}")).collect();
                work.announcer.output(LogSource::Release, indented);
            })
            .await?;
        Ok::<_, EngineError>((exit, last_lines))
    };
    let ended = tokio::select! {
        ended = tokio::time::timeout(limit, watched) => ended,
        () = work.cancel.cancelled() => {
            // A worker that merely stops leaves the command running, to be found again.
            if !work.run.stop.is_cancelled() {
                context.host.stop(&spec.id, Duration::from_secs(2)).await?;
            }
            return Err(Halt::Interrupted);
        }
    };
    let outcome = match ended {
        Ok(Ok((exit, _))) if exit.code == 0 => {
            work.announcer.detail(&format!("done in {}", clock::now().since(began)));
            Ok(())
        }
        Ok(Ok((exit, last_lines))) => Err(Halt::Failed(failure(exit).with_last_lines(last_lines))),
        Ok(Err(error)) => return Err(error.into()),
        Err(_) => {
            let sentence =
                format!("still running after {}", release.formation.rollout.release_timeout_ms);
            Err(Halt::Failed(Reason::new(ReasonCode::ReleaseCommandFailed, sentence)))
        }
    };
    if outcome.is_err() {
        context.host.stop(&spec.id, Duration::from_secs(10)).await?;
    }
    outcome
}

/// Takes away what is left of the command, once its deployment has gone on: until then it tells an
/// attempt after a crash that the command was run, and nobody should wait for its removal.
pub(super) async fn clear_away<H: Host>(work: &Work<'_, H>) -> Result<(), Halt> {
    let id = instances::release_command(&work.deployment.id);
    Ok(work.context.host.stop(&id, Duration::from_secs(10)).await?)
}

fn failure(exit: Exit) -> Reason {
    let sentence = slipway_core::health::exit_reason(exit, 1, 0).message;
    Reason::new(ReasonCode::ReleaseCommandFailed, format!("the release command {sentence}"))
}

/// A one-off has what an instance of the release has; migrations need at least as much.
fn limits(release: &Release) -> Limits {
    let largest = release.formation.processes.values().map(|spec| spec.limits);
    largest.max_by_key(|limits| limits.memory_bytes).unwrap_or_default()
}

/// What makes a one-off of a release.
pub(super) struct OneOffSpec {
    pub id: InstanceId,
    pub process: ProcessName,
    pub command: Command,
    pub limits: Limits,
}

impl<H: Host> Context<H> {
    /// The whole specification of a one-off of a release.
    pub(super) async fn one_off_spec(
        &self,
        app: &slipway_core::name::AppName,
        release: &Release,
        one_off: OneOffSpec,
    ) -> Result<InstanceSpec, slipway_store::StoreError> {
        let config = self.store.release_config(&release.id, &self.keys).await?;
        let addresses = self.addresses(&release.app_id, app).await?;
        let identity = Identity {
            app,
            version: release.version,
            process: &one_off.process,
            instance: &one_off.id,
            port: None,
            addresses: &addresses,
        };
        Ok(InstanceSpec {
            environment: environment(&config, &identity),
            id: one_off.id,
            app_id: release.app_id.clone(),
            app: app.clone(),
            release_id: release.id.clone(),
            process: one_off.process,
            image: release.image.clone(),
            command: one_off.command,
            port: None,
            limits: one_off.limits,
            lifetime: Lifetime::OneOff,
        })
    }

    /// Hands a one-off's lines on as they come, and returns how it ended.
    ///
    /// # Errors
    /// When the engine does not answer, or the one-off was removed from outside.
    pub(super) async fn follow_one_off(
        &self,
        id: &InstanceId,
        mut write: impl FnMut(Vec<String>),
    ) -> Result<Exit, EngineError> {
        let mut output = self.host.logs(id, None).ready_chunks(256);
        let mut lines = Lines::default();
        let mut ended = None;
        loop {
            tokio::select! {
                chunks = output.next() => {
                    let Some(chunks) = chunks else { break };
                    let mut texts = Vec::new();
                    for chunk in chunks {
                        texts.extend(lines.push(&chunk?.bytes));
                    }
                    if !texts.is_empty() {
                        write(texts);
                    }
                }
                exit = self.one_off_exit(id), if ended.is_none() => ended = Some(exit?),
            }
        }
        if let Some(rest) = lines.finish() {
            write(vec![rest]);
        }
        match ended {
            Some(exit) => Ok(exit),
            None => self.one_off_exit(id).await,
        }
    }

    async fn one_off_exit(&self, id: &InstanceId) -> Result<Exit, EngineError> {
        loop {
            let list = self.host.list().await?;
            let Some(observed) = list.into_iter().find(|observed| observed.id == *id) else {
                return Err(EngineError::Absent(id.clone()));
            };
            if let ObservedState::Exited { exit } = observed.state {
                return Ok(exit);
            }
            tokio::time::sleep(ASK).await;
        }
    }
}
