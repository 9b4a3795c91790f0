//! Text of others on a terminal: control bytes must not move the cursor, change the title or hide
//! what follows. Colours (SGR sequences) may pass.

/// The text with every control character visible. With `colours`, SGR sequences pass and are reset
/// at the end of the text; without, they are dropped.
pub fn for_terminal(text: &str, colours: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut coloured = false;
    while let Some(next) = rest.chars().next() {
        if let Some(sequence) = sgr(rest) {
            if colours {
                out.push_str(sequence);
                coloured = true;
            }
            rest = &rest[sequence.len()..];
            continue;
        }
        push_visible(&mut out, next);
        rest = &rest[next.len_utf8()..];
    }
    if coloured {
        out.push_str("\x1b[0m");
    }
    out
}

/// The colour sequence that the text begins with: `ESC [ digits ; digits m`.
fn sgr(text: &str) -> Option<&str> {
    let body = text.strip_prefix("\x1b[")?;
    let end = body.find(|c: char| !matches!(c, '0'..='9' | ';' | ':'))?;
    body[end..].starts_with('m').then(|| &text[..=2 + end])
}

fn push_visible(out: &mut String, c: char) {
    match c {
        '\t' => out.push(c),
        '\0'..='\x1f' => {
            out.push('^');
            out.push(char::from(u8::try_from(c).unwrap_or_default() + b'@'));
        }
        '\x7f' => out.push_str("^?"),
        // C1 controls, and the marks that reorder text from right to left.
        '\u{80}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            out.extend(c.escape_unicode());
        }
        _ => out.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_pass_and_end_with_the_text() {
        assert_eq!(for_terminal("\x1b[1;31mred", true), "\x1b[1;31mred\x1b[0m");
        assert_eq!(for_terminal("\x1b[1;31mred\x1b[0m", false), "red");
    }

    #[test]
    fn nothing_else_reaches_the_terminal() {
        for (hostile, shown) in [
            ("\x1b]0;title\x07", "^[]0;title^G"),
            ("a\rb\x08\x7f", "a^Mb^H^?"),
            ("\x1b[2J\x1b[H", "^[[2J^[[H"),
            ("\x1b[31", "^[[31"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("\u{202e}gnp.exe", "\\u{202e}gnp.exe"),
            ("one\ntwo\tthree", "one^Jtwo\tthree"),
        ] {
            assert_eq!(for_terminal(hostile, true), shown, "{hostile:?}");
        }
    }

    #[test]
    fn ordinary_text_is_left_alone() {
        assert_eq!(for_terminal("größe ✓ 🚀", true), "größe ✓ 🚀");
    }
}
