//! An instance's output: what it wrote so far, then what it writes, until it is gone.
//!
//! The daemon ends a stream whenever the container stops, and loses it when it restarts itself.
//! So the stream is opened again from the last line on, and lines that were delivered are skipped.

use std::future::ready;
use std::time::Duration;

use bollard::container::LogOutput;
use bollard::query_parameters::{LogsOptions, LogsOptionsBuilder};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{BoxStream, Stream};
use slipway_core::id::InstanceId;
use slipway_core::time::Timestamp;
use tokio::time::{sleep, timeout};

use super::Docker;
use super::container::Status;
use super::moment::Moment;
use crate::engine::{EngineError, OutputChunk};

/// Silence after which the stream is opened again: it may be dead without saying so.
const SILENCE: Duration = Duration::from_mins(5);
/// Pause before it is opened again, after it brought something: what ended is seen to have ended a
/// moment after its last line.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
/// The same when it brings nothing.
const PAUSE: Duration = Duration::from_millis(500);

/// How far the output was delivered.
#[derive(Debug, Clone, Copy)]
struct Position {
    /// Nothing before this is wanted.
    at: Moment,
    /// How many lines of exactly this moment were delivered.
    delivered: usize,
    /// How many lines of exactly this moment the stream now open has shown.
    shown: usize,
    /// Whether the stream now open came to a line that was new. From there on everything is: the daemon
    /// reads output and errors each by itself, so a line may follow one that is a little younger.
    caught_up: bool,
}

impl Position {
    fn from(since: Option<Timestamp>) -> Self {
        let nanos = since.map_or(0, |since| since.0.saturating_mul(1_000_000));
        Self { at: Moment::from_nanos(nanos), delivered: 0, shown: 0, caught_up: false }
    }

    /// A stream is opened, from about here on.
    fn open(&mut self) {
        self.shown = 0;
        self.caught_up = false;
    }

    /// Whether a line of this moment is new; counts it.
    fn admits(&mut self, at: Moment) -> bool {
        if at > self.at {
            *self = Self { at, delivered: 1, shown: 1, caught_up: true };
            return true;
        }
        if at < self.at {
            return self.caught_up;
        }
        self.shown += 1;
        let new = self.shown > self.delivered;
        self.delivered = self.delivered.max(self.shown);
        new
    }
}

impl Docker {
    /// See `Engine::logs`. Outages of the daemon are waited through in silence; the stream ends
    /// when the instance is gone, or is a one-off that ended and was read to the end. An instance
    /// that is not there at first is `Absent`.
    pub(super) fn output(
        &self,
        id: &InstanceId,
        since: Option<Timestamp>,
    ) -> BoxStream<'static, Result<OutputChunk, EngineError>> {
        let (docker, id) = (self.clone(), id.clone());
        Box::pin(async_stream::stream! {
            let mut position = Position::from(since);
            let mut seen = false;
            let mut pause = SHORTEST_PAUSE;
            loop {
                // Looked up before reading: what ended by now is complete once it was read.
                let container = match docker.find(&id).await {
                    Ok(Some(container)) => container,
                    Ok(None) if seen => return,
                    Ok(None) => {
                        yield Err(EngineError::Absent(id.clone()));
                        return;
                    }
                    Err(EngineError::Unavailable(_)) => {
                        sleep(PAUSE).await;
                        continue;
                    }
                    Err(error) => {
                        yield Err(error);
                        return;
                    }
                };
                seen = true;
                position.open();
                let mut lines = Box::pin(docker.lines(&container.id, position.at));
                while let Ok(Some((at, chunk))) = timeout(SILENCE, lines.next()).await {
                    if position.admits(at) {
                        pause = SHORTEST_PAUSE;
                        yield Ok(chunk);
                    }
                }
                if container.status == Status::Ended && container.runs_once() {
                    return;
                }
                sleep(pause).await;
                pause = (pause * 2).min(PAUSE);
            }
        })
    }

    /// Lines from `since` on, to the second, with their moments; ends at the first error.
    fn lines(
        &self,
        container: &str,
        since: Moment,
    ) -> impl Stream<Item = (Moment, OutputChunk)> + Send + 'static {
        let logs = self.client.logs(container, Some(options(since)));
        logs.take_while(|output| ready(output.is_ok()))
            .filter_map(|output| ready(output.ok().and_then(line)))
    }
}

fn options(since: Moment) -> LogsOptions {
    let since = i32::try_from(since.seconds()).unwrap_or(i32::MAX);
    LogsOptionsBuilder::new()
        .follow(true)
        .stdout(true)
        .stderr(true)
        .timestamps(true)
        .since(since)
        .build()
}

/// Splits `<moment> <text>`; `None` for anything else.
fn line(output: LogOutput) -> Option<(Moment, OutputChunk)> {
    let stderr = matches!(output, LogOutput::StdErr { .. });
    let bytes = output.into_bytes();
    let space = bytes.iter().position(|byte| *byte == b' ')?;
    let at = Moment::parse(std::str::from_utf8(&bytes[..space]).ok()?)?;
    let text: Bytes = bytes.slice(space + 1..);
    Some((at, OutputChunk { at: at.timestamp(), stderr, bytes: text }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(text: &'static str) -> LogOutput {
        LogOutput::StdErr { message: Bytes::from_static(text.as_bytes()) }
    }

    #[test]
    fn a_line_is_split_from_its_moment_and_kept_byte_exact() {
        let (_, chunk) = line(output("2024-01-01T00:00:00.250000000Z  two  spaces\n")).unwrap();
        assert_eq!(chunk.at, Timestamp(1_704_067_200_250));
        assert_eq!((chunk.stderr, &chunk.bytes[..]), (true, &b" two  spaces\n"[..]));
        assert!(line(output("no moment here\n")).is_none());
    }

    #[test]
    fn a_stream_opened_again_repeats_nothing_and_loses_nothing() {
        let moment = Moment::from_nanos;
        let mut position = Position::from(Some(Timestamp(1)));
        assert!(!position.admits(moment(999_999)));
        let first = [1_000_000, 1_000_000, 2_000_000, 2_000_000];
        assert!(first.iter().all(|at| position.admits(moment(*at))));
        position.open();
        let again = [1_000_000, 2_000_000, 2_000_000, 2_000_000, 3_000_000];
        let new: Vec<bool> = again.iter().map(|at| position.admits(moment(*at))).collect();
        assert_eq!(new, [false, false, false, true, true]);
    }

    #[test]
    fn a_line_that_comes_after_a_younger_one_is_kept() {
        let moment = Moment::from_nanos;
        let mut position = Position::from(None);
        assert!([3_000, 2_000, 3_000, 4_000].iter().all(|at| position.admits(moment(*at))));
        position.open();
        let again = [3_000, 2_000, 3_000, 4_000, 6_000, 5_000];
        let new: Vec<bool> = again.iter().map(|at| position.admits(moment(*at))).collect();
        assert_eq!(new, [false, false, false, false, true, true]);
    }
}
