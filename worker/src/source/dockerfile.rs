//! Reading a user's `Dockerfile`, as far as Slipway has to understand it.
//!
//! That is: which images it builds on, which port its last stage declares, and the mistakes that
//! are cheaper to tell before a build than after. Everything else is the builder's business.

mod lines;
mod reference;
mod rewrite;

use std::collections::BTreeMap;

use slipway_core::reason::{Reason, ReasonCode};

use self::lines::{Instruction, instructions};
pub use self::reference::{StandIn, stand_in};
pub use self::rewrite::rewrite;

const KEYWORDS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// What a Dockerfile says about the images it needs and the image it makes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dockerfile {
    /// Images of registries that `FROM` and `COPY --from` name, variables replaced, in order.
    pub references: Vec<String>,
    /// Ports that the last stage declares itself.
    pub ports: Vec<u16>,
    /// Whether it installs packages with Alpine's `apk`.
    pub uses_apk: bool,
    /// Whether it asks for another frontend with `# syntax=`.
    pub has_syntax: bool,
}

impl Dockerfile {
    /// Reads the text of the file at `path`, which errors name.
    ///
    /// # Errors
    /// No `FROM`, an unknown instruction, or a `FROM` that names nothing.
    pub fn parse(path: &str, text: &str) -> Result<Self, Reason> {
        let mut reading = Reading::default();
        for instruction in instructions(text) {
            reading.take(&instruction).map_err(|what| {
                let at = format!("{path}:{}: {what}", instruction.line);
                Reason::new(ReasonCode::InvalidSource, at)
            })?;
        }
        if reading.stages.is_empty() {
            let message = format!("{path}:1: no `FROM` instruction");
            return Err(Reason::new(ReasonCode::InvalidSource, message));
        }
        reading.dockerfile.uses_apk = text.contains("apk ");
        reading.dockerfile.has_syntax = text.lines().any(lines::is_syntax_directive);
        Ok(reading.dockerfile)
    }
}

#[derive(Default)]
struct Reading {
    dockerfile: Dockerfile,
    stages: Stages,
}

