//! What the documents say about the programs: the pages that the code writes, and the commands
//! that people are told to type.
//!
//! The crates of the programs ask these questions in tests of their own: only they know what can
//! be typed.

use std::path::PathBuf;
use std::{env, fs};

use crate::program::of_this_crate;

/// Set it, and the pages that the code writes are written anew: `make docs` does.
const WRITE: &str = "SLIPWAY_WRITE_DOCS";
/// Where a shell's command ends.
const ENDS: [&str; 10] = ["|", "||", "&&", "&", ";", ">", "<", ">>", "#", "2>&1"];

/// A line of a document that calls a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The file and the line, for a message.
    pub place: String,
    /// As a shell would split them, the program's name first.
    pub words: Vec<String>,
    /// Whether it stands in a sentence, where a command may be named without its arguments.
    pub is_mention: bool,
}

/// Compares a page of `docs/reference` with what the code says; writes it when told to.
///
/// # Panics
/// When they differ, with the line and what to do, or the page cannot be written.
pub fn is_up_to_date(page: &str, text: &str) {
    let path = root().join("docs/reference").join(page);
    if env::var_os(WRITE).is_some() {
        fs::write(&path, text).expect("the page can be written");
        return;
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let lines = committed.lines().zip(text.lines()).take_while(|(old, new)| old == new);
    let line = lines.count() + 1;
    assert!(
        committed == text,
        "docs/reference/{page} is not what the code says, from line {line} on\n\
         hint: run `make docs`, and commit what it wrote"
    );
}

/// Every call of this program in the README and in `docs/`, the pages that the code writes aside.
///
/// # Panics
/// When a document cannot be read.
pub fn calls_of(program: &str) -> Vec<Call> {
    let mut calls = Vec::new();
    for path in written() {
        let text = fs::read_to_string(&path).expect("a document can be read");
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let mut in_block = false;
        for (number, line) in whole_lines(&text) {
            if line.starts_with("```") {
                in_block = !in_block;
                continue;
            }
            let lines = if in_block { vec![line.as_str()] } else { spans(&line) };
            for line in lines.into_iter().flat_map(|line| commands(line, program)) {
                let place = format!("{name}:{number}");
                calls.push(Call { place, words: words(line), is_mention: !in_block });
            }
        }
    }
    calls
}

/// The lines with their numbers; one that ends in a backslash goes on with the next.
fn whole_lines(text: &str) -> Vec<(usize, String)> {
    let mut whole: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for (index, line) in text.lines().enumerate() {
        let (line, ends) = line.strip_suffix('\\').map_or((line, true), |line| (line, false));
        match whole.last_mut().filter(|_| goes_on) {
            Some((_, before)) => before.push_str(line.trim_start_matches("> ").trim_start()),
            None => whole.push((index + 1, line.to_owned())),
        }
        goes_on = !ends;
    }
    whole
}

/// The README and the pages that people write.
fn written() -> Vec<PathBuf> {
    let docs = fs::read_dir(root().join("docs")).expect("there are documents");
    let pages = docs.map(|entry| entry.expect("there are documents").path());
    let mut pages: Vec<PathBuf> =
        pages.filter(|path| path.extension().is_some_and(|end| end == "md")).collect();
    pages.push(root().join("README.md"));
    pages.sort();
    pages
}

fn root() -> PathBuf {
    of_this_crate("..")
}

/// What stands between backquotes.
fn spans(line: &str) -> Vec<&str> {
    line.split('`').skip(1).step_by(2).collect()
}

/// The parts of a line that begin with the program, where a shell looks for one.
fn commands<'a>(line: &'a str, program: &str) -> Vec<&'a str> {
    let line = line.trim_start().trim_start_matches("$ ").trim_start();
    let begins = |at: usize| {
        let before = line[..at].trim_end();
        before.is_empty() || before.ends_with(['|', ';', '&', '(', '='])
    };
    let call = format!("{program} ");
    let found = line.match_indices(&call).filter(|(at, _)| begins(*at));
    found.map(|(at, _)| within(line, at)).collect()
}

/// A command up to the end of the `$(…)` that it stands in, if it does.
fn within(line: &str, at: usize) -> &str {
    let rest = &line[at..];
    if line[..at].ends_with("$(") { rest.split(')').next().unwrap_or(rest) } else { rest }
}

/// The words of a command as a shell would split it. A lone `…` stands for what is left out.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in command.chars() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if c == open => quote = None,
            (None, ' ') => words.push(String::new()),
            _ => words.last_mut().expect("there is always one").push(c),
        }
    }
    let words = words.into_iter().take_while(|word| !ENDS.contains(&word.as_str()));
    words.filter(|word| !word.is_empty() && word != "…").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> Vec<String> {
        commands(line, "slipway").into_iter().map(|found| words(found).join(" ")).collect()
    }

    #[test]
    fn a_line_goes_on_behind_a_backslash() {
        let lines = whole_lines("a \\\n  b \\\n> c\nd\n");
        assert_eq!(lines, [(1, "a b c".to_owned()), (4, "d".to_owned())]);
    }

    #[test]
    fn commands_are_found_where_a_shell_would_run_them() {
        for (line, expected) in [
            ("$ slipway logs -f | grep x", &["slipway logs -f"][..]),
            ("slipway ps   # who runs", &["slipway ps"]),
            (
                "$ token=$(slipway tokens create ci) && slipway apps",
                &["slipway tokens create ci", "slipway apps"],
            ),
            ("$ git push slipway main", &[]),
            ("$ slipway run 'a b' < file", &["slipway run a b"]),
            ("slipway drains add …", &["slipway drains add"]),
            ("slipwayd run", &[]),
        ] {
            assert_eq!(found(line), expected, "{line}");
        }
    }
}
