//! A one-off command that somebody asked for.

use std::time::Duration;

use slipway_core::id::{AppId, InstanceId, ReleaseId};
use slipway_core::log::{LogLine, LogSource};
use slipway_core::name::ProcessName;
use slipway_core::process::{Command, Limits};
use slipway_core::time::Millis;
use slipway_store::{clock, instances};

use super::Outcome;
use super::command::OneOffSpec;
use crate::context::{Host, Shared};
use crate::engine::EngineError;
use crate::runner::Run;

/// How long a command may take when nobody said.
const DEFAULT_LIMIT: Millis = Millis::from_secs(3_600);

/// What is to be run.
pub struct OneOff {
    pub app_id: AppId,
    pub release_id: ReleaseId,
    pub command: Vec<String>,
    pub timeout_s: Option<u32>,
}

/// Runs it to its end; the result is `{"code": n}`, or `{"message", "hint"}` when it never ran.
pub async fn perform<H: Host>(
    context: &Shared<H>,
    one_off: &OneOff,
    run: &Run,
) -> anyhow::Result<Outcome> {
    let app = context.store.app_by_id(&one_off.app_id).await?;
    let release = context.store.release(&one_off.release_id).await?;
    let (Some(app), Some(release)) = (app, release) else {
        return Ok(refusal("the app is gone", "run `slipway apps` to see what there is"));
    };
    let process = process();
    let id = instances::one_off(&run.job_id);
    let spec =
        OneOffSpec { id, process, command: command(&one_off.command), limits: Limits::default() };
    let spec = context.one_off_spec(&app.name, &release, spec).await?;
    let limit = one_off
        .timeout_s
        .map_or(DEFAULT_LIMIT, |seconds| Millis::from_secs(seconds.into()))
        .as_duration();
    let watched = async {
        context.host.start(&spec).await?;
        let write = |lines: Vec<String>| write(context, one_off, run, &spec.id, lines);
        context.follow_one_off(&spec.id, write).await
    };
    let ended = tokio::select! {
        ended = tokio::time::timeout(limit, watched) => ended,
        () = run.stop.cancelled() => return Ok(Outcome::Later(Millis(0))),
    };
    let outcome = match ended {
        Ok(Ok(exit)) => Outcome::Done(Some(serde_json::json!({ "code": exit.code }))),
        Ok(Err(EngineError::Unavailable(error))) => return Ok(Outcome::Retry(error)),
        Ok(Err(error)) => refusal(&error.to_string(), "check the command and the app's image"),
        Err(_) => refusal("it ran out of time and was stopped", "raise `--timeout`"),
    };
    context.host.stop(&spec.id, Duration::from_secs(10)).await?;
    Ok(outcome)
}

/// The process that one-off commands count as.
///
/// # Panics
/// Never: it is a name.
pub(super) fn process() -> ProcessName {
    "run".parse().expect("`run` is a process name")
}

/// One word alone is a line for the shell, several are an argument vector.
pub(super) fn command(words: &[String]) -> Command {
    match words {
        [line] => Command::Shell(line.clone()),
        words => Command::Exec(words.to_vec()),
    }
}

pub(super) fn refusal(message: &str, hint: &str) -> Outcome {
    Outcome::Done(Some(serde_json::json!({ "message": message, "hint": hint })))
}

/// Adds lines to the app's log, under the run's id.
pub(super) fn write<H: Host>(
    context: &Shared<H>,
    one_off: &OneOff,
    run: &Run,
    instance: &InstanceId,
    texts: Vec<String>,
) {
    let line = |text: String| LogLine {
        process: Some("run".to_owned()),
        instance: Some(instance.short().to_owned()),
        deployment: Some(run.job_id.to_string()),
        ..LogLine::new(clock::now(), LogSource::Run, text)
    };
    let lines: Vec<LogLine> = texts.into_iter().map(line).collect();
    if let Err(error) = context.logs.append(&one_off.app_id, &lines) {
        tracing::warn!(%error, "could not write a command's output");
    }
}
