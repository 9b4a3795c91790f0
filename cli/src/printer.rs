//! Standard output and standard error.

use std::io::{self, ErrorKind, IsTerminal, Stderr, Stdout, Write};
use std::process::ExitCode;

use serde::Serialize;

use crate::config::Environment;
use crate::failure::Failure;
use crate::progress::Spinner;
use crate::time;
use crate::view::{Tone, View, word};

/// Where the output of a command goes.
#[derive(Debug)]
pub struct Printer {
    /// How standard output is drawn.
    pub view: View,
    /// How standard error is drawn.
    errors: View,
    /// Whether results are printed as JSON.
    pub json: bool,
    /// Whether somebody is there to answer a question.
    pub interactive: bool,
    stdout: Stdout,
    stderr: Stderr,
}

impl Printer {
    /// Looks at what the standard streams are.
    pub fn new(environment: &Environment, json: bool) -> Self {
        let now = time::now();
        let view = |terminal: bool| View {
            terminal,
            colour: terminal && !environment.no_colour,
            width: None,
            now,
        };
        let (stdout, stderr) = (io::stdout(), io::stderr());
        let width = rustix::termios::tcgetwinsize(&stdout)
            .ok()
            .map(|size| usize::from(size.ws_col))
            .filter(|columns| *columns > 0);
        Self {
            view: View { width, ..view(stdout.is_terminal()) },
            errors: view(stderr.is_terminal()),
            json,
            interactive: io::stdin().is_terminal() && stderr.is_terminal(),
            stdout,
            stderr,
        }
    }

    /// Prints a result: the value as JSON, or its rendering for people.
    pub fn show<T: Serialize>(
        &self,
        value: &T,
        render: impl FnOnce(&View) -> String,
    ) -> Result<(), Failure> {
        if self.json { self.json(value) } else { self.write(&render(&self.view)) }
    }

    /// Prints an item of a stream: one line of JSON, or its rendering for people.
    pub fn item<T: Serialize>(
        &self,
        value: &T,
        render: impl FnOnce(&View) -> String,
    ) -> Result<(), Failure> {
        if self.json {
            let text = serde_json::to_string(value).map_err(|error| unprintable(&error))?;
            self.write(&format!("{text}\n"))
        } else {
            self.write(&render(&self.view))
        }
    }

    fn json<T: Serialize>(&self, value: &T) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value).map_err(|error| unprintable(&error))?;
        self.write(&format!("{text}\n"))
    }

    /// Says something about what was done; programs that read JSON are not told.
    pub fn say(&self, text: &str) -> Result<(), Failure> {
        if self.json { Ok(()) } else { self.write(&format!("{text}\n")) }
    }

    /// Writes exactly this to standard output.
    pub fn write(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = self.stdout.lock();
        let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
        written.map_err(|error| {
            if error.kind() == ErrorKind::BrokenPipe {
                // `slipway logs | head` has seen enough.
                Failure::silent(0)
            } else {
                Failure::new(format!("cannot write to standard output: {error}"))
            }
        })
    }

    /// A remark beside the output, on standard error.
    pub fn note(&self, text: &str) {
        // Nobody is left to tell when standard error is gone.
        let _ = writeln!(self.stderr.lock(), "{text}");
    }

    /// A remark about something doubtful.
    pub fn warn(&self, text: &str) {
        self.note(&format!("{} {text}", self.errors.paint(Tone::Doubtful, "warning:")));
    }

    /// What to do next, on standard error.
    pub fn hint(&self, text: &str) {
        self.note(&format!("{} {}", self.errors.paint(Tone::Busy, "hint:"), word(text)));
    }

    /// A sign of life with an elapsed time, when somebody looks.
    pub fn spinner(&self) -> Spinner {
        Spinner::new(self.errors.terminal && self.view.terminal && !self.json)
    }

    /// Whether progress is drawn on standard error.
    pub fn draws_progress(&self) -> bool {
        self.errors.terminal && !self.json
    }

    /// Reports the failure and gives its exit code.
    pub fn fail(&self, failure: &Failure) -> ExitCode {
        if !failure.message().is_empty() {
            let message = word(failure.message());
            self.note(&format!("{} {message}", self.errors.paint(Tone::Bad, "error:")));
        }
        if let Some(hint) = failure.hint_text() {
            self.hint(hint);
        }
        ExitCode::from(failure.code())
    }
}

fn unprintable(error: &serde_json::Error) -> Failure {
    Failure::new(format!("cannot write the result as JSON: {error}"))
}
