//! The colours of terminal output, as classes: of all that a terminal obeys (ECMA-48), only `SGR`
//! is understood, everything else is taken out.

use serde::Serialize;

use crate::view::terminal::{Token, tokens};

/// Text in one style.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Segment {
    pub text: String,
    /// Class names of the style sheet; `None` is plain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub style: Option<String>,
}

/// How text is drawn. Backgrounds are left out: not every pair could be read.
#[expect(clippy::struct_excessive_bools, reason = "a terminal has four switches, each its own")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Style {
    bold: bool,
    dim: bool,
    italic: bool,
    underlined: bool,
    colour: Option<&'static str>,
}

const COLOURS: [&str; 8] = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

impl Style {
    /// Obeys the parameters of one `SGR`: `1;32`.
    fn obey(&mut self, parameters: &str) {
        let mut codes = parameters.split([';', ':']).map(|code| code.parse::<usize>().unwrap_or(0));
        while let Some(code) = codes.next() {
            match code {
                0 => *self = Self::default(),
                1 => self.bold = true,
                2 => self.dim = true,
                3 => self.italic = true,
                4 => self.underlined = true,
                22 => (self.bold, self.dim) = (false, false),
                23 => self.italic = false,
                24 => self.underlined = false,
                30..=37 => self.colour = Some(COLOURS[code - 30]),
                90 => self.colour = Some("grey"),
                91..=97 => self.colour = Some(COLOURS[code - 90]),
                39 => self.colour = None,
                38 | 48 => skip_extended(&mut codes),
                _ => {}
            }
        }
    }

    fn classes(self) -> Option<String> {
        let flags = [
            (self.bold, "bold"),
            (self.dim, "dim"),
            (self.italic, "italic"),
            (self.underlined, "underlined"),
        ];
        let flags = flags.into_iter().filter(|(applies, _)| *applies).map(|(_, name)| name);
        let classes: Vec<String> =
            flags.chain(self.colour).map(|name| format!("sgr-{name}")).collect();
        (!classes.is_empty()).then(|| classes.join(" "))
    }
}

/// Colours beyond the sixteen fit no theme: `5;n` and `2;r;g;b` are read over.
fn skip_extended(codes: &mut impl Iterator<Item = usize>) {
    let more = match codes.next() {
        Some(5) => 1,
        Some(2) => 3,
        _ => 0,
    };
    for _ in 0..more {
        codes.next();
    }
}

/// The text with its colours.
pub fn segments(text: &str) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    let mut style = Style::default();
    for token in tokens(text) {
        match token {
            Token::Sgr(parameters) => style.obey(parameters),
            Token::Text(text) => {
                let style = style.classes();
                match segments.last_mut() {
                    Some(last) if last.style == style => last.text.push_str(text),
                    _ => segments.push(Segment { text: text.to_owned(), style }),
                }
            }
        }
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(text: &str) -> String {
        let mark = |segment: Segment| match segment.style {
            Some(style) => format!("<{style}>{}</>", segment.text),
            None => segment.text,
        };
        segments(text).into_iter().map(mark).collect()
    }

    #[test]
    fn colours_become_classes() {
        for (written, expected) in [
            ("plain", "plain"),
            ("\u{1b}[1;32mok\u{1b}[0m done", "<sgr-bold sgr-green>ok</> done"),
            ("\u{1b}[31mbad\u{1b}[39m", "<sgr-red>bad</>"),
            ("\u{1b}[90m12:00\u{1b}[m x", "<sgr-grey>12:00</> x"),
            ("\u{1b}[38;5;208morange\u{1b}[4m!", "orange<sgr-underlined>!</>"),
            ("\u{1b}[48;2;1;31;3mground", "ground"),
            ("\u{1b}[999999999999999999mhuge", "huge"),
        ] {
            assert_eq!(drawn(written), expected);
        }
    }

    #[test]
    fn nothing_else_is_obeyed() {
        assert_eq!(drawn("\u{1b}]8;;javascript:a\u{7}x\u{1b}[2J\u{1b}[1;\"><m\rb"), "xb");
        assert_eq!(drawn("<b>\u{1b}[31m</b>"), "<b><sgr-red></b></>");
    }
}
