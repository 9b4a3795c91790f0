//! A command that somebody is attached to: it begins when they come and ends when they go.
//!
//! It is never continued. What an interrupted attempt left, whose person is gone, is taken away.

use std::collections::BTreeMap;
use std::time::Duration;

use slipway_core::id::InstanceId;
use slipway_core::instance::{InstanceSpec, Lifetime};
use slipway_core::process::Limits;
use slipway_core::time::Millis;
use slipway_core::wire::attach::{Attach, ServerFrame};
use slipway_store::instances;

use super::Outcome;
use super::command::OneOffSpec;
use super::run::{self, OneOff};
use crate::attach::{self, Hears, Parting, Peer};
use crate::context::{Host, Shared};
use crate::engine::{Attached, EngineError, OutputChunk, Program};
use crate::output::Lines;
use crate::runner::Run;

/// How long a command may take when nobody said.
const DEFAULT_LIMIT: Millis = Millis::from_secs(86_400);
/// How long an instance whose person is gone may take to end.
const GRACE: Duration = Duration::from_secs(2);

/// A command, and where and how it runs.
pub struct Attended {
    pub one_off: OneOff,
    /// The running instance it runs in; nothing for one of its own.
    pub inside: Option<InstanceId>,
    pub attach: Attach,
}

/// How a command ended, or why it did not begin.
enum End {
    Exited(i64),
    Failed { message: String, hint: &'static str },
}

/// Runs it for the one who attaches; the result is that of any other run.
///
/// # Errors
/// When the engine or the database does not answer.
pub async fn perform<H: Host>(
    context: &Shared<H>,
    attended: &Attended,
    run: &Run,
) -> anyhow::Result<Outcome> {
    let own = instances::one_off(&run.job_id);
    if run.attempts > 1 {
        context.host.stop(&own, GRACE).await?;
        return Ok(interrupted().outcome());
    }
    let Some(seat) = context.attachments.seat(&run.job_id) else {
        let hint = "end one of them, then try again";
        return Ok(run::refusal("too many people are attached to commands", hint));
    };
    let peer = tokio::select! {
        peer = seat.peer() => peer,
        () = run.stop.cancelled() => None,
    };
    let Some(peer) = peer else {
        return Ok(run::refusal("nobody attached to it within 30 s", "try again"));
    };
    let begun = match &attended.inside {
        Some(instance) => exec(context, attended, instance).await,
        None => start(context, attended, run).await,
    };
    let (mut hears, end) = match begun {
        Ok(attached) => converse(context, attended, run, peer, attached).await,
        Err(end) => (peer.hears, end),
    };
    hears.close(&end.frame()).await;
    context.host.stop(&own, GRACE).await?;
    Ok(end.outcome())
}

/// Starts a command inside of a running instance.
async fn exec<H: Host>(
    context: &Shared<H>,
    attended: &Attended,
    instance: &InstanceId,
) -> Result<Attached, End> {
    let terminal = attended.attach.terminal.as_ref();
    let words = run::command(&attended.one_off.command).argv().unwrap_or_default();
    let environment: BTreeMap<String, String> =
        terminal.map(|terminal| ("TERM".to_owned(), terminal.kind.clone())).into_iter().collect();
    let program = Program::Command { words: &words, environment: &environment };
    let window = terminal.map(|terminal| terminal.window);
    context.host.attach(instance, program, window).await.map_err(|error| {
        if !matches!(error, EngineError::Absent(_)) {
            return End::of(&error);
        }
        let message = format!("instance `{}` does not run any more", instance.short());
        End::Failed { message, hint: "run `slipway ps` to see which do" }
    })
}

/// Starts a command in an instance of its own.
async fn start<H: Host>(
    context: &Shared<H>,
    attended: &Attended,
    run: &Run,
) -> Result<Attached, End> {
    let terminal = attended.attach.terminal.as_ref();
    let spec = specification(context, attended, run).await?;
    context.host.start(&spec).await.map_err(|error| End::of(&error))?;
    let window = terminal.map(|terminal| terminal.window);
    let attached = context.host.attach(&spec.id, Program::Own, window).await;
    attached.map_err(|error| End::of(&error))
}

async fn specification<H: Host>(
    context: &Shared<H>,
    attended: &Attended,
    run: &Run,
) -> Result<InstanceSpec, End> {
    let OneOff { app_id, release_id, command, .. } = &attended.one_off;
    let app = context.store.app_by_id(app_id).await.map_err(|error| End::internal(&error))?;
    let release = context.store.release(release_id).await.map_err(|error| End::internal(&error))?;
    let (Some(app), Some(release)) = (app, release) else {
        let message = "the app is gone".to_owned();
        return Err(End::Failed { message, hint: "run `slipway apps` to see what there is" });
    };
    let one_off = OneOffSpec {
        id: instances::one_off(&run.job_id),
        process: run::process(),
        command: run::command(command),
        limits: Limits::default(),
    };
    let spec = context.one_off_spec(&app.name, &release, one_off).await;
    let mut spec = spec.map_err(|error| End::internal(&error))?;
    let terminal = attended.attach.terminal.as_ref();
    spec.lifetime = Lifetime::Attended { terminal: terminal.is_some() };
    if let Some(terminal) = terminal {
        spec.environment.insert("TERM".to_owned(), terminal.kind.clone());
    }
    Ok(spec)
}

/// Passes everything on until the command ends, or must.
async fn converse<H: Host>(
    context: &Shared<H>,
    attended: &Attended,
    run: &Run,
    peer: Peer,
    attached: Attached,
) -> (Hears, End) {
    let limit = attended.one_off.timeout_s;
    let limit = limit.map_or(DEFAULT_LIMIT, |seconds| Millis::from_secs(seconds.into()));
    let mut log = Log { context, attended, run, lines: Lines::default() };
    let limits = attach::Limits::of(limit.as_duration());
    let bridged = attach::bridge(
        peer,
        attached,
        limits,
        |chunk: &OutputChunk| log.take(chunk),
        run.stop.cancelled(),
    );
    let (hears, parting) = bridged.await;
    log.finish();
    let failed = |message: &str, hint| End::Failed { message: message.to_owned(), hint };
    let end = match parting {
        Parting::Exited(code) => End::Exited(code),
        Parting::PeerGone => failed("whoever was attached to it is gone", "attach again"),
        Parting::OutOfTime => failed("it ran out of time and was stopped", "raise `--timeout`"),
        Parting::Idle => failed("nothing happened for an hour, so it was stopped", "run it again"),
        Parting::Stopped => interrupted(),
        Parting::Engine(error) => End::of(&error),
    };
    (hears, end)
}

fn interrupted() -> End {
    End::Failed {
        message: "the server was stopped while the command ran, and the command with it".to_owned(),
        hint: "run it again",
    }
}

impl End {
    fn of(error: &EngineError) -> Self {
        let hint = match error {
            EngineError::Unavailable(_) => "run `slipway status`, then try again",
            EngineError::ImageMissing(_) | EngineError::Absent(_) | EngineError::Refused { .. } => {
                "check the command and the app's image"
            }
        };
        Self::Failed { message: error.to_string(), hint }
    }

