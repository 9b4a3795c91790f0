//! What was measured, as a table.

use std::fmt::Write as _;
use std::io::{self, Write as _};

/// The lines measured so far.
#[derive(Debug, Default)]
pub struct Table {
    lines: Vec<Line>,
}

/// One line of it.
#[derive(Debug)]
pub struct Line {
    pub what: String,
    pub slipway: String,
    pub by_hand: String,
    pub ratio: Option<f64>,
    pub goal: String,
    pub is_met: bool,
}

impl Table {
    /// Adds a line, and shows it right away.
    pub fn add(&mut self, line: Line) {
        note(&format!("{}: {}, by hand {}", line.what, line.slipway, line.by_hand));
        self.lines.push(line);
    }

    /// Prints all lines.
    pub fn print(&self) {
        write_out(&self.render());
    }

    fn render(&self) -> String {
        let mut text = String::from(
            "\n| what | Slipway | by hand | ratio | goal | met |\n|---|---|---|---|---|---|\n",
        );
        for line in &self.lines {
            let Line { what, slipway, by_hand, ratio, goal, is_met } = line;
            let ratio = ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
            let met = if *is_met { "yes" } else { "no" };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "| {what} | {slipway} | {by_hand} | {ratio} | {goal} | {met} |");
        }
        text
    }
}

/// Progress, for whoever waits.
pub fn note(text: &str) {
    write_out(&format!("-----> {text}\n"));
}

fn write_out(text: &str) {
    // Nobody reads any more: nothing is left to tell.
    drop(io::stdout().write_all(text.as_bytes()));
}
