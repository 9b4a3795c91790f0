//! Base images made on this machine, from the packages of its distribution.
//!
//! ```text
//!   mmdebstrap ─▶ system ─Dockerfile▶ debian ─Dockerfile▶ python, node, website
//! ```
//!
//! An image's tag carries a hash of everything it is made from. It is made when it is first needed,
//! once, and kept: installations on the same host share it, and a new recipe makes a new image.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bollard::query_parameters::{ListImagesOptionsBuilder, TagImageOptionsBuilder};
use sha2::{Digest, Sha256};
use slipway_core::release::ImageRef;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::super::Docker;
use super::super::call::{CHANGE, LOOK_UP};
use super::build::{Build, TOTAL};
use super::failure::{build_failed, from_engine, unavailable};
use super::system;
use crate::builder::{BuildError, BuildLog};
use crate::source::base::Family;

/// Where an image keeps the version of its program, for the tag.
const VERSION_DIRECTORY: &str = "/slipway-base";
const VERSION_FILE: &str = "version";
/// Marks base images, with the family's name.
const LABEL: &str = "slipway.base";
/// The build argument that names the image below.
const BELOW: &str = "BELOW";
/// How often a lock that somebody else holds is tried again.
const LOCK_PAUSE: Duration = Duration::from_millis(200);

/// A base image that was made here.
pub struct LocalBase {
    pub reference: String,
    /// Of the family's program: `3.11`.
    pub version: String,
}

/// The Dockerfile of a family, on top of the plain system.
fn recipe(family: Family) -> &'static str {
    match family {
        Family::Debian => include_str!("../../../../../deploy/base/debian.Dockerfile"),
        Family::Python => include_str!("../../../../../deploy/base/python.Dockerfile"),
        Family::Node => include_str!("../../../../../deploy/base/node.Dockerfile"),
        Family::Static => include_str!("../../../../../deploy/base/website.Dockerfile"),
    }
}

fn repository(family: Family) -> String {
    format!("slipway/base-{}", family.as_str())
}

impl Docker {
    /// The base of a family, made now when this is the first time it is needed. `why` says why
    /// there is no other.
    pub(super) async fn local_base(
        &self,
        family: Family,
        why: &str,
        log: &BuildLog,
        cancel: &CancellationToken,
    ) -> Result<LocalBase, BuildError> {
        let hash = self.hash(family);
        if let Some(base) = self.made_base(family, &hash).await? {
            return Ok(base);
        }
        let directory = &self.settings.bases.directory;
        let _lock = lock(directory, &hash, cancel).await?;
        if let Some(base) = self.made_base(family, &hash).await? {
            return Ok(base);
        }
        // Whoever reads the log may be gone; the build goes on.
        let line =
            format!("-----> Making a base image for {}, once (no registry: {why})", family.title());
        let _ = log.send(line).await;
        let below = if family == Family::Debian {
            self.make_system(&hash, log, cancel).await?
        } else {
            Box::pin(self.local_base(Family::Debian, why, log, cancel)).await?.reference
        };
        let started = Instant::now();
        let base = self.make_base(family, &hash, &below, log, cancel).await?;
        let seconds = started.elapsed().as_secs_f32();
        let _ = log.send(format!("       {} in {seconds:.1} s", base.reference)).await;
        Ok(base)
    }

    /// What an image of this family is made from, in twelve characters.
    fn hash(&self, family: Family) -> String {
        let mut hash = Sha256::new();
        hash.update(system::fingerprint());
        for anchor in &self.settings.bases.certificates.anchors {
            hash.update(anchor);
        }
        hash.update(recipe(Family::Debian));
        hash.update(recipe(family));
        hex::encode(hash.finalize())[..12].to_owned()
    }

    async fn made_base(&self, family: Family, hash: &str) -> Result<Option<LocalBase>, BuildError> {
        let pattern = format!("{}:*-{hash}", repository(family));
        let filters = HashMap::from([("reference".to_owned(), vec![pattern])]);
        let options = ListImagesOptionsBuilder::default().filters(&filters).build();
        let list = self.client.list_images(Some(options));
        let images =
            self.call("looking for a base image", LOOK_UP, list).await.map_err(from_engine)?;
        let tags = images.into_iter().flat_map(|image| image.repo_tags);
        let suffix = format!("-{hash}");
        let prefix = format!("{}:", repository(family));
        Ok(tags.into_iter().find_map(|tag| {
            let version = tag.strip_prefix(&prefix)?.strip_suffix(&suffix)?.to_owned();
            Some(LocalBase { reference: tag, version })
        }))
    }

    async fn make_base(
        &self,
        family: Family,
        hash: &str,
        below: &str,
        log: &BuildLog,
        cancel: &CancellationToken,
    ) -> Result<LocalBase, BuildError> {
        let directory = scratch(&self.settings.bases.directory)?;
        let context = directory.path().join("context.tar");
        write_recipe(&context, recipe(family)).map_err(|error| unavailable(&error))?;
        let staged = format!("{}:making-{hash}", repository(family));
        let build = Build {
            context: &context,
            dockerfile: "Dockerfile",
            tag: &staged,
            arguments: &BTreeMap::from([(BELOW.to_owned(), below.to_owned())]),
            labels: HashMap::from([(LABEL.to_owned(), family.as_str().to_owned())]),
            titles: &BTreeMap::new(),
        };
        let digest = self.run_build(&build, log, cancel).await?;
        let image = ImageRef { repository: repository(family), digest };
        let record = directory.path().join("record");
        self.export_directory(&image, VERSION_DIRECTORY, &record).await?;
        let version = std::fs::read_to_string(record.join(VERSION_FILE)).map_err(|error| {
            build_failed(format!("the base image has no version: {error}"), Vec::new())
        })?;
        let version = version.trim().to_owned();
        let tag = format!("{version}-{hash}");
        let options = TagImageOptionsBuilder::default().repo(&repository(family)).tag(&tag).build();
        let tagging = self.client.tag_image(&image.digest, Some(options));
        self.call("naming a base image", CHANGE, tagging).await.map_err(from_engine)?;
        self.remove_name(&staged).await?;
        Ok(LocalBase { reference: format!("{}:{tag}", repository(family)), version })
    }