    fn internal(error: &slipway_store::StoreError) -> Self {
        tracing::warn!(%error, "could not prepare a command");
        let message = "the server could not prepare the command".to_owned();
        Self::Failed { message, hint: "run `slipway status`, then try again" }
    }

    fn frame(&self) -> ServerFrame {
        match self {
            Self::Exited(code) => ServerFrame::Exited { code: *code },
            Self::Failed { message, hint } => {
                ServerFrame::Failed { message: message.clone(), hint: (*hint).to_owned() }
            }
        }
    }

    fn outcome(&self) -> Outcome {
        match self {
            Self::Exited(code) => Outcome::Done(Some(serde_json::json!({ "code": code }))),
            Self::Failed { message, hint } => run::refusal(message, hint),
        }
    }
}

/// Keeps what a command without a terminal prints, as for any other run. What happens on a terminal
/// is the person's own: passwords are typed there.
struct Log<'a, H> {
    context: &'a Shared<H>,
    attended: &'a Attended,
    run: &'a Run,
    lines: Lines,
}

impl<H: Host> Log<'_, H> {
    fn take(&mut self, chunk: &OutputChunk) {
        if self.attended.attach.terminal.is_none() {
            let texts = self.lines.push(&chunk.bytes);
            self.write(texts);
        }
    }

    fn finish(&mut self) {
        let rest = self.lines.finish();
        self.write(rest.into_iter().collect());
    }

    fn write(&self, texts: Vec<String>) {
        if !texts.is_empty() {
            let instance = self
                .attended
                .inside
                .clone()
                .unwrap_or_else(|| instances::one_off(&self.run.job_id));
            run::write(self.context, &self.attended.one_off, self.run, &instance, texts);
        }
    }
}
