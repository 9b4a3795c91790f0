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
        if reading.stages == 0 {
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
    /// Defaults of `ARG`s before the first stage; only those may stand in `FROM`.
    arguments: BTreeMap<String, String>,
    names: Vec<String>,
    stages: usize,
}

impl Reading {
    fn take(&mut self, instruction: &Instruction<'_>) -> Result<(), String> {
        let keyword = instruction.keyword.to_ascii_uppercase();
        if !KEYWORDS.contains(&keyword.as_str()) {
            return Err(format!("unknown instruction `{}`", instruction.keyword));
        }
        if self.stages == 0 && !matches!(keyword.as_str(), "FROM" | "ARG") {
            return Err(format!("`{keyword}` comes before the first `FROM`"));
        }
        match keyword.as_str() {
            "FROM" => self.take_stage(&instruction.rest),
            "ARG" if self.stages == 0 => {
                for word in instruction.rest.split_whitespace() {
                    let (name, value) = word.split_once('=').unwrap_or((word, ""));
                    let value = value.trim_matches(['"', '\'']);
                    self.arguments.insert(name.to_owned(), value.to_owned());
                }
                Ok(())
            }
            "EXPOSE" => {
                let words = instruction.rest.split_whitespace();
                let port = |word: &str| word.trim_end_matches("/tcp").parse::<u16>().ok();
                self.dockerfile.ports.extend(words.filter_map(port));
                Ok(())
            }
            "COPY" => {
                let from =
                    instruction.rest.split_whitespace().find_map(|w| w.strip_prefix("--from="));
                if let Some(from) = from {
                    self.need(from);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn take_stage(&mut self, rest: &str) -> Result<(), String> {
        let stage = Stage::parse(rest).ok_or("`FROM` names no image")?;
        let reference = expand(stage.reference, &self.arguments);
        if reference.is_empty() {
            return Err(format!(
                "`FROM {}` names no image: its `ARG` has no default",
                stage.reference
            ));
        }
        self.need(&reference);
        self.names.extend(stage.name.map(str::to_ascii_lowercase));
        self.stages += 1;
        self.dockerfile.ports.clear();
        Ok(())
    }

    fn need(&mut self, reference: &str) {
        let is_stage = self.names.contains(&reference.to_ascii_lowercase())
            || reference.parse::<usize>().is_ok()
            || reference == "scratch";
        if !is_stage && !self.dockerfile.references.iter().any(|known| known == reference) {
            self.dockerfile.references.push(reference.to_owned());
        }
    }
}

/// The parts of a `FROM` line.
struct Stage<'a> {
    reference: &'a str,
    name: Option<&'a str>,
}

impl<'a> Stage<'a> {
    fn parse(rest: &'a str) -> Option<Self> {
        let mut words = rest.split_whitespace().skip_while(|word| word.starts_with("--"));
        let reference = words.next()?;
        let is_as = words.next().is_some_and(|word| word.eq_ignore_ascii_case("as"));
        let name = if is_as { words.next() } else { None };
        Some(Self { reference, name })
    }
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
