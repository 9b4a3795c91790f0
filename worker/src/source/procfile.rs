//! `Procfile`: one process type a line, `name: command`.
//!
//! Files in the wild carry comments, inline comments, blank lines and names with capitals or
//! underscores; all of these are read. What cannot be meant is an error with its line.

use std::collections::BTreeMap;

use slipway_core::name::ProcessName;
use slipway_core::reason::{Reason, ReasonCode};

/// The file's name, at the root of the repository.
pub const FILE: &str = "Procfile";

/// The process types of a `Procfile`, and what is worth telling about it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Procfile {
    pub commands: BTreeMap<ProcessName, String>,
    pub warnings: Vec<String>,
}

impl Procfile {
    /// Reads the text.
    ///
    /// # Errors
    /// A line without a colon, command or valid name, a name that is there twice, or no line.
    pub fn parse(text: &str) -> Result<Self, Reason> {
        let mut procfile = Self::default();
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = without_comment(line).trim();
            if !line.is_empty() {
                procfile.add(line).map_err(|what| refusal(index + 1, &what))?;
            }
        }
        if procfile.commands.is_empty() {
            return Err(refusal(
                1,
                "no process type: write lines such as `web: gunicorn shop.wsgi`",
            ));
        }
        Ok(procfile)
    }

    fn add(&mut self, line: &str) -> Result<(), String> {
        let (written, command) = line
            .split_once(':')
            .ok_or_else(|| format!("expected `name: command`, found `{}`", short(line)))?;
        let (written, command) = (written.trim(), command.trim());
        let normal = written.to_ascii_lowercase().replace('_', "-");
        let name: ProcessName = normal.parse().map_err(|error| format!("{error}"))?;
        if command.is_empty() {
            return Err(format!("process type `{written}` has no command"));
        }
        if normal != written {
            self.warnings.push(format!("process type `{written}` is called `{name}` here"));
        }
        match self.commands.insert(name, command.to_owned()) {
            Some(_) => Err(format!("process type `{written}` is there twice")),
            None => Ok(()),
        }
    }
}

fn refusal(line: usize, what: &str) -> Reason {
    Reason::new(ReasonCode::InvalidSource, format!("{FILE}:{line}: {what}"))
}

fn short(line: &str) -> String {
    line.chars().take(60).collect()
}

/// The line up to a `#` that begins a word outside quotes, as a shell would read it.
fn without_comment(line: &str) -> &str {
    let mut quote = None;
    let mut before = ' ';
    for (index, c) in line.char_indices() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, '#') if before.is_whitespace() => return &line[..index],
            _ => {}
        }
        before = c;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(text: &str) -> Vec<(String, String)> {
        let procfile = Procfile::parse(text).unwrap();
        procfile.commands.into_iter().map(|(name, line)| (name.to_string(), line)).collect()
    }

    #[test]
    fn comments_and_blank_lines_are_left_out() {
        let text = "\u{feff}# how it runs\r\n\r\nweb: gunicorn shop.wsgi --log-file - # the site\r\n\
            worker:python jobs.py --tag '#1' --name a#b\n";
        let wanted = [
            ("web", "gunicorn shop.wsgi --log-file -"),
            ("worker", "python jobs.py --tag '#1' --name a#b"),
        ];
        assert_eq!(commands(text), wanted.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }

    #[test]
    fn a_command_may_contain_colons() {
        assert_eq!(
            commands("web: uvicorn app:app --host 0.0.0.0")[0].1,
            "uvicorn app:app --host 0.0.0.0"
        );
    }

    #[test]
    fn names_of_other_platforms_are_adapted_and_told() {
        let procfile = Procfile::parse("celery_beat: celery -A shop beat").unwrap();
        assert_eq!(procfile.warnings, ["process type `celery_beat` is called `celery-beat` here"]);
    }

    #[test]
    fn a_mistake_is_told_with_file_and_line() {
        let mistakes = [
            "",
            "# nothing\n",
            "web gunicorn\n",
            "web: a\n\nworker:   # later\n",
            "web: a\nweb: b\n",
            "my worker: a\n",
            ": a\n",
        ];
        let told: Vec<String> =
            mistakes.iter().map(|text| Procfile::parse(text).unwrap_err().message).collect();
        insta::assert_snapshot!(told.join("\n"));
    }
}
