//! Following an app's log.

use std::time::Duration;

use slipway_core::id::AppId;
use slipway_core::log::{LogLine, LogSource};
use slipway_store::{LogFilter, Topic, clock};

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
    After(u64),
}

/// Sends lines that match, as they are written.
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
            let page = state.logs.tail(&app, lines, &filter).await?;
            for (behind, line) in page.lines {
                reader.send(behind, &line).await?;
            }
            page.next
        }
    };
    loop {
        let page = state.logs.read(&app, position, PAGE_BYTES).await?;
        if page.truncated {
            reader.send(page.next, &gap()).await?;
        }
        let moved = page.next > position;
        position = page.next;
        for (behind, line) in page.lines.iter().filter(|(_, line)| filter.matches(line)) {
            reader.send(behind, line).await?;
        }
        if !moved {
            wake.wait(POLL).await;
        }
    }
}

/// Tells a reader that came back late what it missed.
fn gap() -> LogLine {
    LogLine {
        at: clock::now(),
        source: LogSource::Platform,
        process: None,
        instance: None,
        deployment: None,
        text: "some lines are missing here: they were older than what the log keeps".to_owned(),
    }
}
