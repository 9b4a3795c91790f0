//! What travels while somebody is attached to a command.
//!
//! Each frame is one message: a byte that says its kind, then its content. Input is metered: at
//! most [`INPUT_WINDOW_BYTES`] of it may be under way, and [`ServerFrame::Taken`] says how much the
//! command's side took. So everybody between the two can always read on, and a peer that is gone
//! is noticed however slowly the command reads.

use serde::{Deserialize, Serialize};

/// Most bytes of input or output in one frame.
pub const MAX_CHUNK_BYTES: usize = 32 * 1024;
/// Most bytes of a whole frame.
pub const MAX_FRAME_BYTES: usize = MAX_CHUNK_BYTES + 1;
/// Most bytes of input that were sent and not yet taken.
pub const INPUT_WINDOW_BYTES: usize = 256 * 1024;

const INPUT: u8 = 0;
const INPUT_END: u8 = 1;
const WINDOW: u8 = 2;
const OUTPUT: u8 = 10;
const ERROR_OUTPUT: u8 = 11;
const TAKEN: u8 = 12;
const EXITED: u8 = 13;
const FAILED: u8 = 14;

/// The size of a terminal in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct WindowSize {
    pub rows: u16,
    pub columns: u16,
}

/// The terminal that a command is to have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Terminal {
    /// Its kind, as in `TERM`: at most 64 letters, digits, `-`, `+`, `.` and `_`.
    pub kind: String,
    pub window: WindowSize,
}

/// How somebody will attach to a command.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Attach {
    /// With a terminal; without one, the input and both outputs are plain streams.
    #[serde(default)]
    pub terminal: Option<Terminal>,
}

/// A message that is no frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a frame of kind {kind:?} and {bytes} bytes is not understood")]
pub struct MalformedFrame {
    kind: Option<u8>,
    bytes: usize,
}

/// What the attached person's side sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientFrame {
    /// Bytes for the command's standard input.
    Input(Vec<u8>),
    /// There will be no more input.
    InputEnd,
    /// The terminal has another size now.
    Window(WindowSize),
}

/// What the command's side sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerFrame {
    /// Bytes of the command's standard output, of everything with a terminal.
    Output(Vec<u8>),
    /// Bytes of its standard error.
    ErrorOutput(Vec<u8>),
    /// So many more bytes of input were taken.
    Taken(u32),
    /// It ended; the last frame.
    Exited { code: i64 },
    /// It could not be run, or not to its end; the last frame.
    Failed { message: String, hint: String },
}

/// The content of [`ServerFrame::Failed`].
#[derive(Serialize, Deserialize)]
struct Failure {
    message: String,
    hint: String,
}

impl ClientFrame {
    /// The message that carries it.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Input(bytes) => message(INPUT, bytes),
            Self::InputEnd => message(INPUT_END, &[]),
            Self::Window(WindowSize { rows, columns }) => {
                message(WINDOW, &[rows.to_be_bytes(), columns.to_be_bytes()].concat())
            }
        }
    }

    /// # Errors
    /// When the message is empty, too long, or of no known kind.
    pub fn decode(message: &[u8]) -> Result<Self, MalformedFrame> {
        let (kind, content) = split(message)?;
        match (kind, content) {
            (INPUT, bytes) => Ok(Self::Input(bytes.to_vec())),
            (INPUT_END, []) => Ok(Self::InputEnd),
            (WINDOW, &[r, rows, c, columns]) => Ok(Self::Window(WindowSize {
                rows: u16::from_be_bytes([r, rows]),
                columns: u16::from_be_bytes([c, columns]),
            })),
            _ => Err(malformed(message)),
        }
    }
}

