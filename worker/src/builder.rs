//! Turning source into an image.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use slipway_core::id::{AppId, DeploymentId};
use slipway_core::name::AppName;
use slipway_core::reason::Reason;
use slipway_core::release::ImageRef;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::source::base::{BaseImage, BaseNeed};

/// Where build output goes: finished lines of text, without line ends.
pub type BuildLog = mpsc::Sender<String>;

/// One build.
#[derive(Debug, Clone)]
pub struct BuildRequest {
    pub app_id: AppId,
    pub app: AppName,
    /// Becomes a label of the image, so that a build that finished before a crash is found again.
    pub deployment_id: DeploymentId,
    /// An uncompressed tar of the build context, complete: Slipway's own additions included.
    pub context: PathBuf,
    /// The Dockerfile's path inside the context.
    pub dockerfile: String,
    /// `ARG` values; never secrets.
    pub arguments: BTreeMap<String, String>,
    /// Titles for the log, by a text that the step's instruction contains. When there are any,
    /// steps without a title are left out of the log.
    pub titles: BTreeMap<String, String>,
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The build itself failed, or its input is not acceptable.
    #[error("{}", .0.message)]
    Failed(Reason),
    /// The engine does not answer; the build may be tried again.
    #[error("the container engine does not answer: {0}")]
    Unavailable(String),
    /// It was canceled.
    #[error("the build was canceled")]
    Canceled,
}

/// Builds and keeps images.
pub trait Builder: Send + Sync + 'static {
    /// The image a build of this deployment already made, if any.
    fn find(
        &self,
        deployment_id: &DeploymentId,
    ) -> impl Future<Output = Result<Option<ImageRef>, BuildError>> + Send;

    /// An image to build on that satisfies `need`: from a registry, or, where none can be reached,
    /// made once from the distribution's packages. Bounded: 15 min. Says in `log` what it does.
    fn base(
        &self,
        need: &BaseNeed,
        log: &BuildLog,
        cancel: &CancellationToken,
    ) -> impl Future<Output = Result<BaseImage, BuildError>> + Send;

    /// Builds, sending output to `log` as it comes. Bounded: 15 min in all, 300 s without output.
    /// When `cancel` fires the build ends within 5 s.
    fn build(
        &self,
        request: &BuildRequest,
        log: &BuildLog,
        cancel: &CancellationToken,
    ) -> impl Future<Output = Result<ImageRef, BuildError>> + Send;

    /// Resolves a reference to an image on this machine: the registry's, pulled now, or, when the
    /// registry cannot be reached or does not have it, the one that is here already.
    fn pull(
        &self,
        reference: &str,
        log: &BuildLog,
    ) -> impl Future<Output = Result<ImageRef, BuildError>> + Send;

    /// Whether the image is on this machine.
    fn has(&self, image: &ImageRef) -> impl Future<Output = Result<bool, BuildError>> + Send;

    /// The ports the image declares with `EXPOSE`, in order.
    fn exposed_ports(
        &self,
        image: &ImageRef,
    ) -> impl Future<Output = Result<Vec<u16>, BuildError>> + Send;

    /// Copies a directory out of the image into `target`, which must not exist yet.
    fn export(
        &self,
        image: &ImageRef,
        directory: &str,
        target: &std::path::Path,
    ) -> impl Future<Output = Result<(), BuildError>> + Send;

    /// Forgets what the build cache holds for steps that no build used for this long, and returns
    /// the bytes that this freed. A later build makes again what it misses.
    fn trim_cache(
        &self,
        unused_for: Duration,
    ) -> impl Future<Output = Result<u64, BuildError>> + Send;

    /// Removes this one image; only one that carries our label, absent is success.
    fn remove(&self, image: &ImageRef) -> impl Future<Output = Result<(), BuildError>> + Send;
}
