//! What a deployment printed so far.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::StreamExt as _;
use serde::Serialize;
use slipway_client::{Client, ClientError, Updates};
use slipway_core::id::DeploymentId;
use slipway_core::wire::deployment::DeploymentUpdate;
use tokio::time::{Instant, timeout};

use crate::view::terminal::OutputLine;

/// Most lines that are shown.
const LINES_SHOWN: usize = 300;
/// How long a page waits for what it shows: it must not wait for the deployment.
const WAITS: Waits = Waits {
    first_word: Duration::from_secs(2),
    silence: Duration::from_millis(200),
    whole: Duration::from_secs(3),
};

#[derive(Clone, Copy)]
struct Waits {
    /// Until the stream says something for the first time.
    first_word: Duration,
    /// Until a silence means that everything there is was read.
    silence: Duration,
    /// For everything.
    whole: Duration,
}

/// The newest lines of a deployment.
#[derive(Debug, Default, Serialize)]
pub struct Output {
    pub lines: VecDeque<OutputLine>,
    /// How many earlier lines are not shown.
    pub left_out: usize,
    /// Whether reading stopped before the newest line.
    pub is_cut: bool,
    /// Where a stream goes on after what was read.
    pub last_id: Option<String>,
    /// Whether the stream came to its end: nothing follows.
    pub is_whole: bool,
}

impl Output {
    /// Adds a line at the end.
    pub fn push(&mut self, text: &str) {
        if self.lines.len() == LINES_SHOWN {
            self.lines.pop_front();
            self.left_out += 1;
        }
        self.lines.push_back(OutputLine::new(text));
    }
}

/// What is there to be read now, from the stream that a deployment's followers get. It begins with
/// the first line, so that it holds what older pages of the app's log have forgotten.
///
/// # Errors
/// What the API says against it.
pub async fn read(client: &Client, id: &DeploymentId) -> Result<Output, ClientError> {
    collect(client.follow_deployment(id, None), WAITS).await
}

async fn collect(
    mut updates: Updates<DeploymentUpdate>,
    waits: Waits,
) -> Result<Output, ClientError> {
    let mut output = Output::default();
    let began = Instant::now();
    let mut silence = waits.first_word;
    while let Ok(Some(update)) = timeout(silence, updates.next()).await {
        let (id, update) = update?;
        output.last_id = id.or(output.last_id);
        match update {
            DeploymentUpdate::Line { text } => output.push(&text),
            DeploymentUpdate::Moved { .. } => {}
            DeploymentUpdate::Done { .. } => output.is_whole = true,
        }
        if began.elapsed() > waits.whole {
            output.is_cut = true;
            break;
        }
        silence = waits.silence;
    }
    Ok(output)
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    const SHORT: Waits = Waits {
        first_word: Duration::from_secs(10),
        silence: Duration::from_millis(20),
        whole: Duration::from_millis(50),
    };

    fn line(text: &str) -> (Option<String>, DeploymentUpdate) {
        (None, DeploymentUpdate::Line { text: text.to_owned() })
    }

    #[tokio::test]
    async fn a_page_does_not_wait_for_a_deployment_that_goes_on() {
        let endless =
            stream::iter([Ok(line("one")), Ok(line("two"))]).chain(stream::pending()).boxed();
        let output = collect(endless, SHORT).await.unwrap();
        let lines: Vec<&str> =
            output.lines.iter().map(|line| line.pieces[0].text.as_str()).collect();
        assert_eq!(lines, ["one", "two"]);
        assert!(!output.is_cut);
    }

    #[tokio::test]
    async fn a_deployment_that_never_falls_silent_is_cut() {
        let chatter = stream::unfold((), |()| async {
            tokio::task::yield_now().await;
            Some((Ok(line("again")), ()))
        });
        let output = collect(chatter.boxed(), SHORT).await.unwrap();
        assert!(output.is_cut);
    }

    #[test]
    fn only_the_newest_lines_are_kept() {
        let mut output = Output::default();
        for number in 0..LINES_SHOWN + 5 {
            output.push(&number.to_string());
        }
        assert_eq!(output.left_out, 5);
        assert_eq!(output.lines.front().map(|line| line.pieces[0].text.as_str()), Some("5"));
    }
}
