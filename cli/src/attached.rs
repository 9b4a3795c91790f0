//! Being attached to a command on the server: what is typed goes there, what it prints comes here.

use std::io::{self, ErrorKind, Read};
use std::thread;

use slipway_client::{Attachment, Hears, Says};
use slipway_core::wire::attach::{
    Attach, ClientFrame, INPUT_WINDOW_BYTES, MAX_CHUNK_BYTES, ServerFrame, Terminal,
};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use crate::failure::Failure;
use crate::terminal::{self, RawMode, Source};

/// The kind of a terminal that does not say.
const ORDINARY: &str = "xterm";
/// Chunks that are read ahead.
const AHEAD: usize = 2;

/// How this program is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manner {
    /// Standard input is passed on.
    pub input: bool,
    /// There is a terminal at both ends.
    pub terminal: bool,
}

impl Manner {
    /// A terminal where there is one to type and to look at, unless it is not wanted; else whatever
    /// is on standard input.
    pub fn of(source: Source, shows_output: bool, no_input: bool, no_terminal: bool) -> Self {
        let terminal = source == Source::Terminal && shows_output && !no_input && !no_terminal;
        Self { input: !no_input && source != Source::Nothing, terminal }
    }

    /// As the server is told. `kind` is the terminal's own, from `TERM`.
    pub fn request(self, kind: Option<&str>) -> Attach {
        let kind = kind.unwrap_or(ORDINARY).to_owned();
        Attach { terminal: self.terminal.then(|| Terminal { kind, window: terminal::window() }) }
    }
}

/// Passes everything on until the command ends; its exit code. The terminal is put back before
/// this returns, however it ends.
///
/// # Errors
/// When the command could not be run, the connection broke, or this program was told to end.
pub async fn converse(attachment: Attachment, manner: Manner) -> Result<i64, Failure> {
    let broken = |error: io::Error| Failure::new(format!("cannot use this terminal: {error}"));
    let mut terminated = signal(SignalKind::terminate()).map_err(broken)?;
    let mut hung_up = signal(SignalKind::hangup()).map_err(broken)?;
    let resized = signal(SignalKind::window_change()).map_err(broken)?;
    let _raw = manner.terminal.then(RawMode::enter).transpose().map_err(broken)?;
    let Attachment { says, hears } = attachment;
    let (fed_bytes, credits) = mpsc::unbounded_channel();
    let input = manner.input.then(read_ahead);
    tokio::select! {
        code = hear(hears, fed_bytes) => code,
        failure = speak(says, input, credits, manner.terminal.then_some(resized)) => Err(failure),
        _ = terminated.recv() => Err(Failure::silent(128 + 15)),
        _ = hung_up.recv() => Err(Failure::silent(128 + 1)),
    }
}

/// Reads standard input on a thread of its own: such a read cannot be called off, and must not keep
/// the program from ending.
fn read_ahead() -> mpsc::Receiver<Vec<u8>> {
    let (chunks, receiver) = mpsc::channel(AHEAD);
    thread::spawn(move || {
        let mut stdin = io::stdin().lock();
        let mut buffer = vec![0; MAX_CHUNK_BYTES];
        loop {
            match stdin.read(&mut buffer) {
                Ok(0) => return,
                Ok(read) => {
                    if chunks.blocking_send(buffer[..read].to_vec()).is_err() {
                        return;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    });
    receiver
}

/// Sends input, at most a window ahead of the command, and every new size. Returns only when the
/// connection is gone and the other direction has nothing more to say about it.
async fn speak(
    mut says: Says,
    mut input: Option<mpsc::Receiver<Vec<u8>>>,
    mut credits: mpsc::UnboundedReceiver<usize>,
    mut resized: Option<Signal>,
) -> Failure {
    let mut credit = INPUT_WINDOW_BYTES;
    let mut ended = false;
    loop {
        let frame = tokio::select! {
            chunk = next(&mut input), if !ended && credit >= MAX_CHUNK_BYTES => {
                ended = chunk.is_none();
                credit -= chunk.as_ref().map_or(0, Vec::len);
                chunk.map_or(ClientFrame::InputEnd, ClientFrame::Input)
            }
            Some(bytes) = credits.recv() => {
                credit += bytes;
                continue;
            }
            () = changed(&mut resized) => ClientFrame::Window(terminal::window()),
        };
        if says.say(&frame).await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// The next chunk; nothing at the end, or when nothing is passed on.
async fn next(input: &mut Option<mpsc::Receiver<Vec<u8>>>) -> Option<Vec<u8>> {
    input.as_mut()?.recv().await
}

async fn changed(resized: &mut Option<Signal>) {
    match resized {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Writes what the command prints until it has ended; its exit code.
async fn hear(mut hears: Hears, fed_bytes: mpsc::UnboundedSender<usize>) -> Result<i64, Failure> {
    let (mut stdout, mut stderr) = (tokio::io::stdout(), tokio::io::stderr());
    loop {
        match hears.next().await? {
            ServerFrame::Output(bytes) => write(&mut stdout, &bytes).await?,
            ServerFrame::ErrorOutput(bytes) => write(&mut stderr, &bytes).await?,
            ServerFrame::Taken(bytes) => {
                // Nobody is told when nothing more is sent.
                let _ended = fed_bytes.send(usize::try_from(bytes).unwrap_or(usize::MAX));
            }
            ServerFrame::Exited { code } => return Ok(code),
            ServerFrame::Failed { message, hint } if hint.is_empty() => {
                return Err(Failure::new(message));
            }
            ServerFrame::Failed { message, hint } => return Err(Failure::new(message).hint(hint)),
        }
    }
}

/// Writes bytes exactly: they are the person's own program's, and for their own terminal.
async fn write(to: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Result<(), Failure> {
    let written = async {
        to.write_all(bytes).await?;
        to.flush().await
    };
    written.await.map_err(|error| {
        if error.kind() == ErrorKind::BrokenPipe {
            // `slipway run … | head` has seen enough.
            Failure::silent(0)
        } else {
            Failure::new(format!("cannot write the command's output: {error}"))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_asked_for_where_somebody_types_and_looks() {
        let of = |source, shows, no_input, no_terminal| {
            let manner = Manner::of(source, shows, no_input, no_terminal);
            (manner.input, manner.terminal)
        };
        assert_eq!(of(Source::Terminal, true, false, false), (true, true));
        assert_eq!(of(Source::Terminal, false, false, false), (true, false));
        assert_eq!(of(Source::Terminal, true, false, true), (true, false));
        assert_eq!(of(Source::Terminal, true, true, false), (false, false));
        assert_eq!(of(Source::Piped, true, false, false), (true, false));
        assert_eq!(of(Source::Nothing, true, false, false), (false, false));
    }

    #[test]
    fn without_a_terminal_none_is_asked_for() {
        let streams = Manner { input: true, terminal: false };
        assert_eq!(streams.request(Some("xterm-kitty")), Attach::default());
        let terminal = Manner { input: true, terminal: true }.request(None).terminal.unwrap();
        assert_eq!(terminal.kind, ORDINARY);
    }
}
