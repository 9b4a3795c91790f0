//! Terminal output as plain text: what a terminal would obey is taken out, what it would show
//! stays.

use serde::Serialize;

/// A line of a deployment's output, in the push grammar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutputLine {
    pub kind: LineKind,
    pub text: String,
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
    pub fn new(text: &str) -> Self {
        let text = plain(text);
        let kind = if text.starts_with("-----> ") {
            LineKind::Step
        } else if text.starts_with("=====> ") {
            LineKind::Conclusion
        } else if text.starts_with(" !     ") {
            LineKind::Warning
        } else {
            LineKind::Detail
        };
        Self { kind, text }
    }
}

const ESCAPE: char = '\u{1b}';

/// The text without control sequences (ECMA-48 CSI and OSC) and control characters but tab.
pub fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        if character == ESCAPE {
            match rest.next() {
                // Parameters, then one final byte from `@` to `~`.
                Some('[') => while rest.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
                // Anything, up to BEL or ESC \.
                Some(']') => {
                    while rest.next_if(|c| !matches!(*c, '\u{7}' | ESCAPE)).is_some() {}
                    if rest.next() == Some(ESCAPE) {
                        rest.next_if_eq(&'\\');
                    }
                }
                Some(_) | None => {}
            }
        } else if character == '\t' || !character.is_control() {
            shown.push(character);
        }
    }
    shown
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