impl Reading {
    fn take(&mut self, instruction: &Instruction<'_>) -> Result<(), String> {
        let keyword = instruction.keyword.to_ascii_uppercase();
        if !KEYWORDS.contains(&keyword.as_str()) {
            return Err(format!("unknown instruction `{}`", instruction.keyword));
        }
        if self.stages.is_empty() && !matches!(keyword.as_str(), "FROM" | "ARG") {
            return Err(format!("`{keyword}` comes before the first `FROM`"));
        }
        let words = || instruction.rest.split_whitespace();
        match keyword.as_str() {
            "FROM" => return self.take_stage(&instruction.rest),
            "ARG" if self.stages.is_empty() => {
                self.stages.arguments.extend(default_values(&instruction.rest));
            }
            "EXPOSE" => {
                let port = |word: &str| word.trim_end_matches("/tcp").parse::<u16>().ok();
                self.dockerfile.ports.extend(words().filter_map(port));
            }
            "COPY" => {
                if let Some(from) = words().find_map(|word| word.strip_prefix("--from=")) {
                    self.need(from);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn take_stage(&mut self, rest: &str) -> Result<(), String> {
        let (written, reference) = self.stages.begin(rest).ok_or("`FROM` names no image")?;
        if reference.is_empty() {
            return Err(format!("`FROM {written}` names no image: its `ARG` has no default"));
        }
        self.need(&reference);
        self.dockerfile.ports.clear();
        Ok(())
    }

    fn need(&mut self, reference: &str) {
        let is_outside = reference != "scratch" && !self.stages.has(reference);
        if is_outside && !self.dockerfile.references.iter().any(|known| known == reference) {
            self.dockerfile.references.push(reference.to_owned());
        }
    }
}

/// The stages so far.
#[derive(Debug, Default)]
struct Stages {
    /// Defaults of `ARG`s before the first stage; only those may stand in `FROM`.
    arguments: BTreeMap<String, String>,
    /// The name of each, lower case; empty without one.
    names: Vec<String>,
    /// The name of the stage that begins, which cannot yet be built on.
    latest: Option<String>,
}

impl Stages {
    fn is_empty(&self) -> bool {
        self.names.is_empty() && self.latest.is_none()
    }

    /// Whether a `FROM` or `--from` of the current stage means an earlier one.
    fn has(&self, reference: &str) -> bool {
        let index = reference.parse::<usize>().ok();
        index.is_some_and(|index| index < self.names.len())
            || self.names.contains(&reference.to_ascii_lowercase())
    }

    /// Begins the stage of a `FROM` line; returns what it builds on, as written and with variables
    /// replaced. `None` when the line names nothing.
    fn begin(&mut self, rest: &str) -> Option<(String, String)> {
        let mut words = rest.split_whitespace().skip_while(|word| word.starts_with("--"));
        let written = words.next()?.to_owned();
        let is_as = words.next().is_some_and(|word| word.eq_ignore_ascii_case("as"));
        let name = if is_as { words.next() } else { None };
        self.names.extend(self.latest.take());
        self.latest = Some(name.unwrap_or_default().to_ascii_lowercase());
        let reference = expand(&written, &self.arguments);
        Some((written, reference))
    }
}

/// The names and defaults of an `ARG` line.
fn default_values(rest: &str) -> impl Iterator<Item = (String, String)> {
    rest.split_whitespace().map(|word| {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        (name.to_owned(), value.trim_matches(['"', '\'']).to_owned())
    })
}

/// Replaces `$NAME`, `${NAME}` and `${NAME:-default}`.
fn expand(text: &str, arguments: &BTreeMap<String, String>) -> String {
    let Some((before, after)) = text.split_once('$') else { return text.to_owned() };
    let (name, default, rest) = if let Some(braced) = after.strip_prefix('{') {
        let (inner, rest) = braced.split_once('}').unwrap_or((braced, ""));
        let (name, default) = inner.split_once(":-").unwrap_or((inner, ""));
        (name, default, rest)
    } else {
        let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let (name, rest) = after.split_at(end.unwrap_or(after.len()));
        (name, "", rest)
    };
    let value = arguments.get(name).map(String::as_str).filter(|value| !value.is_empty());
    format!("{before}{}{}", value.unwrap_or(default), expand(rest, arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_images_of_all_stages_are_found() {
        let text = "# syntax=docker/dockerfile:1\nARG PY=3.11\nARG VARIANT\n\
            FROM --platform=$BUILDPLATFORM node:20-slim AS assets\nRUN npm ci && \\\n  npm run build\n\
            from python:${PY}-${VARIANT:-slim} as base\n\
            COPY --from=assets /app/dist /static\nCOPY --from=ghcr.io/astral-sh/uv:0.5 /uv /bin/\n\
            FROM base\nCOPY --from=0 /x /y\nEXPOSE 8000/tcp\nFROM scratch\nEXPOSE 80 443/udp $PORT\n";
        let dockerfile = Dockerfile::parse("Dockerfile", text).unwrap();
        assert_eq!(
            dockerfile.references,
            ["node:20-slim", "python:3.11-slim", "ghcr.io/astral-sh/uv:0.5"]
        );
        assert_eq!(dockerfile.ports, [80]);
        assert!(dockerfile.has_syntax && !dockerfile.uses_apk);
    }

    #[test]
    fn text_inside_a_heredoc_is_no_instruction() {
        let text = "FROM debian\nRUN <<EOF\nFROM nowhere\nhello\nEOF\nCMD [\"x\"]\n";
        assert_eq!(Dockerfile::parse("Dockerfile", text).unwrap().references, ["debian"]);
    }

    #[test]
    fn a_mistake_is_told_with_file_and_line() {
        let mistakes = [
            "",
            "# nothing\n",
            "RUN true\n",
            "FROM debian\n\n# x\nRUNN true\n",
            "FROM\n",
            "ARG BASE\nFROM $BASE\n",
            "FROM debian\nRUN a \\\n  # comment\n  b\n<<<<<<< HEAD\n",
        ];
        let told: Vec<String> = mistakes
            .iter()
            .map(|text| Dockerfile::parse("Dockerfile", text).unwrap_err().message)
            .collect();
        insta::assert_snapshot!(told.join("\n"));
    }
}
