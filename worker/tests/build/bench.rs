//! A Docker, an installation of its own, and everything between a repository and its image.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use slipway_core::id::{AppId, DeploymentId, Id, InstallationId};
use slipway_core::process::Formation;
use slipway_core::reason::Reason;
use slipway_core::release::ImageRef;
use slipway_worker::builder::{BuildError, BuildLog, BuildRequest, Builder};
use slipway_worker::context::Host;
use slipway_worker::engine::Engine;
use slipway_worker::engine::docker::{Docker, DockerSettings};
use slipway_worker::source::base::Bases;
use slipway_worker::source::certificates::HostCertificates;
use slipway_worker::source::context::write_context;
use slipway_worker::source::plan::{BuildPlan, PlanInputs};
use slipway_worker::source::tree::SourceTree;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A bench of its own for each test; its images go when it goes.
pub struct Bench {
    pub docker: Docker,
    pub app_id: AppId,
    certificates: HostCertificates,
    scratch: TempDir,
    made: Mutex<Vec<ImageRef>>,
}

/// A planned build with its context written.
pub struct Prepared {
    pub request: BuildRequest,
    pub plan: BuildPlan,
    pub headline: String,
    pub log: Vec<String>,
}

/// A build that worked.
pub struct Built {
    pub image: ImageRef,
    pub deployment_id: DeploymentId,
    pub formation: Formation,
    pub headline: String,
    /// Everything said on the way.
    pub log: Vec<String>,
    /// From the archive to the image.
    pub elapsed: Duration,
}

/// Where it ended.
#[derive(Debug)]
pub enum Failure {
    Source(Reason),
    Build(BuildError),
}

impl Bench {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A bench whose Docker is used in another way.
    pub async fn with(change: impl FnOnce(&mut DockerSettings)) -> Self {
        let certificates = HostCertificates::of_host();
        let mut settings = DockerSettings::new(InstallationId::from_bits(chance()));
        settings.bases.certificates = certificates.clone();
        change(&mut settings);
        let docker = Docker::connect(settings).await.expect("these tests need Docker");
        let scratch = tempfile::tempdir().unwrap();
        let app_id = AppId::from_bits(chance());
        Self { docker, app_id, certificates, scratch, made: Mutex::default() }
    }

    /// Builds a directory of this repository, with some files replaced or added.
    pub async fn build(&self, directory: &str, edits: &[(&str, &str)]) -> Result<Built, Failure> {
        let started = Instant::now();
        let prepared = self.prepare(directory, edits).await?;
        let (log, lines) = log();
        let image = self.docker.build(&prepared.request, &log, &CancellationToken::new()).await;
        drop(log);
        let mut said = prepared.log;
        said.extend(drain(lines));
        let image = image.map_err(Failure::Build)?;
        self.made.lock().unwrap().push(image.clone());
        let exposed = self.docker.exposed_ports(&image).await.map_err(Failure::Build)?;
        Ok(Built {
            image,
            deployment_id: prepared.request.deployment_id,
            formation: prepared.plan.formation(&exposed, None),
            headline: prepared.headline,
            log: said,
            elapsed: started.elapsed(),
        })
    }

    /// Why a directory of this repository does not build.
    pub async fn refusal(&self, directory: &str, edits: &[(&str, &str)]) -> Reason {
        match self.build(directory, edits).await {
            Err(Failure::Source(reason) | Failure::Build(BuildError::Failed(reason))) => reason,
            Err(Failure::Build(error)) => panic!("{error:?}"),
            Ok(built) => panic!("it built: {:#?}", built.log),
        }
    }

    /// Everything before the build itself.
    pub async fn prepare(
        &self,
        directory: &str,
        edits: &[(&str, &str)],
    ) -> Result<Prepared, Failure> {
        let archive = self.scratch.path().join(format!("{:x}.tar.gz", chance()));
        pack(&repository().join(directory), edits, &archive);
        let tree = SourceTree::read(&archive).unwrap();
        let inputs = PlanInputs {
            cache_scope: self.app_id.to_string(),
            arguments: BTreeMap::new(),
            has_certificates: !self.certificates.is_empty(),
        };
        let plan = BuildPlan::of(&tree, &inputs).map_err(Failure::Source)?;
        let (log, lines) = log();
        let mut bases = Bases::new();
        for need in plan.needs() {
            let base = self.docker.base(&need, &log, &CancellationToken::new()).await;
            bases.insert(need, base.map_err(Failure::Build)?);
        }
        drop(log);
        let context = archive.with_extension("context");
        write_context(&tree, &plan, &bases, &self.certificates, &context).unwrap();
        let request = BuildRequest {
            app_id: self.app_id.clone(),
            app: "bench".parse().unwrap(),
            deployment_id: DeploymentId::from_bits(chance()),
            context,
            dockerfile: plan.dockerfile_path(),
            arguments: plan.arguments(&bases),
            titles: plan.titles(),
        };
        let headline = plan.headline(&bases);
        Ok(Prepared { request, plan, headline, log: drain(lines) })
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let images = std::mem::take(&mut *self.made.lock().unwrap());
        let (docker, app_id) = (self.docker.clone(), self.app_id.clone());
        // A thread of its own: this one may be inside a runtime that is going away.
        let cleaning = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(clean(&docker, &app_id, &images))
        });
        let cleaned = cleaning.join().unwrap();
        assert!(std::thread::panicking() || cleaned.is_ok(), "something stays: {cleaned:?}");
    }
}

/// Removes everything a bench made, with what a failed test left running.
async fn clean(docker: &Docker, app_id: &AppId, images: &[ImageRef]) -> anyhow::Result<()> {
    for instance in docker.list().await? {
        docker.stop(&instance.id, Duration::ZERO).await?;
    }
    docker.forget(app_id).await?;
    for image in images {
        docker.remove(image).await?;
    }
    Ok(())
}

/// The root of this repository.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A file of this repository.
pub fn text(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap()
}

/// Packs a directory as `git archive` does, with some files replaced or added.
fn pack(directory: &Path, edits: &[(&str, &str)], archive: &Path) {
    let mut files = BTreeMap::new();
    collect(directory, directory, &mut files);
    files.extend(edits.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())));
    let gzip = GzEncoder::new(fs::File::create(archive).unwrap(), Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(1_700_000_000);
        tar.append_data(&mut header, path, content.as_slice()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap();
}

fn collect(root: &Path, directory: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            files.insert(name, fs::read(&path).unwrap());
        }
    }
}

/// Bits that nobody else has.
pub fn chance() -> u128 {
    let [low, high] = [0, 1].map(|seed| u128::from(RandomState::new().hash_one(seed)));
    high << 64 | low
}

/// A log and its reader, roomy enough for a build that nobody reads along.
pub fn log() -> (BuildLog, mpsc::Receiver<String>) {
    mpsc::channel(100_000)
}

/// Everything that was said.
pub fn drain(mut lines: mpsc::Receiver<String>) -> Vec<String> {
    let mut said = Vec::new();
    while let Ok(line) = lines.try_recv() {
        said.push(line);
    }
    said
}

/// Waits until something holds.
pub async fn eventually(limit: Duration, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + limit;
    while !holds() {
        assert!(Instant::now() < deadline, "it does not hold after {limit:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Whether a process of this host has these words on its command line.
pub fn a_process_runs(words: &str) -> bool {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes.into_iter().any(|entry| {
        let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        command.contains(words)
    })
}
