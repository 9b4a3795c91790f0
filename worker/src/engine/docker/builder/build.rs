//! Running one build, on BuildKit or, where a daemon has none, on the classic builder.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bollard::errors::Error;
use bollard::models::{BuildInfo, BuildInfoAux};
use bollard::query_parameters::{BuildImageOptions, BuildImageOptionsBuilder, BuilderVersion};
use futures_util::{Stream, TryStreamExt};
use tokio::fs::File;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::super::Docker;
use super::super::call::status;
use super::confine::Confinement;
use super::failure::{build_failed, unavailable};
use super::progress::Progress;
use super::reports::{self, Order};
use super::text::plain;
use super::{classic, failure};
use crate::builder::{BuildError, BuildLog};
use crate::output::Lines;

/// Limit of a whole build.
pub const TOTAL: Duration = Duration::from_mins(15);
/// Longest time without a sign of progress.
const SILENCE: Duration = Duration::from_mins(5);
/// The least share of CPU, so that a build never slows the apps down.
const STEP_CPU_SHARES: i32 = 2;
/// How many lines are kept for a failure of the classic builder.
const TAIL: usize = 20;

/// What a build is told.
pub struct Build<'a> {
    pub context: &'a Path,
    pub dockerfile: &'a str,
    pub tag: &'a str,
    pub arguments: &'a BTreeMap<String, String>,
    pub labels: HashMap<String, String>,
    pub titles: &'a BTreeMap<String, String>,
}

impl Build<'_> {
    fn options(
        &self,
        arguments: &BTreeMap<String, String>,
        memory_bytes: u64,
    ) -> BuildImageOptionsBuilder {
        let arguments: HashMap<&str, &str> =
            arguments.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let labels: HashMap<&str, &str> =
            self.labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        BuildImageOptionsBuilder::default()
            .dockerfile(self.dockerfile)
            .t(self.tag)
            .buildargs(&arguments)
            .labels(&labels)
            .rm(true)
            .forcerm(true)
            // Heeded by the classic builder alone, which takes no more than this number holds.
            .memory(i32::try_from(memory_bytes).unwrap_or(i32::MAX))
            .cpushares(STEP_CPU_SHARES)
    }
}

/// How an attempt on one builder ended.
enum Attempt {
    Made(String),
    /// The daemon has no such builder.
    NoBuilder,
}

impl Docker {
    /// Builds an image and returns its id. Bounded in all and between two signs of progress;
    /// dropping the connection is what ends a build early.
    pub(super) async fn run_build(
        &self,
        build: &Build<'_>,
        log: &BuildLog,
        cancel: &CancellationToken,
    ) -> Result<String, BuildError> {
        let attempt = async {
            match self.build_on(build, Kind::BuildKit, log).await? {
                Attempt::Made(id) => Ok(id),
                Attempt::NoBuilder => self.run_classic(build, log).await,
            }
        };
        tokio::select! {
            outcome = timeout(TOTAL, attempt) => outcome.unwrap_or_else(|_| {
                Err(build_failed(format!("not done within {} min", TOTAL.as_secs() / 60), Vec::new()))
            }),
            () = cancel.cancelled() => Err(BuildError::Canceled),
        }
    }

    /// The same on the classic builder, which knows no mounts.
    async fn run_classic(&self, build: &Build<'_>, log: &BuildLog) -> Result<String, BuildError> {
        let _ = log
            .send(" !     this Docker has no BuildKit: building without package caches".to_owned())
            .await;
        let context = classic::context(build.context, build.dockerfile).await?;
        let build = Build { context: context.path(), labels: build.labels.clone(), ..*build };
        match self.build_on(&build, Kind::Classic, log).await? {
            Attempt::Made(id) => Ok(id),
            Attempt::NoBuilder => Err(build_failed("Docker has no builder".to_owned(), Vec::new())),
        }
    }

