//! Configuration as a `.env` file says it.
//!
//! `KEY=value`, one a line; empty lines and those that begin with `#` say nothing, a leading
//! `export` is read over. A value in `"…"` may span lines and knows `\n`, `\t`, `\"`, `\\` and
//! `\$`; one in `'…'` may span lines and knows nothing. A bare value is everything behind the `=`,
//! without the spaces around it: `#` and quotes inside of it are part of it.

use std::collections::BTreeMap;

use slipway_core::name::ConfigKey;

/// What is wrong with a text, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDotenv {
    #[error("line {line} is not `KEY=value`")]
    NotAnAssignment { line: usize },
    #[error("line {line}: `{key}` is not a key: {rule}")]
    Key { line: usize, key: String, rule: String },
    #[error("line {line}: `{key}` is set twice")]
    Twice { line: usize, key: ConfigKey },
    #[error("line {line}: the quoted value of `{key}` does not end")]
    Open { line: usize, key: ConfigKey },
    #[error("line {line}: something follows the quoted value of `{key}`")]
    Trailing { line: usize, key: ConfigKey },
}

/// Reads a text. Line ends may be those of a browser's form.
///
/// # Errors
/// With the first line that is wrong.
pub fn parse(text: &str) -> Result<BTreeMap<ConfigKey, String>, InvalidDotenv> {
    let text = text.replace("\r\n", "\n");
    let mut values = BTreeMap::new();
    let mut rest = text.as_str();
    let mut line = 1;
    while !rest.is_empty() {
        let here = rest.split('\n').next().unwrap_or_default();
        let said = here.trim();
        if said.is_empty() || said.starts_with('#') {
            rest = after(rest, here.len());
            line += 1;
            continue;
        }
        let (name, _) = here.split_once('=').ok_or(InvalidDotenv::NotAnAssignment { line })?;
        let key = key(name, line)?;
        let (value, length) = value(&rest[name.len() + 1..], &key, line)?;
        let length = name.len() + 1 + length;
        if values.contains_key(&key) {
            return Err(InvalidDotenv::Twice { line, key });
        }
        line += rest[..length].matches('\n').count() + 1;
        rest = after(rest, length);
        values.insert(key, value);
    }
    Ok(values)
}

/// What follows a line of this length.
fn after(text: &str, length: usize) -> &str {
    text.get(length + 1..).unwrap_or_default()
}

fn key(name: &str, line: usize) -> Result<ConfigKey, InvalidDotenv> {
    let name = name.trim();
    let name = name.strip_prefix("export ").unwrap_or(name).trim();
    name.parse().map_err(|error: slipway_core::name::InvalidName| InvalidDotenv::Key {
        line,
        key: name.to_owned(),
        rule: error.rule.to_owned(),
    })
}

/// The value at the beginning of a text, and the length of what was read.
fn value(text: &str, key: &ConfigKey, line: usize) -> Result<(String, usize), InvalidDotenv> {
    let indent = text.len() - text.trim_start_matches([' ', '\t']).len();
    let quote = text[indent..].chars().next().filter(|first| matches!(first, '"' | '\''));
    let Some(quote) = quote else {
        let bare = text.split('\n').next().unwrap_or_default();
        return Ok((bare.trim().to_owned(), bare.len()));
    };
    let quoted = &text[indent + 1..];
    let (value, length) =
        unquote(quoted, quote).ok_or_else(|| InvalidDotenv::Open { line, key: key.clone() })?;
    let trailing = quoted[length..].split('\n').next().unwrap_or_default();
    if !trailing.trim().is_empty() {
        return Err(InvalidDotenv::Trailing { line, key: key.clone() });
    }
    Ok((value, indent + 1 + length + trailing.len()))
}

/// The text up to the closing quote, and the length of what was read with it.
fn unquote(text: &str, quote: char) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        if character == quote {
            return Some((value, at + 1));
        }
        if character != '\\' || quote == '\'' {
            value.push(character);
            continue;
        }
        match characters.next()?.1 {
            'n' => value.push('\n'),
            't' => value.push('\t'),
            'r' => value.push('\r'),
            plain @ ('"' | '\\' | '$') => value.push(plain),
            other => value.extend(['\\', other]),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, String> {
        let values = parse(text).map_err(|error| error.to_string())?;
        Ok(values.into_iter().map(|(key, value)| (key.to_string(), value)).collect())
    }

    fn one(text: &str) -> String {
        read(text).unwrap().pop().unwrap().1
    }

    #[test]
    fn values_arrive_as_they_were_meant() {
        for (text, value) in [
            ("A=b", "b"),
            ("A=", ""),
            ("export A = b ", "b"),
            ("A=postgres://u:p#w@h/d?x=y", "postgres://u:p#w@h/d?x=y"),
            ("A=it's \"so\"", "it's \"so\""),
            ("A=\"one\\ntwo \\\"three\\\" \\$x \\d\"", "one\ntwo \"three\" $x \\d"),
            ("A='one\\n\"$two\"'  ", "one\\n\"$two\""),
            ("A=\"-----BEGIN\r\nkey\r\n-----END\"\r\n", "-----BEGIN\nkey\n-----END"),
            ("A=größe 😀", "größe 😀"),
        ] {
            assert_eq!(one(text), value, "{text}");
        }
    }

    #[test]
    fn lines_are_apart_and_comments_say_nothing() {
        let text = "# first\nB='x\ny'\n\nA=1\n  # last";
        let expected = [("A", "1"), ("B", "x\ny")];
        assert_eq!(read(text).unwrap(), expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
        assert_eq!(read("").unwrap(), []);
    }

    #[test]
    fn a_mistake_is_named_with_its_line() {
        for (text, error) in [
            ("A=1\nnonsense", "line 2 is not `KEY=value`"),
            ("A='x\ny'\nA=2", "line 3: `A` is set twice"),
            ("\nA=\"x", "line 2: the quoted value of `A` does not end"),
            ("A=\"x\" y", "line 1: something follows the quoted value of `A`"),
        ] {
            assert_eq!(read(text).unwrap_err(), error);
        }
        assert!(read("1A=x").unwrap_err().starts_with("line 1: `1A` is not a key: "));
    }
}
