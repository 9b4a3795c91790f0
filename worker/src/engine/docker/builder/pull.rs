//! Getting images from registries, and remembering which registries cannot be reached.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bollard::errors::Error;
use bollard::models::CreateImageInfo;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::TryStreamExt;
use slipway_core::reason::{Reason, ReasonCode};
use slipway_core::release::ImageRef;
use tokio::time::{Instant, sleep, timeout};

use super::super::Docker;
use super::super::call::refused;
use super::failure::from_engine;
use super::image::repository;
use crate::builder::{BuildError, BuildLog};

/// How long a registry may take to say its first word.
const FIRST_WORD: Duration = Duration::from_secs(5);
/// Longest time without progress while layers come in.
const SILENCE: Duration = Duration::from_mins(1);
/// Limit of a whole pull.
const TOTAL: Duration = Duration::from_mins(10);
/// How long a registry that could not be reached is not asked again for base images.
const FORGET_AFTER: Duration = Duration::from_mins(10);
/// Waits between the tries to pull an image that somebody asked for by name.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];

/// Registries that could not be reached lately, with when that was.
#[derive(Debug, Default)]
pub struct Registries(Mutex<BTreeMap<String, Instant>>);

impl Registries {
    fn is_out_of_reach(&self, host: &str, now: Instant) -> bool {
        let silent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        silent.get(host).is_some_and(|since| now - *since < FORGET_AFTER)
    }

    fn remember(&self, host: &str, now: Instant) {
        let mut silent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        silent.insert(host.to_owned(), now);
    }
}

/// Why an image did not come.
#[derive(Debug)]
pub enum PullError {
    /// Its registry does not answer.
    OutOfReach(String),
    /// The registry answered, and not with the image.
    Refused(String),
    /// Neither of the two had a chance: Docker does not answer, or the pull was canceled.
    Ended(BuildError),
}

impl Docker {
    /// Pulls an image once, unless its registry was out of reach a moment ago.
    pub(super) async fn try_pull(&self, name: &str, log: &BuildLog) -> Result<(), PullError> {
        let host = registry(name);
        if self.shared.registries.is_out_of_reach(host, Instant::now()) {
            return Err(PullError::OutOfReach(format!("`{host}` cannot be reached")));
        }
        let outcome = self.pull_once(name, log).await;
        if let Err(PullError::OutOfReach(_)) = &outcome {
            self.shared.registries.remember(host, Instant::now());
        }
        outcome
    }

    async fn pull_once(&self, name: &str, log: &BuildLog) -> Result<(), PullError> {
        let pull = self.follow_pull(name, log);
        timeout(TOTAL, pull).await.unwrap_or_else(|_| {
            let minutes = TOTAL.as_secs() / 60;
            Err(PullError::OutOfReach(format!("not complete within {minutes} min")))
        })
    }

    async fn follow_pull(&self, name: &str, log: &BuildLog) -> Result<(), PullError> {
        let (image, tag) = split(name);
        let options = CreateImageOptionsBuilder::default().from_image(image).tag(tag).build();
        let stream = self.client.create_image(Some(options), None, None);
        let mut stream = std::pin::pin!(stream);
        let mut patience = FIRST_WORD;
        loop {
            let next = timeout(patience, stream.try_next()).await.map_err(|_| {
                PullError::OutOfReach(format!("no answer within {} s", patience.as_secs()))
            })?;
            let Some(news) = next.map_err(|error| classify(&error))? else { return Ok(()) };
            if patience == FIRST_WORD {
                patience = SILENCE;
                // Whoever reads the log may be gone; the pull goes on.
                let _ = log.send(format!("       Pulling {name}")).await;
            }
            if let Some(line) = telling(&news) {
                let _ = log.send(format!("       {line}")).await;
            }
        }
    }

    /// Resolves a name that somebody gave: the registry's image, or, where the registry cannot be
    /// reached or does not have it, the one on this machine.
    pub(super) async fn pull_named(
        &self,
        name: &str,
        log: &BuildLog,
    ) -> Result<ImageRef, BuildError> {
        let has_id = name.starts_with("sha256:");
        let mut problem = None;
        for pause in PAUSES.iter().map(Some).chain([None]).take(if has_id { 0 } else { 3 }) {
            match self.pull_once(name, log).await {
                Ok(()) => {
                    problem = None;
                    break;
                }
                Err(PullError::Ended(error)) => return Err(error),
                Err(PullError::Refused(message)) => {
                    problem = Some(message);
                    break;
                }
                Err(PullError::OutOfReach(message)) => problem = Some(message),
            }
            if let Some(pause) = pause {
                sleep(*pause).await;
            }
        }
        self.resolve(name, problem, log).await
    }

