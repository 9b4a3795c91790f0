//! Server-sent events, decoded from bytes as they arrive.
//!
//! Follows the WHATWG rules for `text/event-stream`: three kinds of line ends, `data` lines joined
//! by a newline, comments skipped, and an `id` that stays until the next one.

use bytes::{Buf, BytesMut};

/// Longest event accepted; the server splits log lines at 16 KiB, so this is never met.
const MAX_EVENT_BYTES: usize = 4 * 1024 * 1024;

/// One event, or an id without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// The last id the stream named, which is where to resume.
    pub(crate) id: Option<String>,
    /// Nothing, when the stream only says that it has come as far as the id.
    pub(crate) data: Option<String>,
}

/// An event, or a line, beyond every bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Bytes in, events out.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    pending: BytesMut,
    /// Whether the last line ended in CR, so that a LF that follows belongs to it.
    after_cr: bool,
    /// The id of the last whole event: a cut-off event must come again.
    id: Option<String>,
    next_id: Option<String>,
    data: String,
    has_data: bool,
}

impl Decoder {
    /// A decoder of a stream that resumes after `id`.
    pub(crate) fn resuming(id: Option<String>) -> Self {
        Self { next_id: id.clone(), id, ..Self::default() }
    }

    /// The id after which the stream can be resumed.
    pub(crate) fn last_id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Takes the next bytes of the stream.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        self.pending.extend_from_slice(bytes);
        if self.pending.len() + self.data.len() > MAX_EVENT_BYTES { Err(TooLong) } else { Ok(()) }
    }

    /// The next whole event, if it has arrived.
    pub(crate) fn next(&mut self) -> Option<Message> {
        while let Some(line) = self.next_line() {
            if line.is_empty() {
                if let Some(message) = self.dispatch() {
                    return Some(message);
                }
            } else {
                self.field(&line);
            }
        }
        None
    }

    fn next_line(&mut self) -> Option<String> {
        if self.after_cr && self.pending.first() == Some(&b'\n') {
            self.pending.advance(1);
        }
        if !self.pending.is_empty() {
            self.after_cr = false;
        }
        let end = self.pending.iter().position(|byte| matches!(byte, b'\n' | b'\r'))?;
        let line = self.pending.split_to(end);
        self.after_cr = self.pending.first() == Some(&b'\r');
        self.pending.advance(1);
        Some(String::from_utf8_lossy(&line).into_owned())
    }

    fn field(&mut self, line: &str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "data" => {
                if self.has_data {
                    self.data.push('\n');
                }
                self.data.push_str(value);
                self.has_data = true;
            }
            "id" if !value.contains('\0') => self.next_id = Some(value.to_owned()),
            _ => {}
        }
    }

    fn dispatch(&mut self) -> Option<Message> {
        let has_moved = self.id != self.next_id;
        self.id.clone_from(&self.next_id);
        let has_data = std::mem::take(&mut self.has_data);
        let data = has_data.then(|| std::mem::take(&mut self.data));
        (has_data || has_moved).then(|| Message { id: self.id.clone(), data })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(chunks: &[&[u8]]) -> Vec<Message> {
        let mut decoder = Decoder::default();
        let mut messages = Vec::new();
        for chunk in chunks {
            decoder.push(chunk).unwrap();
            while let Some(message) = decoder.next() {
                messages.push(message);
            }
        }
        messages
    }

    fn message(id: Option<&str>, data: &str) -> Message {
        Message { id: id.map(str::to_owned), data: Some(data.to_owned()) }
    }

    #[test]
    fn an_id_without_data_moves_the_stream_on_once() {
        let position = Message { id: Some("2".to_owned()), data: None };
        let stream = b"id: 1\ndata: a\n\nid: 2\n\nid: 2\n\n: hi\n\n";
        assert_eq!(decode(&[stream]), [message(Some("1"), "a"), position]);
        let mut decoder = Decoder::default();
        decoder.push(stream).unwrap();
        while decoder.next().is_some() {}
        assert_eq!(decoder.last_id(), Some("2"));
    }

    #[test]
    fn every_kind_of_line_end_separates_events() {
        let stream = b"id: 1\ndata: a\n\nid: 2\r\ndata:b\r\n\r\ndata: c\r\r";
        let expected = [message(Some("1"), "a"), message(Some("2"), "b"), message(Some("2"), "c")];
        assert_eq!(decode(&[stream]), expected);
    }

    #[test]
    fn comments_and_unknown_fields_are_no_events() {
        assert_eq!(decode(&[b": keep-alive\n\nretry: 10\nevent: x\n\n"]), []);
        assert_eq!(decode(&[b"data\n\n"]), [message(None, "")]);
    }

    #[test]
    fn data_lines_are_joined_and_an_unfinished_event_waits() {
        assert_eq!(decode(&[b"data: a\ndata: b\n\ndata: c\n"]), [message(None, "a\nb")]);
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.push(&vec![b'x'; MAX_EVENT_BYTES + 1]), Err(TooLong));
    }

    proptest! {
        /// Where the network cuts the stream changes nothing.
        #[test]
        fn cuts_do_not_matter(cuts in proptest::collection::vec(0_usize..60, 0..8)) {
            let stream = "id: 7\r\ndata: one\r\ndata: zwei ü\r\n\r\n: hi\n\ndata: \r\rdata: x\n\n".as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
            prop_assert_eq!(decode(&chunks), decode(&[stream]));
        }
    }
}
