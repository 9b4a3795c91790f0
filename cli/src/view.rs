//! How output is drawn: with colour or without, for people or for programs.

use slipway_core::time::Timestamp;

use crate::escape;
use crate::time;

/// What the rendering functions need to know about where their text goes.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// Somebody looks at it.
    pub terminal: bool,
    pub colour: bool,
    /// Columns, when known.
    pub width: Option<usize>,
    pub now: Timestamp,
}

/// A meaning, shown as a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Strong,
    Quiet,
    Good,
    Busy,
    Doubtful,
    Bad,
}

impl Tone {
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Strong => Some("1"),
            Self::Quiet => Some("2"),
            Self::Good => Some("32"),
            Self::Busy => Some("36"),
            Self::Doubtful => Some("33"),
            Self::Bad => Some("31"),
        }
    }
}

impl View {
    /// The text in the tone's colour, when there are colours.
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        match tone.code() {
            Some(code) if self.colour && !text.is_empty() => format!("\x1b[{code}m{text}\x1b[0m"),
            _ => text.to_owned(),
        }
    }

    /// One line of somebody else's text, as a line of its own: exact for programs, harmless on a
    /// terminal.
    pub fn line(&self, text: &str) -> String {
        if self.terminal { escape::for_terminal(text, self.colour) } else { text.to_owned() }
    }

    /// When it was: a span for people, the time for programs.
    pub fn when(&self, at: Timestamp) -> String {
        if self.terminal { time::ago(self.now, at) } else { time::utc(at) }
    }

    /// When it will be: a span for people, the time for programs.
    pub fn until(&self, at: Timestamp) -> String {
        if self.terminal { time::until(self.now, at) } else { time::utc(at) }
    }
}

/// Somebody else's text as a part of ours: no control characters, no colours.
pub fn word(text: &str) -> String {
    escape::for_terminal(text, false)
}
