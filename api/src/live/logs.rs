//! Following an app's log.

use std::time::Duration;

use slipway_core::id::AppId;
use slipway_core::log::{LogLine, LogSource};
use slipway_store::{LogFilter, LogPosition, Topic, clock};
use tokio::time::Instant;

use crate::live::sse::{Reader, StreamEnd};
use crate::state::ApiState;

/// How long to wait for a hint before looking anyway.
const POLL: Duration = Duration::from_millis(250);
const PAGE_BYTES: usize = 256 * 1024;

/// Where a reader begins.
#[derive(Debug, Clone, Copy)]
pub enum Begin {
    /// With this many of the newest lines.
    Newest(usize),
    /// Behind a position of an earlier stream.
    After(LogPosition),
}

/// Sends lines that match, as they are written. A reader of few is told from time to time how far
/// was looked, so that it need not come back to where lines are kept no more.
///
/// # Errors
/// When the reader goes, or the log cannot be read.
pub async fn send(
    state: ApiState,
    app: AppId,
    filter: LogFilter,
    begin: Begin,
    reader: Reader,
) -> Result<(), StreamEnd> {
    let mut wake = state.store.wakes().subscribe(Topic::Logs);
    let mut position = match begin {
        Begin::After(position) => position,
        Begin::Newest(lines) => {
            let tail = state.logs.tail(&app, lines, &filter, None).await?;
            for (behind, line) in tail.lines {
                reader.send(behind, &line).await?;
            }
            reader.pass(tail.next).await?;
            tail.next
        }
    };
    let mut told = position;
    let mut told_at = Instant::now();
    loop {
        let page = state.logs.read_all(&app, position, PAGE_BYTES, &filter).await?;
        if page.truncated {
            reader.send(page.from, &gap()).await?;
        }
        for (behind, line) in &page.lines {
            reader.send(behind, line).await?;
            told = *behind;
        }
        let moved = page.next != position;
        position = page.next;
        if told != position && told_at.elapsed() >= state.settings.limits.stream_position {
            reader.pass(position).await?;
            (told, told_at) = (position, Instant::now());
        }
        if !moved {
            wake.wait(POLL).await;
        }
    }
}

/// Tells a reader that came back late what it missed.
fn gap() -> LogLine {
    let text = "some lines are missing here: they were older than what the log keeps";
    LogLine::new(clock::now(), LogSource::Platform, text)
}
