//! The terminal this program runs on, and what its standard input is.

use std::io::{self, IsTerminal};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, fstat};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use slipway_core::wire::attach::WindowSize;

/// The size of a terminal that does not know its own.
const ORDINARY: WindowSize = WindowSize { rows: 24, columns: 80 };

/// What can be read from standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Somebody types.
    Terminal,
    /// A pipe or a file with something in it, or to come.
    Piped,
    /// Nothing: it is closed, empty, or a device such as `/dev/null`.
    Nothing,
}

/// Looks at what standard input is, without reading it.
pub fn standard_input() -> Source {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Source::Terminal;
    }
    let Ok(found) = fstat(&stdin) else { return Source::Nothing };
    let kind = FileType::from_raw_mode(found.st_mode);
    let is_file = kind == FileType::RegularFile && found.st_size > 0;
    let is_pipe = matches!(kind, FileType::Fifo | FileType::Socket) && !has_ended(&stdin);
    let piped = is_file || is_pipe;
    if piped { Source::Piped } else { Source::Nothing }
}

/// Whether the other end is closed and left nothing to read.
fn has_ended(stdin: &io::Stdin) -> bool {
    let mut looked = [PollFd::new(stdin, PollFlags::IN)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    let answered = poll(&mut looked, Some(&at_once)).is_ok();
    let found = looked[0].revents();
    answered && found.contains(PollFlags::HUP) && !found.contains(PollFlags::IN)
}

/// Whether standard output is a terminal, too.
pub fn shows_output() -> bool {
    io::stdout().is_terminal()
}

/// The size of the terminal.
pub fn window() -> WindowSize {
    let Ok(size) = tcgetwinsize(io::stdout()) else { return ORDINARY };
    if size.ws_row == 0 || size.ws_col == 0 {
        return ORDINARY;
    }
    WindowSize { rows: size.ws_row, columns: size.ws_col }
}

/// While it lives, keys go through as they are pressed: no echo, no lines, no signals. Dropping it
/// puts the terminal back as it was.
pub struct RawMode {
    before: Termios,
}

impl RawMode {
    /// # Errors
    /// When standard input is no terminal.
    pub fn enter() -> io::Result<Self> {
        let stdin = io::stdin();
        let before = tcgetattr(&stdin)?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(&stdin, OptionalActions::Drain, &raw)?;
        Ok(Self { before })
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        // Without a terminal any more there is none to put back.
        let _gone = tcsetattr(io::stdin(), OptionalActions::Drain, &self.before);
    }
}
