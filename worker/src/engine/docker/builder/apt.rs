//! The host's own package sources: those of its distribution, and no others.
//!
//! Third parties' sources stay out. Their packages would replace the distribution's, and their keys
//! would be missing inside an image.

use std::path::Path;

const OS_RELEASE: &str = "/etc/os-release";
const LIST: &str = "/etc/apt/sources.list";
const PARTS: &str = "/etc/apt/sources.list.d";

/// The distribution release's name: `bookworm`.
pub fn codename() -> Option<String> {
    let text = std::fs::read_to_string(OS_RELEASE).ok()?;
    text.lines().find_map(|line| {
        let name = line.strip_prefix("VERSION_CODENAME=")?;
        Some(name.trim_matches('"').to_owned()).filter(|name| !name.is_empty())
    })
}

/// The sources, each as one line of `sources.list`.
///
/// # Errors
/// With a sentence, when this host has none that are its distribution's.
pub fn sources() -> Result<Vec<String>, String> {
    let codename = codename().ok_or_else(|| format!("`{OS_RELEASE}` names no release"))?;
    let mut lines = Vec::new();
    for path in files() {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let is_stanzas = path.ends_with(".sources");
        lines.extend(if is_stanzas { stanzas(&text, &codename) } else { list(&text, &codename) });
    }
    if lines.is_empty() {
        return Err(format!("no package sources for `{codename}` in `{LIST}` and `{PARTS}`"));
    }
    Ok(lines)
}

fn files() -> Vec<String> {
    let mut files = vec![LIST.to_owned()];
    let parts = std::fs::read_dir(PARTS).into_iter().flatten().flatten();
    let mut parts: Vec<String> =
        parts.map(|entry| entry.path().to_string_lossy().into_owned()).collect();
    parts.retain(|path| {
        Path::new(path)
            .extension()
            .is_some_and(|extension| extension == "list" || extension == "sources")
    });
    parts.sort();
    files.extend(parts);
    files
}

/// Sources in the one-line form.
fn list(text: &str, codename: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim).filter_map(|line| {
        let line = line.split('#').next()?;
        let rest = line.strip_prefix("deb ")?.trim_start();
        let (options, rest) = match rest.strip_prefix('[') {
            Some(rest) => rest.split_once(']')?,
            None => ("", rest),
        };
        let keyring = options.split_whitespace().find_map(|word| word.strip_prefix("signed-by="));
        let mut words = rest.split_whitespace();
        let (uri, suite) = (words.next()?, words.next()?);
        let components: Vec<&str> = words.collect();
        source(keyring, uri, suite, &components, codename)
    });
    lines.collect()
}

/// Sources as stanzas of fields.
fn stanzas(text: &str, codename: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let plain: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    for stanza in plain.split(|line| line.trim().is_empty()) {
        let field = |name: &str| {
            let value = stanza.iter().find_map(|line| {
                let (key, value) = line.split_once(':')?;
                key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
            });
            value.unwrap_or_default()
        };
        let is_on = !matches!(field("Enabled").to_ascii_lowercase().as_str(), "no" | "false");
        if !is_on || !field("Types").split_whitespace().any(|kind| kind == "deb") {
            continue;
        }
        let keyring = Some(field("Signed-By")).filter(|path| path.starts_with('/'));
        let components: Vec<&str> = field("Components").split_whitespace().collect();
        for uri in field("URIs").split_whitespace() {
            for suite in field("Suites").split_whitespace() {
                lines.extend(source(keyring, uri, suite, &components, codename));
            }
        }
    }
    lines
}

/// One source in the one-line form, when it is the distribution's.
fn source(
    keyring: Option<&str>,
    uri: &str,
    suite: &str,
    components: &[&str],
    codename: &str,
) -> Option<String> {
    let pocket = suite.strip_prefix(codename)?;
    let is_own = matches!(pocket, "" | "-updates" | "-security" | "/updates");
    let is_signed_by_it = keyring.is_none_or(|path| {
        path.ends_with("-archive-keyring.gpg") || path.ends_with("-archive-keyring.pgp")
    });
    if !is_own || !is_signed_by_it || !components.contains(&"main") {
        return None;
    }
    let options = keyring.map(|path| format!("[signed-by={path}] ")).unwrap_or_default();
    Some(format!("deb {options}{uri} {suite} {}", components.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_distributions_own_sources_are_taken() {
        let text = "# comment\n\
            deb http://mirror.example.com/debian bookworm main contrib # note\n\
            deb-src http://mirror.example.com/debian bookworm main\n\
            deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://security.example.com bookworm-security main\n\
            deb [signed-by=/etc/apt/keyrings/docker.gpg] https://download.example.com/linux/debian bookworm stable\n\
            deb https://apt.example.com/pgdg bookworm-pgdg main\n\
            deb http://mirror.example.com/debian trixie main\n";
        assert_eq!(
            list(text, "bookworm"),
            [
                "deb http://mirror.example.com/debian bookworm main contrib",
                "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://security.example.com bookworm-security main",
            ]
        );
    }

    #[test]
    fn stanzas_give_one_source_a_suite() {
        let text = "Types: deb deb-src\n# snapshot\nURIs: http://mirror.example.com/debian\n\
            Suites: bookworm bookworm-updates\nComponents: main\n\
            Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n\
            Types: deb\nEnabled: no\nURIs: http://off.example.com\nSuites: bookworm\nComponents: main\n\n\
            Types: deb\nURIs: https://deb.example.com/node\nSuites: nodistro\nComponents: main\n";
        let keyring = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]";
        assert_eq!(
            stanzas(text, "bookworm"),
            [
                format!("deb {keyring} http://mirror.example.com/debian bookworm main"),
                format!("deb {keyring} http://mirror.example.com/debian bookworm-updates main"),
            ]
        );
    }
}