impl ServerFrame {
    /// The message that carries it. The text of a failure is cut to fit.
    ///
    /// # Panics
    /// Never: two texts are valid JSON.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Output(bytes) => message(OUTPUT, bytes),
            Self::ErrorOutput(bytes) => message(ERROR_OUTPUT, bytes),
            Self::Taken(bytes) => message(TAKEN, &bytes.to_be_bytes()),
            Self::Exited { code } => message(EXITED, &code.to_be_bytes()),
            Self::Failed { message: text, hint } => {
                let cut = |text: &str| text.chars().take(1_000).collect();
                let failure = Failure { message: cut(text), hint: cut(hint) };
                message(FAILED, &serde_json::to_vec(&failure).expect("two texts are valid JSON"))
            }
        }
    }

    /// # Errors
    /// When the message is empty, too long, or of no known kind.
    pub fn decode(message: &[u8]) -> Result<Self, MalformedFrame> {
        let (kind, content) = split(message)?;
        let number = || malformed(message);
        match kind {
            OUTPUT => Ok(Self::Output(content.to_vec())),
            ERROR_OUTPUT => Ok(Self::ErrorOutput(content.to_vec())),
            TAKEN => {
                let bytes = content.try_into().map_err(|_| number())?;
                Ok(Self::Taken(u32::from_be_bytes(bytes)))
            }
            EXITED => {
                let bytes = content.try_into().map_err(|_| number())?;
                Ok(Self::Exited { code: i64::from_be_bytes(bytes) })
            }
            FAILED => {
                let Failure { message, hint } =
                    serde_json::from_slice(content).map_err(|_| number())?;
                Ok(Self::Failed { message, hint })
            }
            _ => Err(malformed(message)),
        }
    }

    /// Whether nothing comes after it.
    pub fn is_last(&self) -> bool {
        matches!(self, Self::Exited { .. } | Self::Failed { .. })
    }
}

fn message(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(content.len() + 1);
    message.push(kind);
    message.extend_from_slice(content);
    message
}

fn split(message: &[u8]) -> Result<(u8, &[u8]), MalformedFrame> {
    match message.split_first() {
        Some((kind, content)) if content.len() <= MAX_CHUNK_BYTES => Ok((*kind, content)),
        _ => Err(malformed(message)),
    }
}

fn malformed(message: &[u8]) -> MalformedFrame {
    MalformedFrame { kind: message.first().copied(), bytes: message.len() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn client() -> impl Strategy<Value = ClientFrame> {
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200).prop_map(ClientFrame::Input),
            Just(ClientFrame::InputEnd),
            (any::<u16>(), any::<u16>())
                .prop_map(|(rows, columns)| ClientFrame::Window(WindowSize { rows, columns })),
        ]
    }

    fn server() -> impl Strategy<Value = ServerFrame> {
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200).prop_map(ServerFrame::Output),
            prop::collection::vec(any::<u8>(), 0..200).prop_map(ServerFrame::ErrorOutput),
            any::<u32>().prop_map(ServerFrame::Taken),
            any::<i64>().prop_map(|code| ServerFrame::Exited { code }),
            (".{0,50}", ".{0,50}")
                .prop_map(|(message, hint)| ServerFrame::Failed { message, hint }),
        ]
    }

    proptest! {
        #[test]
        fn a_frame_arrives_as_it_was_sent(up in client(), down in server()) {
            prop_assert_eq!(ClientFrame::decode(&up.encode()).unwrap(), up);
            prop_assert_eq!(ServerFrame::decode(&down.encode()).unwrap(), down);
        }

        #[test]
        fn any_bytes_are_a_frame_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(frame) = ClientFrame::decode(&bytes) {
                prop_assert_eq!(frame.encode(), bytes.clone());
            }
            drop(ServerFrame::decode(&bytes));
        }
    }

    #[test]
    fn what_is_too_long_or_of_the_other_direction_is_refused() {
        let longest = ClientFrame::Input(vec![7; MAX_CHUNK_BYTES]);
        assert_eq!(longest.encode().len(), MAX_FRAME_BYTES);
        assert_eq!(ClientFrame::decode(&longest.encode()), Ok(longest));
        assert!(ClientFrame::decode(&vec![INPUT; MAX_FRAME_BYTES + 1]).is_err());
        assert!(ClientFrame::decode(&ServerFrame::Taken(1).encode()).is_err());
        assert!(ServerFrame::decode(&ClientFrame::InputEnd.encode()).is_err());
        assert!(ClientFrame::decode(&[]).is_err());
    }

    #[test]
    fn a_long_reason_still_fits_into_a_frame() {
        let failed = ServerFrame::Failed { message: "\u{1}".repeat(50_000), hint: "ü".repeat(9) };
        assert!(failed.encode().len() <= MAX_FRAME_BYTES);
    }
}
