//! Reading `slipway.toml`, with errors a person can act on: file, line, column, and what would do.

use slipway_core::manifest::Manifest;
use slipway_core::name::ProcessName;
use slipway_core::reason::{Reason, ReasonCode};

use super::tree::SourceTree;

/// The file's name, at the root of the repository.
pub const FILE: &str = "slipway.toml";

/// The tree's manifest, empty when it has none.
///
/// # Errors
/// When the file is not acceptable, with its line and column.
pub fn read(tree: &SourceTree) -> Result<Manifest, Reason> {
    tree.steering_text(FILE)?.map_or_else(|| Ok(Manifest::default()), parse)
}

/// Reads a manifest's text.
///
/// # Errors
/// When it is not TOML, has an unknown key or a value out of range.
pub fn parse(text: &str) -> Result<Manifest, Reason> {
    let manifest: Manifest = toml::from_str(text).map_err(|error| {
        let (line, column) = position(text, error.span().map_or(0, |span| span.start));
        refusal(&format!("{FILE}:{line}:{column}: {}", sentence(error.message())))
    })?;
    if manifest.processes.contains_key(&ProcessName::release()) {
        let at = text.find("[processes.release").unwrap_or(0);
        let (line, column) = position(text, at);
        return Err(refusal(&format!(
            "{FILE}:{line}:{column}: `release` is no process type: set `command` in `[release]`"
        )));
    }
    Ok(manifest)
}

fn refusal(message: &str) -> Reason {
    Reason::new(ReasonCode::InvalidSource, message)
}

/// Line and column of a byte offset, both from 1.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// The parser's message as one sentence; an unknown key gets the keys that exist.
fn sentence(message: &str) -> String {
    let message = message.lines().collect::<Vec<_>>().join(", ");
    let mut quoted = message.split('`').skip(1).step_by(2);
    let unknown = message.starts_with("unknown field").then(|| quoted.next()).flatten();
    let Some(unknown) = unknown else { return message };
    let allowed: Vec<&str> = quoted.collect();
    let nearest = allowed.iter().min_by_key(|key| distance(unknown, key));
    let near = nearest.filter(|key| distance(unknown, key) <= 2);
    let guess = near.map(|key| format!(", did you mean `{key}`?")).unwrap_or_default();
    let list = allowed.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
    format!("unknown key `{unknown}`{guess} (allowed here: {list})")
}

/// How many letters must change to turn one word into the other (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let substitute = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
        [build]
        dockerfile = "deploy/Dockerfile"

        [processes.web]
        command = "gunicorn shop.wsgi"
        port = 8080
        memory = "1GB"
        cpu = 0.5

        [processes.worker]
        command = "celery -A shop worker"

        [health]
        path = "/up"
        boot_timeout = "2m"

        [rollout]
        drain = "10s"
        grace = "5s"
        observe = "0s"

        [release]
        command = ""
        timeout = "1h"
    "#;

    #[test]
    fn every_documented_key_is_read() {
        insta::assert_debug_snapshot!(parse(WHOLE).unwrap());
    }

    #[test]
    fn a_mistake_is_told_with_file_line_and_what_would_do() {
        let mistakes = [
            "[procesess.web]\n",
            "[processes.web]\ncommand = \"x\"\nmemmory = \"512MB\"\n",
            "[processes.web]\nmemory = \"lots\"\n",
            "[processes.web]\nport = \"8000\"\n",
            "[processes.web]\n  port = 0\n",
            "[processes.Web]\ncommand = \"x\"\n",
            "[processes.release]\ncommand = \"x\"\n",
            "[health]\npath = \"up\"\n",
            "[health]\nboot_timeout = 60\n",
            "[rollout]\ndrain = \"2h\"\n",
            "[release]\ncommand = \"x\n",
            "[build]\ndockerfile = \"a\"\ndockerfile = \"b\"\n",
            "[scaling]\nmin = 1\n",
            "web = 1\n",
        ];
        let told: Vec<String> =
            mistakes.iter().map(|text| parse(text).unwrap_err().message).collect();
        insta::assert_snapshot!(told.join("\n"));
    }
}