    async fn resolve(
        &self,
        name: &str,
        problem: Option<String>,
        log: &BuildLog,
    ) -> Result<ImageRef, BuildError> {
        let found = self.inspect_image(name).await?.and_then(|image| image.id);
        match (found, problem) {
            (Some(digest), problem) => {
                if let Some(problem) = problem {
                    let line = format!(" !     `{name}` is the copy on this machine: {problem}");
                    let _ = log.send(line).await;
                }
                Ok(ImageRef { repository: repository(name).to_owned(), digest })
            }
            (None, problem) => {
                let problem = problem.unwrap_or_else(|| "it is not on this machine".to_owned());
                let message = format!("image `{name}` cannot be had: {problem}");
                Err(BuildError::Failed(Reason::new(ReasonCode::ImageUnavailable, message)))
            }
        }
    }
}

/// The host that a name's registry is at.
fn registry(name: &str) -> &str {
    let first = name.split('/').next().filter(|_| name.contains('/')).unwrap_or_default();
    let is_host = first.contains(['.', ':']) || first == "localhost";
    if is_host { first } else { "docker.io" }
}

/// A name and its tag or digest; `latest` without one.
fn split(name: &str) -> (&str, &str) {
    if let Some((image, digest)) = name.split_once('@') {
        return (repository(image), digest);
    }
    let image = repository(name);
    let tag = name.get(image.len() + 1..).unwrap_or("latest");
    (image, tag)
}

fn classify(error: &Error) -> PullError {
    const SILENT: [&str; 9] = [
        "no such host",
        "i/o timeout",
        "connection refused",
        "network is unreachable",
        "no route to host",
        "TLS handshake",
        "x509:",
        "Client.Timeout",
        "server misbehaving",
    ];
    let refusal = refused("pulling an image", error);
    let text = error.to_string();
    if SILENT.iter().any(|sign| text.contains(sign)) || text.contains("EOF") {
        let sign = SILENT.iter().find(|sign| text.contains(**sign));
        return PullError::OutOfReach((*sign.unwrap_or(&"connection closed")).to_owned());
    }
    match from_engine(refusal) {
        error @ BuildError::Unavailable(_) => PullError::Ended(error),
        BuildError::Failed(_) | BuildError::Canceled => {
            let text = text.rsplit("responded with status code 404: ").next().unwrap_or(&text);
            PullError::Refused(text.trim().to_owned())
        }
    }
}

/// The reports worth a line: the end of the whole pull, not each layer's percentages.
fn telling(news: &CreateImageInfo) -> Option<&str> {
    let status = news.status.as_deref()?;
    let tells = status.starts_with("Digest:") || status.starts_with("Status:");
    tells.then_some(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_is_known_by_the_name() {
        assert_eq!(registry("python:3.12-slim"), "docker.io");
        assert_eq!(registry("me/shop"), "docker.io");
        assert_eq!(registry("ghcr.io/me/shop:1"), "ghcr.io");
        assert_eq!(registry("localhost:5000/shop"), "localhost:5000");
    }

    #[test]
    fn a_name_splits_into_image_and_tag() {
        assert_eq!(split("python"), ("python", "latest"));
        assert_eq!(split("python:3.12-slim"), ("python", "3.12-slim"));
        assert_eq!(split("localhost:5000/a/b"), ("localhost:5000/a/b", "latest"));
        assert_eq!(split("a/b:1@sha256:00"), ("a/b", "sha256:00"));
    }

    #[test]
    fn a_registry_out_of_reach_is_told_from_an_image_that_is_not_there() {
        let answer = |message: &str| Error::DockerResponseServerError {
            status_code: 500,
            message: message.to_owned(),
        };
        let silent = "Get \"https://registry.example.com/v2/\": dial tcp: lookup registry.example.com: no such host";
        assert!(matches!(classify(&answer(silent)), PullError::OutOfReach(_)));
        let absent = "manifest for python:9 not found: manifest unknown: manifest unknown";
        assert!(matches!(classify(&answer(absent)), PullError::Refused(_)));
    }

    #[test]
    fn a_registry_is_asked_again_after_a_while() {
        let registries = Registries::default();
        let now = Instant::now();
        registries.remember("docker.io", now);
        assert!(registries.is_out_of_reach("docker.io", now + FORGET_AFTER / 2));
        assert!(!registries.is_out_of_reach("ghcr.io", now));
        assert!(!registries.is_out_of_reach("docker.io", now + FORGET_AFTER));
    }
}