    /// Makes the plain system, unless an interrupted attempt already did, and returns the name it was given.
    async fn make_system(
        &self,
        hash: &str,
        log: &BuildLog,
        cancel: &CancellationToken,
    ) -> Result<String, BuildError> {
        let name = format!("slipway/base-system:{hash}");
        if self.inspect_image(&name).await?.is_some() {
            return Ok(name);
        }
        let directory = scratch(&self.settings.bases.directory)?;
        let packed = directory.path().join("system.tar");
        system::make(&packed, &self.settings.bases.certificates, log, cancel).await?;
        self.import(&packed, &name).await?;
        Ok(name)
    }
}

fn scratch(directory: &Path) -> Result<tempfile::TempDir, BuildError> {
    tempfile::Builder::new()
        .prefix("base-")
        .tempdir_in(directory)
        .map_err(|error| unavailable(&format!("`{}`: {error}", directory.display())))
}

fn write_recipe(path: &PathBuf, text: &str) -> std::io::Result<()> {
    let mut tar = tar::Builder::new(File::create_new(path)?);
    let mut header = tar::Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, "Dockerfile", text.as_bytes())?;
    tar.finish()
}

/// Waits until nobody else makes the image of this hash. The lock ends with the process that holds
/// it, however that ends.
async fn lock(
    directory: &Path,
    hash: &str,
    cancel: &CancellationToken,
) -> Result<File, BuildError> {
    let failed =
        |error: &dyn std::fmt::Display| unavailable(&format!("`{}`: {error}", directory.display()));
    std::fs::create_dir_all(directory).map_err(|error| failed(&error))?;
    let file =
        File::create(directory.join(format!("{hash}.lock"))).map_err(|error| failed(&error))?;
    let deadline = Instant::now() + TOTAL;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(std::fs::TryLockError::WouldBlock) if cancel.is_cancelled() => {
                return Err(BuildError::Canceled);
            }
            Err(std::fs::TryLockError::WouldBlock) if Instant::now() < deadline => {
                sleep(LOCK_PAUSE).await;
            }
            Err(error) => return Err(failed(&error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::docker::DockerSettings;
    use crate::source::certificates::HostCertificates;
    use slipway_core::id::{Id, InstallationId};
    use std::hash::{BuildHasher, RandomState};

    /// A certificate that differs from everybody's, so that its base images do too.
    fn certificate() -> String {
        let all = std::fs::read_to_string("/etc/ssl/certs/ca-certificates.crt").unwrap();
        let end = "-----END CERTIFICATE-----\n";
        let first = &all[..all.find(end).unwrap() + end.len()];
        format!("# {:x}\n{first}", RandomState::new().hash_one(0))
    }

    async fn docker(directory: Option<&Path>) -> Docker {
        let mut settings = DockerSettings::new(InstallationId::from_bits(1));
        settings.bases.certificates = HostCertificates::new(vec![certificate()], "");
        if let Some(directory) = directory {
            settings.bases.directory = directory.to_owned();
        }
        Docker::connect(settings).await.expect("this test needs Docker")
    }

    /// Whether a process of this host has this text on its command line.
    fn a_process_names(text: &str) -> bool {
        std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
            let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&command).contains(text)
        })
    }

    #[tokio::test]
    async fn canceling_ends_the_making_of_a_base_image_and_all_it_started() {
        let directory = tempfile::tempdir().unwrap();
        let docker = docker(Some(directory.path())).await;
        let cancel = CancellationToken::new();
        let (log, mut lines) = tokio::sync::mpsc::channel(10_000);
        let making = docker.local_base(Family::Debian, "a test", &log, &cancel);
        let canceling = async {
            while let Some(line) = lines.recv().await {
                if line.contains("extracting archives") {
                    cancel.cancel();
                    return Instant::now();
                }
            }
            panic!("it ended by itself")
        };
        let (outcome, canceled) = tokio::join!(making, canceling);
        assert!(matches!(outcome, Err(BuildError::Canceled)));
        assert!(canceled.elapsed() < Duration::from_secs(5));
        let name = directory.path().to_string_lossy().into_owned();
        assert!(!a_process_names(&name), "something still runs in {name}");
    }

    #[tokio::test]
    async fn a_base_image_that_two_builds_need_is_made_once() {
        let docker = docker(None).await;
        let cancel = CancellationToken::new();
        let (log, mut lines) = tokio::sync::mpsc::channel(10_000);
        let make = || docker.local_base(Family::Debian, "a test", &log, &cancel);
        let (first, second) = tokio::join!(make(), make());
        let (first, second) = (first.unwrap(), second.unwrap());
        assert_eq!(first.reference, second.reference);
        let mut times = 0;
        while let Ok(line) = lines.try_recv() {
            times += usize::from(line.contains("Making a base image"));
        }
        assert_eq!(times, 1);
        docker.remove_name(&first.reference).await.unwrap();
        let system = format!("slipway/base-system:{}", docker.hash(Family::Debian));
        docker.remove_name(&system).await.unwrap();
    }
}
