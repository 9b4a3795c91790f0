//! Why something failed, below the line that says what did.

use slipway_core::reason::Reason;

use crate::view::{View, word};

/// The last lines that the failing process printed, and what to do about it.
pub fn last_words(view: &View, reason: &Reason, hint: &str) -> String {
    let lines = reason.last_lines.iter().map(|line| format!("  | {}", view.line(line)));
    let hint = format!("  hint: {}", word(hint));
    let mut text: Vec<String> = lines.chain([hint]).collect();
    text.push(String::new());
    text.join("\n")
}
