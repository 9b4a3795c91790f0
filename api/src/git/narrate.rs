//! Telling the pusher what happens, until the verdict.

use std::time::Duration;

use slipway_core::deployment::Deployment;
use tokio::time::{Instant, sleep};

use crate::error::ApiError;
use crate::git::hook_line::HookLine;
use crate::git::plan::{detail, warning};
use crate::live::deployment::{Follower, Step};

/// How long a push waits for a database that does not answer: its deployment goes on meanwhile.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_secs(1);

/// Repeats a deployment's lines to the pusher until it is live or has ended; whether it is live.
///
/// # Errors
/// When the deployment cannot be followed. It goes on all the same.
pub async fn narrate(mut follower: Follower, hook: &HookLine) -> Result<bool, ApiError> {
    let mut said = String::new();
    let mut heard = Instant::now();
    loop {
        let step = match follower.next().await {
            Err(error) if may_pass(&error) && heard.elapsed() < PATIENCE => {
                tracing::warn!(%error, "could not look at a pushed deployment");
                sleep(PAUSE).await;
                continue;
            }
            step => step?,
        };
        heard = Instant::now();
        match step {
            Step::Line { text, .. } => {
                hook.say(plain(&text)).await;
                said.push_str(&text);
                said.push('\n');
                keep_the_end(&mut said);
            }
            Step::Moved(_) => {}
            Step::Done(deployment) => {
                for line in missing_cause(&deployment, &said) {
                    hook.say(line).await;
                }
                return Ok(deployment.state.is_live());
            }
        }
    }
}

/// Whether an outage of ours is in the way, and not the deployment's end.
fn may_pass(error: &ApiError) -> bool {
    matches!(error, ApiError::Busy { .. } | ApiError::Internal(_))
}

/// The cause of a failure, when no line has named it: a deployment that was superseded or canceled
/// while it waited has written none.
fn missing_cause(deployment: &Deployment, said: &str) -> Vec<String> {
    match deployment.state.reason() {
        Some(reason) if !deployment.state.is_live() && !said.contains(&reason.message) => {
            let hint = detail(&format!("hint: {}", reason.code.hint()));
            vec![warning(&plain(&reason.message)), hint]
        }
        _ => Vec::new(),
    }
}

/// Only the last lines can hold the cause.
fn keep_the_end(said: &mut String) {
    const KEPT: usize = 16 * 1024;
    if said.len() > 2 * KEPT {
        let mut cut = said.len() - KEPT;
        while !said.is_char_boundary(cut) {
            cut += 1;
        }
        said.drain(..cut);
    }
}

/// Text for somebody's terminal: git passes on what it gets, so escape sequences and other control
/// characters of a build's output end here.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' => skip_sequence(&mut characters),
            '\t' => out.push(character),
            _ if character.is_control() => {}
            _ => out.push(character),
        }
    }
    out
}

/// Skips what belongs to an escape: `[`, its parameters and its final letter.
fn skip_sequence(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    if characters.next_if_eq(&'[').is_none() {
        return;
    }
    while characters.next_if(|c| matches!(c, '\u{20}'..='\u{3f}')).is_some() {}
    characters.next_if(|c| matches!(c, '\u{40}'..='\u{7e}'));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_builds_output_cannot_steer_the_pushers_terminal() {
        assert_eq!(plain("\u{1b}[1;31mred\u{1b}[0m\tok"), "red\tok");
        assert_eq!(plain("a\u{1b}]0;title\u{7}b\r\u{8}\0\u{9b}2J"), "a]0;titleb2J");
        assert_eq!(plain("=====> shop v42 is live ✓"), "=====> shop v42 is live ✓");
    }

    #[test]
    fn the_end_of_what_was_said_is_kept() {
        let mut said = "é".repeat(40_000);
        said.push_str("the cause");
        keep_the_end(&mut said);
        assert!(said.len() < 20_000 && said.ends_with("the cause"));
    }
}
