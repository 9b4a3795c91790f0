//! A user's Dockerfile, adapted to what this machine has.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::lines::{Instruction, instructions, is_syntax_directive};
use super::{Stages, default_values};
use crate::source::certificates;

/// The text with each image replaced by the one that was found for it, without `# syntax=`, and,
/// when there are certificates, with every stage trusting them during the build.
///
/// Lines keep their numbers as far as the first stage, so that the builder's errors point there.
pub fn rewrite(text: &str, found: &BTreeMap<String, String>, has_certificates: bool) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut rewriting =
        Rewriting { found, has_certificates, stages: Stages::default(), out: String::new() };
    let mut next = 0;
    for instruction in instructions(text) {
        let first = instruction.line - 1;
        rewriting.keep(&lines[next..first]);
        next = first + instruction.lines;
        rewriting.take(&instruction, &lines[first..next]);
    }
    rewriting.keep(&lines[next..]);
    rewriting.out
}

struct Rewriting<'a> {
    found: &'a BTreeMap<String, String>,
    has_certificates: bool,
    stages: Stages,
    out: String,
}

impl Rewriting<'_> {
    /// Comments and blank lines.
    fn keep(&mut self, lines: &[&str]) {
        for line in lines {
            // An empty comment keeps the line's number.
            self.out.push_str(if is_syntax_directive(line) { "#" } else { line });
            self.out.push('\n');
        }
    }

    fn take(&mut self, instruction: &Instruction<'_>, lines: &[&str]) {
        match instruction.keyword.to_ascii_uppercase().as_str() {
            "ARG" if self.stages.is_empty() => {
                self.stages.arguments.extend(default_values(&instruction.rest));
                self.keep(lines);
            }
            "FROM" if self.begin(&instruction.rest) => {}
            "COPY" => self.copy(lines),
            _ => self.keep(lines),
        }
    }

    /// Writes a stage's first lines. `false` when the line names no image.
    fn begin(&mut self, rest: &str) -> bool {
        let Some((written, reference)) = self.stages.begin(rest) else { return false };
        let image = self.found.get(&reference).unwrap_or(&reference);
        // Writing to a string cannot fail.
        let _ = writeln!(self.out, "FROM {}", rest.replacen(&written, image, 1));
        if self.has_certificates && reference != "scratch" {
            // A stage on another one has the file already.
            let copies = !self.stages.has(&reference);
            self.out.push_str(&certificates::instructions(copies));
        }
        true
    }

    /// A `COPY`, with the image of its `--from=` replaced.
    fn copy(&mut self, lines: &[&str]) {
        let own = lines.join("\n");
        let from = own.split_whitespace().find_map(|word| word.strip_prefix("--from="));
        let image = from.and_then(|from| Some((from, self.found.get(from)?)));
        let replaced = image.map(|(from, image)| {
            own.replacen(&format!("--from={from}"), &format!("--from={image}"), 1)
        });
        self.out.push_str(replaced.as_deref().unwrap_or(&own));
        self.out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_replaced_and_everything_else_is_kept() {
        let text = "# syntax=docker/dockerfile:1\n# escape=\\\nARG PY=3.11\n\n\
            FROM --platform=linux/amd64 python:${PY}-slim AS base\n\
            RUN pip install \\\n    # the web\n    flask\n\
            FROM base\nCOPY --from=node:18 /a \\\n  /b\n# last\n";
        let found = BTreeMap::from([
            ("python:3.11-slim".to_owned(), "slipway/base-python:3.11-abc".to_owned()),
            ("node:18".to_owned(), "slipway/base-node:18-abc".to_owned()),
        ]);
        insta::assert_snapshot!(rewrite(text, &found, false), @r"
        #
        # escape=\
        ARG PY=3.11

        FROM --platform=linux/amd64 slipway/base-python:3.11-abc AS base
        RUN pip install \
            # the web
            flask
        FROM base
        COPY --from=slipway/base-node:18-abc /a \
          /b
        # last
        ");
    }

    #[test]
    fn every_stage_but_an_empty_one_trusts_the_certificates() {
        let text = "FROM debian AS a\nFROM a\nFROM scratch\n";
        let rewritten = rewrite(text, &BTreeMap::new(), true);
        let stages: Vec<&str> = rewritten.split("FROM ").skip(1).collect();
        assert!(stages[0].contains("COPY") && stages[0].contains("ARG PIP_CERT="));
        assert!(!stages[1].contains("COPY") && stages[1].contains("ARG PIP_CERT="));
        assert_eq!(stages[2].trim(), "scratch");
    }
}
