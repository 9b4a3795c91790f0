//! The `pre-receive` hook itself: a small program that asks the API and repeats what it says.
//!
//! It is started by git inside the push, knows nothing, and decides nothing. Whatever it prints
//! reaches the pusher as `remote:` lines; its exit code is the verdict. Without an answer the
//! verdict is no.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::git::hook::{
    HookReply, HookRequest, MAX_LINE_BYTES, PATIENCE, PUSH, QUARANTINE, SOCKET,
};

/// Why the hook has no verdict to repeat.
#[derive(Debug, thiserror::Error)]
enum HookError {
    #[error("`{0}` is not set: this program is started by git, inside a push")]
    NotAPush(&'static str),
    #[error("the push moves too many refs at once")]
    TooManyRefs,
    #[error("the server restarted, or does not answer ({0})")]
    Gone(#[from] io::Error),
    #[error("the server said something that is not understood")]
    Protocol(#[from] serde_json::Error),
}

/// Runs the hook: asks with git's list of refs, writes lines to `output` as they come, and exits
/// with 0 when the refs may move and with 1 in every other case.
///
/// `environment` is the environment of this process, `updates` its standard input, and `output`
/// its standard error.
pub fn run(
    environment: &BTreeMap<String, String>,
    updates: impl Read,
    mut output: impl Write,
) -> ExitCode {
    match ask(environment, updates, &mut output) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // The pusher may be gone, and then nobody is there to be told.
            let _ = writeln!(output, " !     {error}");
            let _ =
                writeln!(output, "       a deployment that was accepted goes on: `slipway logs`");
            let _ =
                writeln!(output, "       hint: push again to be sure; deploying twice is harmless");
            ExitCode::FAILURE
        }
    }
}

fn ask(
    environment: &BTreeMap<String, String>,
    updates: impl Read,
    output: &mut impl Write,
) -> Result<bool, HookError> {
    let variable = |name: &'static str| environment.get(name).ok_or(HookError::NotAPush(name));
    let mut text = String::new();
    updates.take(MAX_LINE_BYTES / 2).read_to_string(&mut text)?;
    if !text.ends_with('\n') {
        return Err(HookError::TooManyRefs);
    }
    let request = HookRequest {
        push: variable(PUSH)?.clone(),
        quarantine: environment.get(QUARANTINE).map(PathBuf::from),
        updates: text,
    };
    let mut socket = UnixStream::connect(variable(SOCKET)?)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_vec(&request)?;
    line.push(b'\n');
    socket.write_all(&line)?;
    repeat(BufReader::new(socket), output)
}

fn repeat(mut socket: impl io::BufRead, output: &mut impl Write) -> Result<bool, HookError> {
    loop {
        let mut line = Vec::new();
        let read = socket.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        match serde_json::from_slice(&line)? {
            // Nobody may be reading any more; the verdict still counts.
            HookReply::Line { text } => drop(writeln!(output, "{text}")),
            HookReply::Alive => {}
            HookReply::Verdict { accepted } => return Ok(accepted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repeated(conversation: &str) -> (Option<bool>, String) {
        let mut output = Vec::new();
        let verdict = repeat(conversation.as_bytes(), &mut output).ok();
        (verdict, String::from_utf8(output).unwrap())
    }

    #[test]
    fn lines_are_repeated_until_the_verdict() {
        let conversation = concat!(
            r#"{"type":"line","text":"-----> Building"}"#,
            "\n",
            r#"{"type":"alive"}"#,
            "\n",
            r#"{"type":"verdict","accepted":true}"#,
            "\n",
        );
        assert_eq!(repeated(conversation), (Some(true), "-----> Building\n".to_owned()));
    }

    #[test]
    fn a_server_that_dies_is_a_rejection() {
        assert_eq!(repeated("").0, None);
        assert_eq!(repeated("{\"type\":\"alive\"}\n").0, None);
        assert_eq!(repeated("{\"type\":\"verd").0, None);
    }

    #[test]
    fn outside_of_a_push_it_says_what_it_is() {
        let mut output = Vec::new();
        let code = run(&BTreeMap::new(), &b"a b c\n"[..], &mut output);
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::FAILURE));
        assert!(String::from_utf8(output).unwrap().contains("started by git"));
    }
}
