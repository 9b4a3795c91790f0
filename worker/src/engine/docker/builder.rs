//! Images with Docker: BuildKit where the daemon has it, base images from wherever they can be had.

mod apt;
mod bases;
mod build;
mod cache;
mod classic;
mod confine;
mod export;
mod failure;
mod image;
mod local;
mod progress;
mod pull;
mod reports;
mod system;
mod text;

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use slipway_core::id::{DeploymentId, Id};
use slipway_core::release::ImageRef;
use tokio_util::sync::CancellationToken;

pub use self::bases::BaseSettings;
use self::build::Build;
pub(super) use self::pull::Registries;
use super::{Docker, labels};
use crate::builder::{BuildError, BuildLog, BuildRequest, Builder};
use crate::source::base::{BaseImage, BaseNeed};

impl Builder for Docker {
    async fn find(&self, deployment_id: &DeploymentId) -> Result<Option<ImageRef>, BuildError> {
        self.find_image(deployment_id).await
    }

    async fn base(
        &self,
        need: &BaseNeed,
        log: &BuildLog,
        cancel: &CancellationToken,
    ) -> Result<BaseImage, BuildError> {
        self.find_base(need, log, cancel).await
    }

    async fn build(
        &self,
        request: &BuildRequest,
        log: &BuildLog,
        cancel: &CancellationToken,
    ) -> Result<ImageRef, BuildError> {
        let repository = format!("slipway/{}", request.app);
        let id = request.deployment_id.as_str();
        let build = Build {
            context: &request.context,
            dockerfile: &request.dockerfile,
            // A name keeps the image from being taken for a leftover.
            tag: &format!("{repository}:{}", id.get(id.len() - 12..).unwrap_or(id)),
            arguments: &request.arguments,
            labels: HashMap::from([
                (labels::INSTALLATION.to_owned(), self.settings.installation.to_string()),
                (labels::APP.to_owned(), request.app_id.to_string()),
                (labels::DEPLOYMENT.to_owned(), id.to_owned()),
            ]),
            titles: &request.titles,
        };
        let digest = self.run_build(&build, log, cancel).await?;
        Ok(ImageRef { repository, digest })
    }

    async fn pull(&self, reference: &str, log: &BuildLog) -> Result<ImageRef, BuildError> {
        self.pull_named(reference, log).await
    }

    async fn has(&self, image: &ImageRef) -> Result<bool, BuildError> {
        Ok(self.inspect_image(&image.digest).await?.is_some())
    }

    async fn exposed_ports(&self, image: &ImageRef) -> Result<Vec<u16>, BuildError> {
        self.declared_ports(image).await
    }

    async fn export(
        &self,
        image: &ImageRef,
        directory: &str,
        target: &Path,
    ) -> Result<(), BuildError> {
        self.export_directory(image, directory, target).await
    }

    async fn trim_cache(&self, unused_for: Duration) -> Result<u64, BuildError> {
        self.prune_cache(unused_for).await
    }

    async fn remove(&self, image: &ImageRef) -> Result<(), BuildError> {
        self.remove_own(image).await
    }
}
