//! A user's Dockerfile, adapted to what this machine has.

use std::collections::BTreeMap;

use super::lines::{instructions, is_syntax_directive};
use super::{Stage, expand};
use crate::source::certificates;

/// The text with each image replaced by the one that was found for it, without `# syntax=`, and,
/// when there are certificates, with every stage trusting them during the build.
///
/// Lines keep their numbers as far as the first stage, so that the builder's errors point there.
pub fn rewrite(text: &str, found: &BTreeMap<String, String>, has_certificates: bool) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut out = String::new();
    let mut next = 0;
    let mut arguments = BTreeMap::new();
    let mut names: Vec<String> = Vec::new();
    for instruction in instructions(text) {
        let first = instruction.line - 1;
        for line in &lines[next..first] {
            // An empty comment keeps the line's number.
            out.push_str(if is_syntax_directive(line) { "#" } else { line });
            out.push('\n');
        }
        next = first + instruction.lines;
        let keyword = instruction.keyword.to_ascii_uppercase();
        if keyword == "ARG" && names.is_empty() {
            for word in instruction.rest.split_whitespace() {
                let (name, value) = word.split_once('=').unwrap_or((word, ""));
                arguments.insert(name.to_owned(), value.trim_matches(['"', '\'']).to_owned());
            }
        }
        let stage = (keyword == "FROM").then(|| Stage::parse(&instruction.rest)).flatten();
        let Some(stage) = stage else {
            let own = lines[first..next].join("\n");
            out.push_str(&replace_copied(&keyword, &own, found));
            out.push('\n');
            continue;
        };
        let reference = expand(stage.reference, &arguments);
        let is_outside = reference != "scratch" && !names.contains(&reference.to_ascii_lowercase());
        let image = found.get(&reference).unwrap_or(&reference);
        out.push_str(&format!("FROM {}\n", instruction.rest.replacen(stage.reference, image, 1)));
        if has_certificates && reference != "scratch" {
            out.push_str(&certificates::instructions(is_outside));
        }
        names.push(stage.name.unwrap_or_default().to_ascii_lowercase());
    }
    for line in &lines[next..] {
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// The instruction with the image of a `COPY --from=` replaced.
fn replace_copied(keyword: &str, own: &str, found: &BTreeMap<String, String>) -> String {
    let from = own.split_whitespace().find_map(|word| word.strip_prefix("--from="));
    match from.filter(|_| keyword == "COPY").and_then(|from| Some((from, found.get(from)?))) {
        Some((from, image)) => {
            own.replacen(&format!("--from={from}"), &format!("--from={image}"), 1)
        }
        None => own.to_owned(),
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
