//! Python's statements, as far as they are needed to tell settings from what is written around them.

/// The statements of a source text: one line each, however many they span, without comments.
/// Brackets and quotes that are never closed reach to the end.
pub fn statements(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut statement = String::new();
    let mut depth = 0_usize;
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let mut taken = next.len_utf8();
        match next {
            '"' | '\'' => taken = literal(rest, next),
            '#' => {
                rest = rest.find('\n').map_or("", |end| &rest[end..]);
                continue;
            }
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '\n' if depth == 0 && !statement.ends_with('\\') => {
                found.push(std::mem::take(&mut statement));
                rest = &rest[taken..];
                continue;
            }
            _ => {}
        }
        statement.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    found.push(statement);
    found.retain(|statement| !statement.trim().is_empty());
    found
}

/// The length of the text literal that begins here. Without three quotes it ends with its line.
fn literal(text: &str, quote: char) -> usize {
    let triple = quote.to_string().repeat(3);
    let delimiter = if text.starts_with(&triple) { triple.as_str() } else { &triple[..1] };
    let mut escaped = false;
    for (index, c) in text.char_indices().skip(delimiter.len()) {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if text[index..].starts_with(delimiter) {
            return index + delimiter.len();
        } else if c == '\n' && delimiter.len() == 1 {
            return index;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_spans_its_brackets_and_loses_its_comments() {
        let text = "# none\nA = {\n  'x#': 1,  # it's\n}\nB = \"it's\" # {\n\nC = '''\n#(\n'''\n";
        let expected = ["A = {\n  'x#': 1,  \n}", "B = \"it's\" ", "C = '''\n#(\n'''"];
        assert_eq!(statements(text), expected);
    }

    #[test]
    fn broken_sources_are_read_to_their_end() {
        assert_eq!(statements("A = 'open\nB = )\nC = ["), ["A = 'open", "B = )", "C = ["]);
        assert_eq!(statements("'''é\\"), ["'''é\\"]);
    }
}
