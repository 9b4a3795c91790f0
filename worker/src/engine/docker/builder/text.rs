//! Build output as plain text: without colours, cursor movements and other control characters.

/// One line without escape sequences and control characters; tabs become spaces.
pub fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => match rest.next() {
                // A control sequence ends with its first letter or `@`, `~` and the like.
                Some('[') => while rest.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
                // An operating system command ends with BEL or ESC `\`.
                Some(']') => {
                    while rest.next().is_some_and(|c| c != '\u{7}' && c != '\u{1b}') {}
                    rest.next_if_eq(&'\\');
                }
                _ => {}
            },
            '\t' => text.push_str("    "),
            c if c.is_control() => {}
            c => text.push(c),
        }
    }
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_cursor_movements_are_gone() {
        assert_eq!(plain("\u{1b}[31;1mred\u{1b}[0m \u{1b}[2K\tx\u{8}"), "red     x");
        assert_eq!(
            plain("\u{1b}]8;;https://example.com\u{7}link\u{1b}]8;;\u{1b}\\ end  "),
            "link end"
        );
        assert_eq!(plain("cut \u{1b}["), "cut");
    }
}
