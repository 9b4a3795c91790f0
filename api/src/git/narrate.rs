//! Telling the pusher what happens, until the verdict.

use slipway_core::deployment::Deployment;

use crate::error::ApiError;
use crate::git::hook_line::HookLine;
use crate::git::plan::{detail, warning};
use crate::live::deployment::{Follower, Step};

/// Repeats a deployment's lines to the pusher until it is live or has ended; whether it is live.
///
/// # Errors
/// When the deployment cannot be followed. It goes on all the same.
pub async fn narrate(mut follower: Follower, hook: &HookLine) -> Result<bool, ApiError> {
    let mut said = String::new();
    loop {
        match follower.next().await? {
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
