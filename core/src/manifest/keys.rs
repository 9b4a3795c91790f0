//! Every key of `slipway.toml`, as the reference lists it.

/// A key with what people have to know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// With its section; `NAME` stands for a process type.
    pub name: &'static str,
    /// A value as TOML writes it.
    pub example: &'static str,
    /// What counts where nothing is said, for people.
    pub default: &'static str,
    pub meaning: &'static str,
}

const fn key(
    name: &'static str,
    example: &'static str,
    default: &'static str,
    meaning: &'static str,
) -> Key {
    Key { name, example, default, meaning }
}

/// All of them, section by section.
pub const KEYS: [Key; 14] = [
    key(
        "build.dockerfile",
        r#""deploy/Dockerfile""#,
        "`Dockerfile`, where there is one",
        "The Dockerfile's path inside the repository; it is then built as it stands",
    ),
    key(
        "processes.NAME.command",
        r#""gunicorn shop.wsgi --bind 0.0.0.0:$PORT""#,
        "the `Procfile`'s; of `web` also what was recognised",
        "The command line, for `/bin/sh` inside the container; `release` is no process",
    ),
    key(
        "processes.NAME.port",
        "8080",
        "8000 for `web`, or the only `EXPOSE` of an own Dockerfile; none for others",
        "The port it finds in `PORT` and is expected to listen on",
    ),
    key(
        "processes.NAME.memory",
        r#""1GB""#,
        "512MB",
        "Memory of each instance, 16MB to 1024GB; beyond it the instance is killed",
    ),
    key("processes.NAME.cpu", "0.5", "no limit", "Cores of each instance, 0.01 to 1024"),
    key(
        "health.path",
        r#""/health""#,
        "`/`, where every status below 500 passes",
        "The path asked with `GET`; one that is declared has to answer 200 to 399",
    ),
    key("health.boot_timeout", r#""2m""#, "60s", "How long an instance may take to become ready"),
    key(
        "rollout.drain",
        r#""10s""#,
        "30s",
        "How long requests may go on once their instance gets no new ones",
    ),
    key("rollout.grace", r#""5s""#, "30s", "From SIGTERM to SIGKILL"),
    key(
        "rollout.observe",
        r#""0s""#,
        "30s",
        "How long a new release is watched before it counts as stable, with the old instances kept \
         warm; `0s` is off",
    ),
    key(
        "release.command",
        r#""python manage.py migrate --noinput""#,
        "the `Procfile`'s `release`; for Django with a database, `migrate`",
        "Runs once before a release starts, and fails the deployment when it fails; empty for none",
    ),
    key("release.timeout", r#""20m""#, "10m", "How long the release command may take"),
    key(
        "metrics.path",
        r#""/metrics""#,
        "none is read; with `port`, `/metrics`",
        "Where each instance exposes gauges in Prometheus' format",
    ),
    key("metrics.port", "9100", "the process's", "The port of that path"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::manifest::{Manifest, Memory, Span};
    use crate::process::{HealthCheck, Limits, RolloutSettings};

    /// A manifest with this value at this key, as JSON.
    fn with(name: &str, value: &str) -> String {
        let open = name.split('.').map(|part| format!("{{\"{}\":", part.to_lowercase()));
        let depth = name.split('.').count();
        format!("{}{value}{}", open.collect::<String>(), "}".repeat(depth))
    }

    /// The keys that a section takes, as its reader lists them to somebody who uses another.
    fn taken(section: &str) -> BTreeSet<String> {
        let dot = if section.is_empty() { "" } else { "." };
        let text = with(&format!("{section}{dot}no_such_key"), "1");
        let refusal = serde_json::from_str::<Manifest>(&text).unwrap_err().to_string();
        assert!(refusal.starts_with("unknown field `no_such_key`"), "{refusal}");
        refusal.split('`').skip(3).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn the_list_has_every_key_and_no_other() {
        let sections: BTreeSet<String> =
            KEYS.iter().map(|key| key.name.split('.').next().unwrap().to_owned()).collect();
        assert_eq!(sections, taken(""));
        let places: BTreeSet<&str> =
            KEYS.iter().map(|key| key.name.rsplit_once('.').unwrap().0).collect();
        for place in places {
            let listed =
                KEYS.iter().filter_map(|key| key.name.strip_prefix(place)?.strip_prefix('.'));
            let listed: BTreeSet<String> = listed.map(str::to_owned).collect();
            assert_eq!(listed, taken(place), "{place}");
        }
    }

    #[test]
    fn every_example_is_accepted() {
        for key in KEYS {
            let text = with(key.name, key.example);
            let read = serde_json::from_str::<Manifest>(&text);
            assert!(read.is_ok_and(|read| read != Manifest::default()), "{text}");
        }
    }

    #[test]
    fn defaults_that_are_numbers_are_those_of_the_code() {
        let default = |name: &str| KEYS.iter().find(|key| key.name == name).unwrap().default;
        let (rollout, limits) = (RolloutSettings::default(), Limits::default());
        for (name, ms) in [
            ("health.boot_timeout", HealthCheck::default().boot_deadline_ms),
            ("rollout.drain", rollout.drain_ms),
            ("rollout.grace", rollout.grace_ms),
            ("rollout.observe", rollout.observe_ms),
            ("release.timeout", rollout.release_timeout_ms),
        ] {
            assert_eq!(Span::parse(default(name)), Some(Span(ms)), "{name}");
        }
        let memory = Memory::parse(default("processes.NAME.memory")).unwrap();
        assert_eq!(memory.bytes, limits.memory_bytes);
        assert_eq!((default("processes.NAME.cpu"), limits.cpu_millis), ("no limit", None));
    }
}
