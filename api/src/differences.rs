//! What lies between two releases, in the direction of the second.

use std::collections::BTreeMap;

use slipway_core::name::ConfigKey;
use slipway_core::process::{Command, Formation, ProcessSpec};
use slipway_core::release::{Release, Source};
use slipway_core::wire::release::Differences;

/// A release with its configuration as it is stored: sealed values, which are equal when the
/// values were not touched in between.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    pub release: &'a Release,
    pub sealed: &'a BTreeMap<ConfigKey, String>,
}

/// Compares two releases of an app.
pub fn between(from: Side<'_>, to: Side<'_>) -> Differences {
    let only_in = |these: Side<'_>, those: Side<'_>| {
        these.sealed.keys().filter(|key| !those.sealed.contains_key(key)).cloned().collect()
    };
    let changed = |key: &&ConfigKey| {
        from.sealed
            .get(key)
            .is_some_and(|before| to.sealed.get(key).is_some_and(|now| now != before))
    };
    Differences {
        from_version: from.release.version,
        to_version: to.release.version,
        code: (from.release.image.digest != to.release.image.digest)
            .then(|| (code(from.release), code(to.release))),
        config_added: only_in(to, from),
        config_removed: only_in(from, to),
        config_changed: from.sealed.keys().filter(changed).cloned().collect(),
        processes: processes(&from.release.formation, &to.release.formation),
    }
}

fn code(release: &Release) -> String {
    release.source.as_ref().map_or_else(|| release.image.digest.clone(), Source::summary)
}

fn processes(from: &Formation, to: &Formation) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, before) in &from.processes {
        match to.processes.get(name) {
            Some(now) => lines.extend(process(name.as_str(), before, now)),
            None => lines.push(format!("{name}: removed")),
        }
    }
    let added = to.processes.keys().filter(|name| !from.processes.contains_key(name));
    lines.extend(added.map(|name| format!("{name}: added")));
    if from.release_command != to.release_command {
        let shown = |command: &Option<Command>| {
            command.as_ref().map_or_else(|| "none".to_owned(), |it| format!("`{}`", it.display()))
        };
        let (before, now) = (shown(&from.release_command), shown(&to.release_command));
        lines.push(format!("release command: {before} becomes {now}"));
    }
    if from.rollout != to.rollout {
        lines.push("rollout: settings changed".to_owned());
    }
    if from.static_files != to.static_files {
        lines.push("static files: settings changed".to_owned());
    }
    lines
}

fn process(name: &str, before: &ProcessSpec, now: &ProcessSpec) -> Vec<String> {
    let mut lines = Vec::new();
    if before.command != now.command {
        let (was, is) = (before.command.display(), now.command.display());
        lines.push(format!("{name}: command `{was}` becomes `{is}`"));
    }
    if before.port != now.port {
        let shown = |port: Option<u16>| port.map_or_else(|| "none".to_owned(), |it| it.to_string());
        lines.push(format!("{name}: port {} becomes {}", shown(before.port), shown(now.port)));
    }
    if before.health != now.health {
        lines.push(format!("{name}: health check changed"));
    }
    if before.limits != now.limits {
        lines.push(format!("{name}: limits changed"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use slipway_core::id::{AppId, DeploymentId, Id as _, ReleaseId};
    use slipway_core::process::{HealthCheck, Limits};
    use slipway_core::release::ImageRef;
    use slipway_core::time::Timestamp;

    use super::*;

    fn release(version: u32, image: &str, formation: Formation) -> Release {
        Release {
            id: ReleaseId::from_bits(version.into()),
            app_id: AppId::from_bits(1),
            version,
            image: ImageRef { repository: "shop".to_owned(), digest: image.to_owned() },
            content: String::new(),
            formation,
            source: Some(Source::Image { reference: format!("shop:{version}") }),
            description: String::new(),
            deployment_id: DeploymentId::from_bits(1),
            copy_of: None,
            created_by: "ada@example.com".to_owned(),
            created_at: Timestamp(0),
            stable_at: None,
            pinned: false,
            image_kept: true,
        }
    }

    fn sealed(values: &[(&str, &str)]) -> BTreeMap<ConfigKey, String> {
        values.iter().map(|(key, value)| (key.parse().unwrap(), (*value).to_owned())).collect()
    }

    fn running(command: &str, port: u16) -> ProcessSpec {
        ProcessSpec {
            command: Command::Shell(command.to_owned()),
            port: Some(port),
            health: HealthCheck::default(),
            limits: Limits::default(),
        }
    }

    fn formation(processes: &[(&str, ProcessSpec)]) -> Formation {
        let processes =
            processes.iter().map(|(name, spec)| (name.parse().unwrap(), spec.clone())).collect();
        Formation { processes, ..Formation::default() }
    }

    #[test]
    fn a_release_does_not_differ_from_itself() {
        let same = release(1, "sha256:1", formation(&[("web", running("serve", 8000))]));
        let sealed = sealed(&[("A", "x")]);
        let side = Side { release: &same, sealed: &sealed };
        assert!(between(side, side).is_empty());
    }

    #[test]
    fn every_kind_of_difference_is_named_in_the_direction_of_the_second() {
        let before = formation(&[("web", running("serve", 8000)), ("old", running("x", 1))]);
        let mut now = formation(&[("web", running("serve -w 4", 9000)), ("new", running("y", 1))]);
        now.release_command = Some(Command::Shell("migrate".to_owned()));
        let (from, to) = (release(1, "sha256:1", before), release(2, "sha256:2", now));
        let (sealed_from, sealed_to) = (
            sealed(&[("A", "1"), ("B", "1"), ("C", "1")]),
            sealed(&[("B", "1"), ("C", "2"), ("D", "1")]),
        );
        let differences = between(
            Side { release: &from, sealed: &sealed_from },
            Side { release: &to, sealed: &sealed_to },
        );
        insta::assert_json_snapshot!(differences, @r#"
        {
          "from_version": 1,
          "to_version": 2,
          "code": [
            "shop:1",
            "shop:2"
          ],
          "config_added": [
            "D"
          ],
          "config_removed": [
            "A"
          ],
          "config_changed": [
            "C"
          ],
          "processes": [
            "old: removed",
            "web: command `serve` becomes `serve -w 4`",
            "web: port 8000 becomes 9000",
            "new: added",
            "release command: none becomes `migrate`"
          ]
        }
        "#);
    }
}
