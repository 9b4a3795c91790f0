//! Programs with somebody attached: an instance's own process, or a command inside of it.

use std::time::Duration;

use bollard::container::{AttachContainerResults, LogOutput};
use bollard::errors::Error;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, InspectContainerOptions, ResizeContainerTTYOptionsBuilder,
    ResizeExecOptionsBuilder,
};
use futures_util::stream::{BoxStream, Stream};
use futures_util::{FutureExt, StreamExt};
use slipway_core::id::InstanceId;
use slipway_core::wire::attach::WindowSize;
use slipway_store::clock;
use tokio::io::{AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::Docker;
use super::call::{CHANGE, LOOK_UP, is_absent, refused, status};
use super::container::{Container, Status};
use super::marks::Mark;
use crate::engine::{Attached, EngineError, OutputChunk, Program};

const STARTING: &str = "starting a command in an instance";
const ATTACHING: &str = "attaching to an instance";
/// Input the caller may write ahead of the program.
const INPUT_BUFFER_BYTES: usize = 64 * 1024;
/// How long after the end of its output a program's exit code may take to appear.
const EXIT_CODE: Duration = Duration::from_secs(10);
/// How often a size is tried: a terminal appears a moment after its program's start.
const SIZE_ATTEMPTS: u32 = 20;
/// Keys that let go of a terminal without ending its program; nobody types these. The daemon's own
/// would swallow Ctrl-P, which shells and editors want.
const DETACH_KEYS: &str = "ctrl-^,ctrl-@,ctrl-_,ctrl-@,ctrl-^";

/// A program by the daemon's id of it.
#[derive(Debug, Clone)]
enum Running {
    Container(String),
    Exec(String),
}

impl Docker {
    /// See `Engine::attach`.
    pub(super) async fn attach_to(
        &self,
        id: &InstanceId,
        program: Program<'_>,
        window: Option<WindowSize>,
    ) -> Result<Attached, EngineError> {
        let absent = || EngineError::Absent(id.clone());
        let container = self.find(id).await?.ok_or_else(absent)?;
        match program {
            Program::Own => self.attach_and_start(id, &container, window).await,
            Program::Command { .. } if container.status != Status::Running => Err(absent()),
            Program::Command { words, environment } => {
                let mark = self.shared.marks.next();
                let variables = environment.iter().map(|(key, value)| format!("{key}={value}"));
                let options = CreateExecOptions {
                    attach_stdin: Some(true),
                    attach_stdout: Some(true),
                    attach_stderr: Some(true),
                    tty: Some(window.is_some()),
                    detach_keys: Some(DETACH_KEYS.to_owned()),
                    env: Some(variables.chain([mark.variable()]).collect()),
                    cmd: Some(words.to_vec()),
                    ..CreateExecOptions::default()
                };
                self.start_command(id, &container, options, mark, window).await
            }
        }
    }

    /// Attaches before the start, so that not a byte is missed.
    async fn attach_and_start(
        &self,
        id: &InstanceId,
        container: &Container,
        window: Option<WindowSize>,
    ) -> Result<Attached, EngineError> {
        if container.status != Status::Created {
            let message = "its process was started before".to_owned();
            return Err(EngineError::Refused { doing: ATTACHING, message });
        }
        let options = AttachContainerOptionsBuilder::new()
            .detach_keys(DETACH_KEYS)
            .stream(true)
            .stdin(true)
            .stdout(true)
            .stderr(true)
            .build();
        let attach = self.client.attach_container(&container.id, Some(options));
        let AttachContainerResults { output, input } = self.call(ATTACHING, CHANGE, attach).await?;
        self.run(&container.id).await?.map_err(|error| refused(ATTACHING, &error))?;
        // Whoever made the instance stops it, and with it all that runs in it.
        let line = CancellationToken::new();
        let running = Running::Container(container.id.clone());
        Ok(self.attached(running, output, input, id.clone(), window, line))
    }

    async fn start_command(
        &self,
        id: &InstanceId,
        container: &Container,
        options: CreateExecOptions<String>,
        mark: Mark,
        window: Option<WindowSize>,
    ) -> Result<Attached, EngineError> {
        let tty = window.is_some();
        let create = self.client.create_exec(&container.id, options);
        let exec = match self.raw_call(STARTING, CHANGE, create).await? {
            Ok(created) => created.id,
            Err(error) if matches!(status(&error), Some(404 | 409)) => {
                return Err(EngineError::Absent(id.clone()));
            }
            Err(error) => return Err(refused(STARTING, &error)),
        };
        // From here on it may run, and is ended even when nobody gets to hear of its start.
        let line = CancellationToken::new();
        let hanging_up = line.clone().drop_guard();
        let stopping = self.shared.stopping.clone();
        self.shared.tasks.spawn(mark.end_after(container.id.clone(), line.clone(), stopping));
        let options = StartExecOptions { detach: false, tty, output_capacity: None };
        let start = self.client.start_exec(&exec, Some(options));
        match self.call(STARTING, CHANGE, start).await? {
            StartExecResults::Attached { output, input } => {
                hanging_up.disarm();
                let running = Running::Exec(exec);
                Ok(self.attached(running, output, input, id.clone(), window, line))
            }
            StartExecResults::Detached => Err(EngineError::Refused {
                doing: STARTING,
                message: "it was not attached".to_owned(),
            }),
        }
    }

    fn attached(
        &self,
        running: Running,
        output: impl Stream<Item = Result<LogOutput, Error>> + Send + 'static,
        input: impl AsyncWrite + Send + Unpin + 'static,
        id: InstanceId,
        size: Option<WindowSize>,
        line: CancellationToken,
    ) -> Attached {
        let (ours, theirs) = tokio::io::duplex(INPUT_BUFFER_BYTES);
        let (window, sizes) = watch::channel(size);
        self.shared.tasks.spawn(feed(ours, input, self.shared.stopping.clone()));
        self.shared.tasks.spawn(self.clone().follow_sizes(running.clone(), sizes));
        let docker = self.clone();
        Attached {
            input: Box::new(theirs),
            output: chunks(output),
            window,
            exit: async move { docker.exit_code(&running, &id).await }.boxed(),
            line: line.drop_guard(),
        }
    }

    /// Gives a terminal every size it is to have, until nobody is left to change it.
    async fn follow_sizes(self, running: Running, mut sizes: watch::Receiver<Option<WindowSize>>) {
        let stopping = self.shared.stopping.clone();
        let follow = async {
            loop {
                let size = *sizes.borrow_and_update();
                if let Some(size) = size {
                    self.resize(&running, size).await;
                }
                if sizes.changed().await.is_err() {
                    return;
                }
            }
        };
        stopping.run_until_cancelled(Box::pin(follow)).await;
    }

    /// Tries for a second. A terminal that keeps its size is no reason to end its program.
    async fn resize(&self, running: &Running, size: WindowSize) {
        const DOING: &str = "resizing a terminal";
        let (rows, columns) = (i32::from(size.rows), i32::from(size.columns));
        for attempt in 1..=SIZE_ATTEMPTS {
            let resized = match running {
                Running::Container(id) => {
                    let options =
                        ResizeContainerTTYOptionsBuilder::new().h(rows).w(columns).build();
                    self.call(DOING, LOOK_UP, self.client.resize_container_tty(id, options)).await
                }
                Running::Exec(id) => {
                    let options = ResizeExecOptionsBuilder::new().h(rows).w(columns).build();
                    self.call(DOING, LOOK_UP, self.client.resize_exec(id, options)).await
                }
            };
            match resized {
                Ok(()) => return,
                Err(error) => tracing::debug!(%error, attempt, "could not resize a terminal"),
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// The exit code of a program whose output has ended.
    async fn exit_code(&self, running: &Running, id: &InstanceId) -> Result<i64, EngineError> {
        const DOING: &str = "reading a command's exit code";
        let deadline = Instant::now() + EXIT_CODE;
        while Instant::now() < deadline {
            match self.raw_call(DOING, LOOK_UP, self.ended(running)).await? {
                Ok(Some(code)) => return Ok(code),
                Ok(None) => {}
                Err(error) if is_absent(&error) => return Err(EngineError::Absent(id.clone())),
                Err(error) => return Err(refused(DOING, &error)),
            }
            sleep(Duration::from_millis(20)).await;
        }
        Err(EngineError::Unavailable(format!("{DOING}: none within {} s", EXIT_CODE.as_secs())))
    }

    async fn ended(&self, running: &Running) -> Result<Option<i64>, Error> {
        match running {
            Running::Container(id) => {
                let options = None::<InspectContainerOptions>;
                let state = self.client.inspect_container(id, options).await?.state;
                Ok(state.filter(|state| state.running != Some(true)).and_then(|s| s.exit_code))
            }
            Running::Exec(id) => {
                let found = self.client.inspect_exec(id).await?;
                Ok(found.exit_code.filter(|_| found.running != Some(true)))
            }
        }
    }
}

/// Passes input on until the caller drops its end, then closes the program's standard input. A
/// task of its own, because dropping cannot wait for the close to be sent.
async fn feed(
    mut from: DuplexStream,
    mut to: impl AsyncWrite + Send + Unpin,
    stopping: CancellationToken,
) {
    let pass_on = async {
        // Errors mean that the program is gone; its output says so to the caller.
        if tokio::io::copy(&mut from, &mut to).await.is_ok() {
            let _closed = to.shutdown().await;
        }
    };
    stopping.run_until_cancelled(pass_on).await;
}

/// The program's output. The daemon gives no moments for it, so each chunk has that of its arrival.
fn chunks(
    output: impl Stream<Item = Result<LogOutput, Error>> + Send + 'static,
) -> BoxStream<'static, Result<OutputChunk, EngineError>> {
    let chunk = |output: LogOutput| {
        let stderr = matches!(output, LogOutput::StdErr { .. });
        OutputChunk { at: clock::now(), stderr, bytes: output.into_bytes() }
    };
    output
        .map(move |item| {
            item.map(chunk).map_err(|error| refused("reading a command's output", &error))
        })
        .boxed()
}
