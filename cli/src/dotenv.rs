//! Files of `KEY=value` lines, as `.env` files have them.
//!
//! A value is plain up to the end of the line or a ` #` comment, `'exact'`, or `"with \n escapes"`;
//! quoted values may span lines. Nothing is expanded: a `$` is a `$`.

use std::iter::Peekable;
use std::str::Chars;

/// Why a file is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct DotenvError {
    pub line: usize,
    pub what: &'static str,
}

/// The keys and values in their order.
pub fn parse(text: &str) -> Result<Vec<(String, String)>, DotenvError> {
    let mut parser = Parser { rest: text.chars().peekable(), line: 1 };
    let mut pairs = Vec::new();
    while let Some(pair) = parser.pair()? {
        pairs.push(pair);
    }
    Ok(pairs)
}

struct Parser<'a> {
    rest: Peekable<Chars<'a>>,
    line: usize,
}

impl Parser<'_> {
    fn pair(&mut self) -> Result<Option<(String, String)>, DotenvError> {
        loop {
            self.skip_blanks();
            match self.rest.peek() {
                None => return Ok(None),
                Some('\n') => drop(self.next()),
                Some('#') => drop(self.plain_line()),
                Some(_) => break,
            }
        }
        let line = self.line;
        let mut key = String::new();
        loop {
            match self.rest.peek() {
                None | Some('\n') => {
                    return Err(DotenvError { line, what: "a line is `KEY=value`" });
                }
                Some('=') => break,
                Some(_) => key.extend(self.next()),
            }
        }
        self.next();
        let key = key.trim();
        let key = key.strip_prefix("export ").unwrap_or(key).trim().to_owned();
        Ok(Some((key, self.value()?)))
    }

    fn value(&mut self) -> Result<String, DotenvError> {
        self.skip_blanks();
        let value = match self.rest.peek() {
            Some(&quote @ ('\'' | '"')) => self.quoted(quote)?,
            _ => return Ok(without_comment(&self.plain_line())),
        };
        let line = self.line;
        let after = self.plain_line();
        let after = after.trim();
        if after.is_empty() || after.starts_with('#') {
            Ok(value)
        } else {
            Err(DotenvError { line, what: "nothing but a comment may follow the closing quote" })
        }
    }

    fn quoted(&mut self, quote: char) -> Result<String, DotenvError> {
        let open = DotenvError { line: self.line, what: "the quote is not closed" };
        self.next();
        let mut value = String::new();
        loop {
            match self.next().ok_or_else(|| open.clone())? {
                c if c == quote => return Ok(value),
                '\\' if quote == '"' => match self.next().ok_or_else(|| open.clone())? {
                    'n' => value.push('\n'),
                    'r' => value.push('\r'),
                    't' => value.push('\t'),
                    c @ ('"' | '\\' | '$') => value.push(c),
                    c => value.extend(['\\', c]),
                },
                c => value.push(c),
            }
        }
    }

    /// The rest of the line, its end consumed.
    fn plain_line(&mut self) -> String {
        let mut line = String::new();
        while let Some(c) = self.next() {
            if c == '\n' {
                break;
            }
            line.push(c);
        }
        line
    }

    fn skip_blanks(&mut self) {
        while matches!(self.rest.peek(), Some(' ' | '\t' | '\r' | '\u{feff}')) {
            self.next();
        }
    }

    fn next(&mut self) -> Option<char> {
        let next = self.rest.next()?;
        self.line += usize::from(next == '\n');
        Some(next)
    }
}

fn without_comment(value: &str) -> String {
    let value = if value.starts_with('#') { "" } else { value };
    let end = value.find(" #").or_else(|| value.find("\t#")).unwrap_or(value.len());
    value[..end].trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap()
    }

    #[test]
    fn values_are_taken_as_they_are_written() {
        let text = concat!(
            "# a comment\n\nexport A=1\r\n B = two words # not this\n",
            "C='exact $HOME \\n # \"'\nD=\"line\\nbreak \\\"q\\\" \\$x \\d\" # comment\n",
            "E=a=b#c\nF=\nG=$HOME\nH=\"two\nlines\"\nI=größe 🚀",
        );
        let expected = [
            ("A", "1"),
            ("B", "two words"),
            ("C", "exact $HOME \\n # \""),
            ("D", "line\nbreak \"q\" $x \\d"),
            ("E", "a=b#c"),
            ("F", ""),
            ("G", "$HOME"),
            ("H", "two\nlines"),
            ("I", "größe 🚀"),
        ];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(values(text), expected);
    }

    #[test]
    fn mistakes_name_their_line() {
        let line = |text| parse(text).unwrap_err().line;
        assert_eq!(line("A=1\nB\n"), 2);
        assert_eq!(line("A=1\n\nB='open\n\n"), 3);
        assert_eq!(line("A=\"x\ny\" z"), 2);
    }
}
