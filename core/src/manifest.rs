//! `slipway.toml`: what a repository may say about itself.
//!
//! Every key that is accepted has an effect, and anything else is an error: a key that is silently
//! ignored is worse than one that is refused. Reading the file's text is the worker's business.

pub mod keys;

use std::collections::BTreeMap;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::name::ProcessName;
use crate::process::MetricsEndpoint;
use crate::time::Millis;

/// The whole file. Every section may be left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Manifest {
    pub build: BuildSection,
    /// Process types, by name. They add to and override those of the `Procfile`.
    pub processes: BTreeMap<ProcessName, ProcessSection>,
    pub health: HealthSection,
    pub rollout: RolloutSection,
    pub release: ReleaseSection,
    pub metrics: MetricsSection,
}

/// Where instances expose metrics of their own, in Prometheus' format.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsSection {
    /// The path asked with `GET`; none is read unless one of the two is declared.
    #[serde(deserialize_with = "url_path")]
    pub path: Option<String>,
    /// The port, where it is another than the process's.
    #[serde(deserialize_with = "port")]
    pub port: Option<u16>,
}

impl MetricsSection {
    /// What is declared; `/metrics` and the process's port are what is not said.
    pub fn endpoint(&self) -> Option<MetricsEndpoint> {
        let Self { path, port } = self;
        let path = match (path, port) {
            (None, None) => return None,
            (path, _) => path.clone().unwrap_or_else(|| "/metrics".to_owned()),
        };
        Some(MetricsEndpoint { path, port: *port })
    }
}

/// How the image is built.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BuildSection {
    /// The Dockerfile's path inside the repository.
    pub dockerfile: Option<String>,
}

/// One process type.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProcessSection {
    /// The command line, for the shell inside the container.
    pub command: Option<String>,
    /// The port it listens on.
    #[serde(deserialize_with = "port")]
    pub port: Option<u16>,
    /// Memory of each instance.
    pub memory: Option<Memory>,
    /// Cores of each instance.
    pub cpu: Option<Cores>,
}

/// How readiness is judged.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HealthSection {
    /// The path asked with `GET`; declaring one makes 200–399 the only answers that pass.
    #[serde(deserialize_with = "url_path")]
    pub path: Option<String>,
    /// How long an instance may take to become ready; at most 1 h.
    pub boot_timeout: Option<Span>,
}

/// How a release takes over from the one before.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RolloutSection {
    /// How long requests in flight may take once an instance is out of the proxy.
    pub drain: Option<Span>,
    /// From SIGTERM to SIGKILL.
    pub grace: Option<Span>,
    /// How long a new release is watched before it counts as stable; `0s` is off.
    pub observe: Option<Span>,
}

/// The command that runs once before a release starts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReleaseSection {
    /// The command line; empty means that none runs, not even the default one.
    pub command: Option<String>,
    /// Its limit; at most 1 h.
    pub timeout: Option<Span>,
}

/// A span of time up to 1 h, written `500ms`, `30s`, `10m` or `1h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Millis);

impl Span {
    const LONGEST: Millis = Millis::from_secs(3600);

    /// Reads the written form; `None` for anything else, and beyond an hour.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, unit) = quantity(text)?;
        let factor = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            _ => return None,
        };
        number.checked_mul(factor).map(Millis).filter(|span| *span <= Self::LONGEST).map(Self)
    }
}

/// An amount of memory, written `512MB` or `2GB`. As containers count it, a MB is 1024² bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// The amount in bytes.
    pub bytes: u64,
}

impl Memory {
    const LEAST: u64 = 16 * 1024 * 1024;
    const MOST: u64 = 1024 * 1024 * 1024 * 1024;

    /// Reads the written form; `None` for anything else, below 16 MB and beyond 1 TB.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, unit) = quantity(text)?;
        let factor: u64 = match unit.to_ascii_lowercase().as_str() {
            "m" | "mb" | "mib" => 1024 * 1024,
            "g" | "gb" | "gib" => 1024 * 1024 * 1024,
            _ => return None,
        };
        let bytes = number.checked_mul(factor)?;
        (Self::LEAST..=Self::MOST).contains(&bytes).then_some(Self { bytes })
    }
}

