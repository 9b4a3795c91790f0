//! Following a one-off command.

use std::time::Duration;

use serde_json::Value;
use slipway_core::id::{AppId, Id as _, JobId};
use slipway_core::wire::run::RunUpdate;
use slipway_store::{JobRow, JobState, LogFilter, Topic};

use crate::error::ApiError;
use crate::live::sse::{Reader, StreamEnd};
use crate::state::ApiState;

/// How long to wait for a hint before looking anyway.
const POLL: Duration = Duration::from_millis(100);
const PAGE_BYTES: usize = 256 * 1024;
/// Most lines of a command that are shown to a reader who comes late.
const LATE_LINES: usize = 10_000;
const RETRY_HINT: &str = "run `slipway status`, then try again";

/// Sends what a command prints, and how it ended.
///
/// # Errors
/// When the reader goes, or the log or the database cannot be read.
pub async fn send(
    state: ApiState,
    app: AppId,
    run: JobId,
    resume: Option<u64>,
    reader: Reader,
) -> Result<(), StreamEnd> {
    let filter = LogFilter { deployment: Some(run.as_str().to_owned()), ..LogFilter::default() };
    let mut wake = state.store.wakes().subscribe(Topic::Logs);
    let mut position = if let Some(position) = resume {
        position
    } else {
        let tail = state.logs.tail(&app, LATE_LINES, &filter, None).await?;
        for (behind, line) in tail.lines {
            reader.send(behind.words, &RunUpdate::Line { text: line.text }).await?;
        }
        tail.next.words
    };
    loop {
        // The job is looked at before the lines: all it printed before its end is read with it.
        let job =
            state.store.job(&run).await?.ok_or_else(|| ApiError::not_found("run", run.as_str()))?;
        let page = state.logs.read(&app, position, PAGE_BYTES).await?;
        let moved = page.next > position;
        position = page.next;
        for (behind, line) in page.lines.into_iter().filter(|(_, line)| filter.matches(line)) {
            reader.send(behind, &RunUpdate::Line { text: line.text }).await?;
        }
        match end_of(&job) {
            Some(end) if !moved => return Ok(reader.send(position, &end).await?),
            _ if !moved => wake.wait(POLL).await,
            _ => {}
        }
    }
}

/// How a command ended; nothing while it has not.
fn end_of(job: &JobRow) -> Option<RunUpdate> {
    match job.state {
        JobState::Queued | JobState::Running => None,
        JobState::Done => {
            let said = |key: &str| job.result.as_ref().map(|result| &result[key]);
            if let Some(code) = said("code").and_then(Value::as_i64) {
                return Some(RunUpdate::Exited { code });
            }
            let text = |key: &str| said(key).and_then(Value::as_str);
            let message = text("message").unwrap_or("the command ended without an exit code");
            Some(failed(message, text("hint").unwrap_or(RETRY_HINT)))
        }
        JobState::Failed => {
            let message = job.last_error.as_deref().unwrap_or("the command could not be run");
            Some(failed(message, RETRY_HINT))
        }
    }
}

fn failed(message: &str, hint: &str) -> RunUpdate {
    RunUpdate::Failed { message: message.to_owned(), hint: hint.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use slipway_core::id::ReleaseId;
    use slipway_core::time::Timestamp;
    use slipway_store::JobKind;

    use super::*;

    fn job(state: JobState, result: Option<Value>, last_error: Option<&str>) -> JobRow {
        JobRow {
            id: JobId::from_bits(1),
            kind: JobKind::Run {
                app_id: AppId::from_bits(1),
                release_id: ReleaseId::from_bits(1),
                command: vec!["true".to_owned()],
                timeout_s: None,
                attach: None,
                instance_id: None,
            },
            app_id: AppId::from_bits(1),
            state,
            attempts: 1,
            result,
            last_error: last_error.map(str::to_owned),
            created_at: Timestamp(0),
            finished_at: None,
        }
    }

    #[test]
    fn an_exit_code_passes_through_and_a_failure_says_why() {
        assert_eq!(end_of(&job(JobState::Running, None, Some("tried once"))), None);
        let exited = end_of(&job(JobState::Done, Some(json!({"code": 3})), None));
        assert_eq!(exited, Some(RunUpdate::Exited { code: 3 }));
        let refused = json!({"message": "the app is gone", "hint": "look"});
        let refused = end_of(&job(JobState::Done, Some(refused), None));
        assert_eq!(refused, Some(super::failed("the app is gone", "look")));
        let failed = end_of(&job(JobState::Failed, None, Some("docker does not answer")));
        assert!(
            matches!(failed, Some(RunUpdate::Failed { message, .. }) if message.contains("docker"))
        );
    }
}
