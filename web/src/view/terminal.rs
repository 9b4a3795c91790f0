//! Terminal output as text: what a terminal would obey is taken out, what it would show
//! stays.

use serde::Serialize;

use crate::view::sgr::{Segment, segments};

/// A line of a deployment's output, in the push grammar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutputLine {
    pub kind: LineKind,
    pub pieces: Vec<Segment>,
}

/// What a line is in the push grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// `-----> `
    Step,
    /// `=====> `
    Conclusion,
    /// ` !     `
    Warning,
    Detail,
}

impl OutputLine {
    pub fn new(written: &str) -> Self {
        let text = plain(written);
        let kind = if text.starts_with("-----> ") {
            LineKind::Step
        } else if text.starts_with("=====> ") {
            LineKind::Conclusion
        } else if text.starts_with(" !     ") {
            LineKind::Warning
        } else {
            LineKind::Detail
        };
        Self { kind, pieces: segments(written) }
    }
}

const ESCAPE: char = '\u{1b}';

/// A part of a terminal's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<'a> {
    /// What it shows.
    Text(&'a str),
    /// The parameters of a change of style.
    Sgr(&'a str),
}

/// The text without control sequences (ECMA-48 CSI and OSC) and control characters but tab.
pub fn plain(text: &str) -> String {
    let shown = |token| match token {
        Token::Text(text) => text,
        Token::Sgr(_) => "",
    };
    tokens(text).into_iter().map(shown).collect()
}

/// What a terminal would show, and its changes of style; nothing else that it would obey.
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(is_obeyed) {
        if at > 0 {
            tokens.push(Token::Text(&rest[..at]));
        }
        let obeyed = &rest[at..];
        rest = match obeyed.strip_prefix(ESCAPE) {
            Some(sequence) => {
                let (parameters, rest) = escape(sequence);
                tokens.extend(parameters.map(Token::Sgr));
                rest
            }
            None => &obeyed[obeyed.chars().next().map_or(0, char::len_utf8)..],
        };
    }
    if !rest.is_empty() {
        tokens.push(Token::Text(rest));
    }
    tokens
}

fn is_obeyed(character: char) -> bool {
    character != '\t' && character.is_control()
}

/// What follows an escape: the parameters when it is `SGR`, and what comes after it.
fn escape(sequence: &str) -> (Option<&str>, &str) {
    let mut characters = sequence.chars();
    match characters.next() {
        // Parameters, then one final byte from `@` to `~`.
        Some('[') => {
            let body = characters.as_str();
            match body.find(|c| ('@'..='~').contains(&c)) {
                Some(end) if body[end..].starts_with('m') => (Some(&body[..end]), &body[end + 1..]),
                Some(end) => (None, &body[end + 1..]),
                None => (None, ""),
            }
        }
        // Anything, up to BEL or ESC \.
        Some(']') => {
            let body = characters.as_str();
            match body.find(['\u{7}', ESCAPE]) {
                Some(end) => {
                    let after = &body[end + 1..];
                    let is_long = body[end..].starts_with(ESCAPE);
                    let after =
                        if is_long { after.strip_prefix('\\').unwrap_or(after) } else { after };
                    (None, after)
                }
                None => (None, ""),
            }
        }
        Some(_) | None => (None, characters.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_taken_out() {
        for (written, shown) in [
            ("\u{1b}[1;32mok\u{1b}[0m", "ok"),
            ("\u{1b}]0;title\u{7}text", "text"),
            ("\u{1b}]8;;https://evil.example\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("50 %\r100 %\u{8}", "50 %100 %"),
            ("a\tb\0c", "a\tbc"),
            ("cut \u{1b}[3", "cut "),
            ("cut \u{1b}", "cut "),
            ("größe 😀", "größe 😀"),
        ] {
            assert_eq!(plain(written), shown);
        }
    }

    #[test]
    fn the_push_grammar_is_understood() {
        use LineKind::{Conclusion, Detail, Step, Warning};
        let kinds = ["-----> a", "=====> a", " !     a", "       a", "---->a"]
            .map(|line| OutputLine::new(line).kind);
        assert_eq!(kinds, [Step, Conclusion, Warning, Detail, Detail]);
    }
}