/// A share of CPU, written as a number of cores: `0.5`, `2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cores {
    /// Thousandths of a core.
    pub millis: u32,
}

fn quantity(text: &str) -> Option<(u64, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    Some((number.parse().ok()?, unit.trim_start()))
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            D::Error::custom(format!(
                "`{text}` is not a span of time: write it like `30s` or `10m`, at most `1h`"
            ))
        })
    }
}

impl<'de> Deserialize<'de> for Memory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            D::Error::custom(format!(
                "`{text}` is not an amount of memory: write it like `512MB` or `2GB`, at least `16MB`"
            ))
        })
    }
}

impl<'de> Deserialize<'de> for Cores {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let cores = f64::deserialize(deserializer)?;
        if !(0.01..=1024.0).contains(&cores) {
            return Err(D::Error::custom(format!(
                "`{cores}` is not a number of cores: use one between `0.01` and `1024`"
            )));
        }
        // In range by the check above, so the conversion keeps every whole thousandth.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let millis = (cores * 1000.0).round() as u32;
        Ok(Self { millis })
    }
}

fn port<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    let number = i64::deserialize(deserializer)?;
    match u16::try_from(number) {
        Ok(port) if port > 0 => Ok(Some(port)),
        _ => Err(D::Error::custom(format!("`{number}` is not a port: use one from 1 to 65535"))),
    }
}

fn url_path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let path = String::deserialize(deserializer)?;
    // What may stand in the path and the query of a URI (RFC 3986).
    let plain = path
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&byte));
    if path.starts_with('/') && plain && path.len() <= 1024 {
        Ok(Some(path))
    } else {
        Err(D::Error::custom(format!(
            "`{path}` is not a path: start it with `/`, and write a space as `%20`"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_numbers_with_a_unit() {
        assert_eq!(Span::parse("30s"), Some(Span(Millis(30_000))));
        assert_eq!(Span::parse("10m"), Some(Span(Millis(600_000))));
        assert_eq!(Span::parse("0s"), Some(Span(Millis(0))));
        assert_eq!(Span::parse("1h"), Some(Span(Millis(3_600_000))));
        for bad in ["", "30", "s", "-1s", "1.5s", "30 sec", "2h", "99999999999999999999s"] {
            assert_eq!(Span::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn metrics_are_read_where_something_is_declared() {
        let endpoint = |json: &str| {
            let section: MetricsSection = serde_json::from_str(json).unwrap();
            section.endpoint().map(|endpoint| (endpoint.path, endpoint.port))
        };
        assert_eq!(endpoint("{}"), None);
        assert_eq!(endpoint(r#"{"port": 9100}"#), Some(("/metrics".to_owned(), Some(9100))));
        assert_eq!(endpoint(r#"{"path": "/stats"}"#), Some(("/stats".to_owned(), None)));
    }

    #[test]
    fn memory_is_counted_as_containers_count_it() {
        assert_eq!(Memory::parse("512MB").map(|m| m.bytes), Some(512 * 1024 * 1024));
        assert_eq!(Memory::parse("2 GiB").map(|m| m.bytes), Some(2 * 1024 * 1024 * 1024));
        for bad in ["", "512", "1kb", "15MB", "2TB", "lots", "99999999999999999999GB"] {
            assert_eq!(Memory::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn values_out_of_range_are_refused_with_the_range() {
        let refusal =
            |json: &str| serde_json::from_str::<ProcessSection>(json).unwrap_err().to_string();
        assert!(refusal(r#"{"port": 0}"#).contains("1 to 65535"));
        assert!(refusal(r#"{"port": 70000}"#).contains("`70000`"));
        assert!(refusal(r#"{"cpu": 0}"#).contains("0.01"));
        assert!(refusal(r#"{"memory": "1MB"}"#).contains("at least `16MB`"));
        let cpu = serde_json::from_str::<ProcessSection>(r#"{"cpu": 0.5}"#).unwrap().cpu;
        assert_eq!(cpu, Some(Cores { millis: 500 }));
    }
}