    async fn build_on(
        &self,
        build: &Build<'_>,
        kind: Kind,
        log: &BuildLog,
    ) -> Result<Attempt, BuildError> {
        let context = File::open(build.context).await.map_err(|error| unavailable(&error))?;
        let memory_bytes = self.settings.build_memory_bytes;
        let mut confinement = Confinement::new(build.tag, memory_bytes);
        let options = build.options(&confinement.mark(build.arguments), memory_bytes);
        let (socket, options) = (self.settings.socket.clone(), kind.options(options));
        let stream = reports::follow(Order { socket, options, context });
        let mut story = Story::new(kind, build.titles.clone());
        let outcome = tokio::select! {
            outcome = story.follow(stream, log) => outcome,
            never = confinement.watch() => match never {},
        };
        match outcome {
            Err(Ended::Refused(error)) if kind == Kind::BuildKit && lacks_buildkit(&error) => {
                Ok(Attempt::NoBuilder)
            }
            Err(Ended::Refused(error)) => {
                Err(failure::of_memory(story.failed(&error), &mut confinement, memory_bytes))
            }
            Err(Ended::Silent) => {
                let message = format!("no progress for {} min", SILENCE.as_secs() / 60);
                Err(build_failed(message, story.last_lines()))
            }
            Ok(()) => {
                story.image.take().map(Attempt::Made).ok_or_else(|| {
                    build_failed("Docker made no image".to_owned(), story.last_lines())
                })
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    BuildKit,
    Classic,
}

impl Kind {
    fn options(self, options: BuildImageOptionsBuilder) -> BuildImageOptions {
        /// Tells the sessions of one process apart.
        static SESSIONS: AtomicU64 = AtomicU64::new(0);
        match self {
            Self::BuildKit => {
                let number = SESSIONS.fetch_add(1, Ordering::Relaxed);
                let session = format!("slipway-{}-{number}", std::process::id());
                options.version(BuilderVersion::BuilderBuildKit).session(&session).build()
            }
            Self::Classic => options.version(BuilderVersion::BuilderV1).build(),
        }
    }
}

/// Whether the daemon refuses BuildKit as such, rather than this build.
fn lacks_buildkit(error: &Error) -> bool {
    let text = error.to_string().to_ascii_lowercase();
    let refused = status(error).is_some_and(|status| (400..=501).contains(&status));
    refused && text.contains("buildkit") && !text.contains("dockerfile")
}

/// Why following a build ended without its end.
enum Ended {
    Refused(Error),
    Silent,
}

/// What a build has told so far.
struct Story {
    kind: Kind,
    progress: Progress,
    /// Output of the classic builder, which comes as text.
    classic: Lines,
    tail: VecDeque<String>,
    image: Option<String>,
}

impl Story {
    fn new(kind: Kind, titles: BTreeMap<String, String>) -> Self {
        Self {
            kind,
            progress: Progress::new(titles),
            classic: Lines::default(),
            tail: VecDeque::new(),
            image: None,
        }
    }

    async fn follow(
        &mut self,
        stream: impl Stream<Item = Result<BuildInfo, Error>>,
        log: &BuildLog,
    ) -> Result<(), Ended> {
        let mut stream = std::pin::pin!(stream);
        loop {
            let next = timeout_at(Instant::now() + SILENCE, stream.try_next()).await;
            let report = next.map_err(|_| Ended::Silent)?.map_err(Ended::Refused)?;
            let Some(report) = report else { return Ok(()) };
            for line in self.take(report) {
                // Whoever reads the log may be gone; the build goes on.
                let _ = log.send(line).await;
            }
        }
    }

    fn take(&mut self, report: BuildInfo) -> Vec<String> {
        match report.aux {
            Some(BuildInfoAux::BuildKit(report)) => self.progress.take(&report),
            Some(BuildInfoAux::Default(image)) => {
                self.image = image.id;
                Vec::new()
            }
            // BuildKit says nothing in plain text but that it is done.
            None if self.kind == Kind::BuildKit => Vec::new(),
            None => {
                let text = report.stream.unwrap_or_default();
                let lines = self.classic.push(text.as_bytes());
                lines.into_iter().filter_map(|line| self.classic_line(&line)).collect()
            }
        }
    }

    fn classic_line(&mut self, line: &str) -> Option<String> {
        let line = plain(line);
        if line.is_empty() || line.starts_with(" --->") || line.starts_with("Removing intermediate")
        {
            return None;
        }
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back(line.clone());
        let is_step = line.starts_with("Step ");
        Some(if is_step { format!("-----> {line}") } else { format!("       {line}") })
    }

    fn last_lines(&self) -> Vec<String> {
        let failure = self.progress.failure().map(|failure| failure.last_lines);
        failure.unwrap_or_else(|| self.tail.iter().cloned().collect())
    }

    fn failed(&self, error: &Error) -> BuildError {
        failure::from_docker(error, self.progress.failure(), self.last_lines())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::docker::DockerSettings;
    use slipway_core::id::{Id, InstallationId};

    #[tokio::test]
    async fn the_classic_builder_makes_the_same_image_from_the_same_context() {
        let settings = DockerSettings::new(InstallationId::from_bits(1));
        let docker = Docker::connect(settings).await.expect("this test needs Docker");
        let directory = tempfile::tempdir().unwrap();
        let context = directory.path().join("context.tar");
        let mut tar = tar::Builder::new(std::fs::File::create(&context).unwrap());
        let dockerfile = "FROM scratch\nCOPY a /b\nEXPOSE 81\n";
        for (name, text) in [("Dockerfile", dockerfile), ("a", "content")] {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            tar.append_data(&mut header, name, text.as_bytes()).unwrap();
        }
        tar.finish().unwrap();
        let tag = format!("slipway/classic:{}", std::process::id());
        let build = Build {
            context: &context,
            dockerfile: "Dockerfile",
            tag: &tag,
            arguments: &BTreeMap::new(),
            labels: HashMap::new(),
            titles: &BTreeMap::new(),
        };
        let (log, mut lines) = tokio::sync::mpsc::channel(1000);
        let digest = docker.run_classic(&build, &log).await.unwrap();
        let image = docker.inspect_image(&digest).await.unwrap().unwrap();
        assert_eq!(image.config.unwrap().exposed_ports, Some(vec!["81/tcp".to_owned()]));
        drop(log);
        let mut said = Vec::new();
        while let Some(line) = lines.recv().await {
            said.push(line);
        }
        assert!(said.contains(&"-----> Step 2/3 : COPY a /b".to_owned()), "{said:#?}");
        docker.remove_name(&tag).await.unwrap();
    }
}
