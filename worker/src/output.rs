//! From raw output to lines of text.

use slipway_core::log::MAX_LINE_BYTES;

/// Cuts a stream of bytes into lines: valid UTF-8, without line ends, split where too long.
#[derive(Debug, Default)]
pub struct Lines {
    pending: Vec<u8>,
}

impl Lines {
    /// Takes bytes in and returns the lines that are complete now.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            let mut text = text;
            while self.pending.len() + text.len() >= MAX_LINE_BYTES {
                let (head, rest) = text.split_at(MAX_LINE_BYTES - self.pending.len());
                self.pending.extend_from_slice(head);
                lines.push(self.take());
                text = rest;
            }
            self.pending.extend_from_slice(text);
            if ends {
                lines.push(self.take());
            }
        }
        lines
    }

    /// What is left when the stream has ended.
    pub fn finish(&mut self) -> Option<String> {
        (!self.pending.is_empty()).then(|| self.take())
    }

    fn take(&mut self) -> String {
        let bytes = std::mem::take(&mut self.pending);
        let text = String::from_utf8_lossy(&bytes);
        // A progress bar redraws its line with carriage returns: the last state is what counts.
        let text = text.trim_end_matches('\r');
        text.rsplit('\r').next().unwrap_or_default().replace('\0', "\u{fffd}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_wherever_the_chunks_fall() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(b"one\r\ntw"), ["one"]);
        assert_eq!(lines.push(b"o\n"), ["two"]);
        assert_eq!(lines.push(b"10%\r20%\r30%\nlast"), ["30%"]);
        assert_eq!(lines.finish().as_deref(), Some("last"));
        assert_eq!(lines.finish(), None);
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced_and_long_lines_split() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(b"a\xff\0b\n"), ["a\u{fffd}\u{fffd}b"]);
        let long = vec![b'x'; MAX_LINE_BYTES + 5];
        assert_eq!(lines.push(&long)[0].len(), MAX_LINE_BYTES);
        assert_eq!(lines.finish().unwrap().len(), 5);
    }
}
