//! Messages as pages write them: a capital, a period, and what stands in backticks set as code.

use serde::Serialize;

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Piece {
    pub text: String,
    pub is_code: bool,
}

/// A message or hint, which is lower case and has no period, as a sentence.
pub fn sentence(message: &str) -> Vec<Piece> {
    let mut text = message.trim_end().to_owned();
    if !text.ends_with(['.', '!', '?', '…']) {
        text.push('.');
    }
    let mut pieces: Vec<Piece> = text
        .split('`')
        .enumerate()
        .map(|(index, text)| Piece { text: text.to_owned(), is_code: index % 2 == 1 })
        .filter(|piece| !piece.text.is_empty())
        .collect();
    if let Some(first) = pieces.first_mut().filter(|piece| !piece.is_code) {
        first.text = capitalised(&first.text);
    }
    pieces
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => format!("{}{}", first.to_uppercase(), characters.as_str()),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(message: &str) -> String {
        let mark =
            |piece: Piece| if piece.is_code { format!("<{}>", piece.text) } else { piece.text };
        sentence(message).into_iter().map(mark).collect()
    }

    #[test]
    fn messages_become_sentences() {
        for (message, written) in [
            ("exited with 1", "Exited with 1."),
            ("run `slipway logs` for its lines", "Run <slipway logs> for its lines."),
            ("`web` ended", "<web> ended."),
            ("set `PORT`", "Set <PORT>."),
            ("who knows?", "Who knows?"),
            ("an odd ` backtick", "An odd < backtick.>"),
            ("", "."),
        ] {
            assert_eq!(marked(message), written);
        }
    }
}
