//! Commands inside a running instance, with their streams.

use std::time::Duration;

use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use futures_util::stream::{BoxStream, Stream};
use futures_util::{FutureExt, StreamExt};
use slipway_core::id::InstanceId;
use slipway_store::clock;
use tokio::io::{AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, sleep};

use super::Docker;
use super::call::{CHANGE, LOOK_UP, is_absent, refused, status};
use super::container::Status;
use crate::engine::{Attached, EngineError, OutputChunk};

const DOING: &str = "starting a command in an instance";
/// Input the caller may write ahead of the command.
const INPUT_BUFFER_BYTES: usize = 64 * 1024;
/// How long after the end of its output a command's exit code may take to appear.
const EXIT_CODE: Duration = Duration::from_secs(10);

impl Docker {
    /// See `Engine::exec`. `Absent` unless the instance runs.
    pub(super) async fn attach(
        &self,
        id: &InstanceId,
        command: &[String],
        tty: bool,
    ) -> Result<Attached, EngineError> {
        let absent = || EngineError::Absent(id.clone());
        let container = self.find(id).await?.ok_or_else(absent)?;
        if container.status != Status::Running {
            return Err(absent());
        }
        let options = CreateExecOptions {
            attach_stdin: Some(true),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            tty: Some(tty),
            cmd: Some(command.to_vec()),
            ..CreateExecOptions::default()
        };
        let create = self.client.create_exec(&container.id, options);
        let exec = match self.raw_call(DOING, CHANGE, create).await? {
            Ok(created) => created.id,
            Err(error) if matches!(status(&error), Some(404 | 409)) => return Err(absent()),
            Err(error) => return Err(refused(DOING, &error)),
        };
        let options = StartExecOptions { detach: false, tty, output_capacity: None };
        let start = self.client.start_exec(&exec, Some(options));
        match self.call(DOING, CHANGE, start).await? {
            StartExecResults::Attached { output, input } => {
                Ok(self.attached(exec, output, input, id.clone()))
            }
            StartExecResults::Detached => Err(EngineError::Refused {
                doing: DOING,
                message: "it was not attached".to_owned(),
            }),
        }
    }

    fn attached(
        &self,
        exec: String,
        output: impl Stream<Item = Result<LogOutput, bollard::errors::Error>> + Send + 'static,
        input: impl AsyncWrite + Send + Unpin + 'static,
        id: InstanceId,
    ) -> Attached {
        let (ours, theirs) = tokio::io::duplex(INPUT_BUFFER_BYTES);
        self.shared.tasks.spawn(feed(ours, input, self.shared.stopping.clone()));
        let docker = self.clone();
        Attached {
            input: Box::new(theirs),
            output: chunks(output),
            exit: async move { docker.exit_code(&exec, &id).await }.boxed(),
        }
    }

    /// The exit code of a command whose output has ended.
    async fn exit_code(&self, exec: &str, id: &InstanceId) -> Result<i64, EngineError> {
        const DOING: &str = "reading a command's exit code";
        let deadline = Instant::now() + EXIT_CODE;
        while Instant::now() < deadline {
            match self.raw_call(DOING, LOOK_UP, self.client.inspect_exec(exec)).await? {
                Ok(found) if found.running != Some(true) => {
                    if let Some(code) = found.exit_code {
                        return Ok(code);
                    }
                }
                Ok(_) => {}
                Err(error) if is_absent(&error) => return Err(EngineError::Absent(id.clone())),
                Err(error) => return Err(refused(DOING, &error)),
            }
            sleep(Duration::from_millis(20)).await;
        }
        Err(EngineError::Unavailable(format!("{DOING}: none within {} s", EXIT_CODE.as_secs())))
    }
}

/// Passes input on until the caller drops its end, then closes the command's standard input. A
/// task of its own, because dropping cannot wait for the close to be sent.
async fn feed(
    mut from: DuplexStream,
    mut to: impl AsyncWrite + Send + Unpin,
    stopping: tokio_util::sync::CancellationToken,
) {
    let pass_on = async {
        // Errors mean that the command is gone; its output says so to the caller.
        if tokio::io::copy(&mut from, &mut to).await.is_ok() {
            let _closed = to.shutdown().await;
        }
    };
    stopping.run_until_cancelled(pass_on).await;
}

/// The command's output. The daemon gives no moments for it, so each chunk has that of its arrival.
fn chunks(
    output: impl Stream<Item = Result<LogOutput, bollard::errors::Error>> + Send + 'static,
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
