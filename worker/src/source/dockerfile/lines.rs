//! The instructions of a Dockerfile: continued lines joined, comments and heredocs left out.

/// One instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction<'a> {
    /// Its first line, from 1.
    pub line: usize,
    /// How many lines of the file it takes.
    pub lines: usize,
    /// As written: `FROM`, `from`.
    pub keyword: &'a str,
    /// Everything after the keyword, on one line.
    pub rest: String,
}

/// All instructions, in order.
pub fn instructions(text: &str) -> Vec<Instruction<'_>> {
    let escape = if escapes_with_backtick(text) { '`' } else { '\\' };
    let mut lines = text.trim_start_matches('\u{feff}').lines().enumerate().peekable();
    let mut found = Vec::new();
    while let Some((index, line)) = lines.next() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (keyword, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let mut joined = rest.trim().to_owned();
        let mut last = index;
        while let Some(open) = joined.strip_suffix(escape) {
            joined.truncate(open.trim_end().len());
            let Some((number, next)) = lines.next() else { break };
            last = number;
            let next = next.trim();
            if next.is_empty() || next.starts_with('#') {
                joined.push(escape);
            } else {
                joined.push(' ');
                joined.push_str(next);
            }
        }
        for end in heredocs(keyword, &joined) {
            for (number, next) in lines.by_ref() {
                last = number;
                if next.trim_start_matches('\t') == end {
                    break;
                }
            }
        }
        found.push(Instruction { line: index + 1, lines: last - index + 1, keyword, rest: joined });
    }
    found
}

/// Whether a line asks for another frontend: `# syntax=docker/dockerfile:1`.
pub fn is_syntax_directive(line: &str) -> bool {
    directive(line).is_some_and(|(name, _)| name == "syntax")
}

fn escapes_with_backtick(text: &str) -> bool {
    let mut directives = text.lines().map_while(directive);
    directives.any(|(name, value)| name == "escape" && value == "`")
}

/// A parser directive; only comments of the form `# name=value` at the top are.
fn directive(line: &str) -> Option<(String, &str)> {
    let (name, value) = line.trim().strip_prefix('#')?.split_once('=')?;
    Some((name.trim().to_ascii_lowercase(), value.trim()))
}

/// The words that end the heredocs of a `RUN` or `COPY`, in order.
fn heredocs(keyword: &str, rest: &str) -> Vec<String> {
    let takes_them = ["RUN", "COPY", "ADD"].iter().any(|one| keyword.eq_ignore_ascii_case(one));
    if !takes_them {
        return Vec::new();
    }
    let words = rest.split_whitespace().filter_map(|word| word.strip_prefix("<<"));
    let ends = words.map(|word| word.trim_start_matches('-').trim_matches(['"', '\'']));
    ends.filter(|end| end.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'))
        .map(ToOwned::to_owned)
        .collect()
}
