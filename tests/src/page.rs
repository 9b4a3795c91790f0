//! A document as somebody follows it: files to write, lines to look at, commands to type.
//!
//! | fence | means |
//! |---|---|
//! | `console` | typed: `$ ` begins a command, `> ` goes on with it, the rest is what it prints |
//! | `python app.py` | a file of that name, written |
//! | `python in shop/settings.py` | a part of a file that is there |
//! | anything else | for reading |
//!
//! In what a command prints, `…` stands for anything within a line, and a line of it for any lines.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, bail};

use crate::program::of_this_crate;

/// A Markdown file.
#[derive(Debug, Clone)]
pub struct Page {
    /// Its path in the repository: `docs/api.md`.
    pub name: String,
    pub text: String,
}

/// A fenced block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Where its content begins, from 1.
    pub line: usize,
    /// The first word after the fence; empty when there is none.
    pub language: String,
    /// The other words.
    pub about: String,
    pub text: String,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Write this file.
    Write { path: PathBuf, text: String },
    /// Find this in a file that is there.
    Find { path: PathBuf, text: String },
    /// Type this, and see that printed; nothing is expected where nothing is shown.
    Type { command: String, shown: String },
}

impl Page {
    /// Reads a file of the repository.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(name: &str) -> anyhow::Result<Self> {
        let text = fs::read_to_string(of_this_crate("..").join(name)).context(name.to_owned())?;
        Ok(Self { name: name.to_owned(), text })
    }

    /// The README and every page below `docs/`, in order.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn all() -> anyhow::Result<Vec<Self>> {
        let mut names = vec!["README.md".to_owned()];
        for folder in ["docs", "docs/reference"] {
            for entry in fs::read_dir(of_this_crate("..").join(folder))? {
                let path = entry?.path();
                if path.extension().is_some_and(|end| end == "md") {
                    let name = path.file_name().unwrap_or_default().to_string_lossy();
                    names.push(format!("{folder}/{name}"));
                }
            }
        }
        names.sort();
        names.iter().map(|name| Self::read(name)).collect()
    }

    /// Whether it is written by the code.
    pub fn is_generated(&self) -> bool {
        self.name.starts_with("docs/reference/")
    }

    /// Its fenced blocks.
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut open: Option<Block> = None;
        for (index, line) in self.text.lines().enumerate() {
            let fence = line.strip_prefix("```");
            open = match (open, fence) {
                (None, None) => None,
                (None, Some(info)) => {
                    let (language, about) = info.split_once(' ').unwrap_or((info, ""));
                    let (language, about) = (language.to_owned(), about.trim().to_owned());
                    Some(Block { line: index + 2, language, about, text: String::new() })
                }
                (Some(mut block), None) => {
                    block.text.push_str(line);
                    block.text.push('\n');
                    Some(block)
                }
                (Some(block), Some(_)) => {
                    blocks.push(block);
                    None
                }
            };
        }
        blocks
    }

    /// What it asks for, each with its line.
    ///
    /// # Errors
    /// When a block to be typed does not begin with a command.
    pub fn steps(&self) -> anyhow::Result<Vec<(usize, Step)>> {
        let mut steps = Vec::new();
        for block in self.blocks() {
            let Block { line, language, about, text } = block;
            if language == "console" {
                let typed = typed(&text).with_context(|| format!("{}:{line}", self.name))?;
                steps.extend(typed.into_iter().map(|(below, step)| (line + below, step)));
            } else if let Some(path) = about.strip_prefix("in ") {
                steps.push((line, Step::Find { path: path.into(), text }));
            } else if !about.is_empty() {
                steps.push((line, Step::Write { path: about.into(), text }));
            }
        }
        Ok(steps)
    }
}

/// The commands of a block, each with the line of the block it begins in.
fn typed(text: &str) -> anyhow::Result<Vec<(usize, Step)>> {
    let mut steps: Vec<(usize, String, String)> = Vec::new();
    let mut goes_on = false;
    for (index, line) in text.lines().enumerate() {
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push((index, command.to_owned(), String::new()));
            goes_on = true;
            continue;
        }
        let Some((_, command, shown)) = steps.last_mut() else {
            bail!("a block to be typed begins with `$ `");
        };
        if let Some(more) = line.strip_prefix("> ").filter(|_| goes_on) {
            command.push('\n');
            command.push_str(more);
        } else {
            goes_on = false;
            shown.push_str(line);
            shown.push('\n');
        }
    }
    let steps = steps.into_iter();
    Ok(steps.map(|(line, command, shown)| (line, Step::Type { command, shown })).collect())
}

/// Whether a command printed what a page shows; blanks at the ends and between words, and empty
/// lines, do not count.
pub fn is_as_shown(shown: &str, printed: &str) -> bool {
    let plain = |text: &str| -> Vec<String> {
        let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        lines.filter(|line| !line.is_empty()).collect()
    };
    lines_match(&plain(shown), &plain(printed))
}

fn lines_match(shown: &[String], printed: &[String]) -> bool {
    let Some((first, rest)) = shown.split_first() else { return printed.is_empty() };
    if first == "…" {
        return (0..=printed.len()).any(|skipped| lines_match(rest, &printed[skipped..]));
    }
    let Some((line, later)) = printed.split_first() else { return false };
    line_matches(first, line) && lines_match(rest, later)
}

fn line_matches(shown: &str, printed: &str) -> bool {
    let mut parts = shown.split('…');
    let Some(mut rest) = parts.next().and_then(|first| printed.strip_prefix(first)) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_followed_step_by_step() {
        let text = "# A\n```console\n$ cat <<END\n> a\n> END\na\n> b\n$ true\n```\n\
            ```python app.py\nprint()\n```\n```toml\na = 1\n```\n```python in a.py\nx\n```\n";
        let page = Page { name: "a.md".to_owned(), text: text.to_owned() };
        let steps = page.steps().unwrap();
        let typed = |command: &str, shown: &str| Step::Type {
            command: command.to_owned(),
            shown: shown.to_owned(),
        };
        assert_eq!(steps[0], (3, typed("cat <<END\na\nEND", "a\n> b\n")));
        assert_eq!(steps[1], (8, typed("true", "")));
        assert!(matches!(&steps[2], (11, Step::Write { path, .. }) if path.ends_with("app.py")));
        assert!(matches!(&steps[3], (17, Step::Find { text, .. }) if text == "x\n"));
        assert_eq!(steps.len(), 4, "what is for reading is not done");
    }

    #[test]
    fn what_is_left_out_may_be_anything_and_nothing_else_may() {
        for (shown, printed) in [
            ("a b", "  a   b  \n\n"),
            ("v… is live", "v12 is live"),
            ("a…b…c", "a1b2c"),
            ("a\n…\nd", "a\nb\nc\nd"),
            ("…\nd\n…", "d"),
            ("", "\n"),
        ] {
            assert!(is_as_shown(shown, printed), "{shown:?} {printed:?}");
        }
        for (shown, printed) in
            [("a", "ab"), ("a…", "ba"), ("a…b", "ab c"), ("a\nb", "a\nc\nb"), ("a\n…\nb", "a")]
        {
            assert!(!is_as_shown(shown, printed), "{shown:?} {printed:?}");
        }
    }
}
