//! Finding a base image: on this machine, in a registry, or made here.
//!
//! Which of these it is, is found out by trying, and said in the log. A registry that did not answer
//! is left alone for a while, so that an installation without one loses five seconds once, not at
//! every build.

use std::path::PathBuf;

use slipway_core::reason::{Reason, ReasonCode};
use tokio_util::sync::CancellationToken;

use super::super::Docker;
use super::local::LocalBase;
use super::pull::PullError;
use crate::builder::{BuildError, BuildLog};
use crate::source::base::{BaseImage, BaseNeed, Family};
use crate::source::certificates::HostCertificates;
use crate::source::dockerfile::{StandIn, stand_in};
use crate::source::version::VersionWish;

/// Where base images come from.
#[derive(Debug, Clone)]
pub struct BaseSettings {
    /// Where files lie while an image is made, and the lock that makes one builder of many. Shared
    /// by the installations of a host, as the images are.
    pub directory: PathBuf,
    /// Names in a registry; `{version}` is replaced.
    pub debian: String,
    pub python: String,
    pub node: String,
    pub website: String,
    /// Authorities that images made here shall trust.
    pub certificates: HostCertificates,
}

impl Default for BaseSettings {
    fn default() -> Self {
        Self {
            directory: PathBuf::from("/var/cache/slipway"),
            debian: "debian:{version}-slim".to_owned(),
            python: "python:{version}-slim".to_owned(),
            node: "node:{version}-slim".to_owned(),
            website: "nginx:stable".to_owned(),
            certificates: HostCertificates::default(),
        }
    }
}

impl BaseSettings {
    fn name(&self, family: Family) -> &str {
        match family {
            Family::Debian => &self.debian,
            Family::Python => &self.python,
            Family::Node => &self.node,
            Family::Static => &self.website,
        }
    }
}

/// Versions in a registry, the preferred first; empty where the name carries none.
fn versions(family: Family) -> &'static [&'static str] {
    match family {
        Family::Debian => &["12", "13", "11"],
        Family::Python => &["3.12", "3.13", "3.11", "3.14", "3.10", "3.9", "3.8"],
        Family::Node => &["22", "24", "20", "18", "16"],
        Family::Static => &[],
    }
}

impl Docker {
    /// An image that satisfies a need.
    pub(super) async fn find_base(
        &self,
        need: &BaseNeed,
        log: &BuildLog,
        cancel: &CancellationToken,
    ) -> Result<BaseImage, BuildError> {
        match need {
            BaseNeed::Family { family, wish } => {
                self.family(*family, wish.as_ref(), log, cancel).await
            }
            BaseNeed::Reference { name, is_replaceable } => {
                self.reference(name, *is_replaceable, log, cancel).await
            }
        }
    }

    async fn family(
        &self,
        family: Family,
        wish: Option<&VersionWish>,
        log: &BuildLog,
        cancel: &CancellationToken,
    ) -> Result<BaseImage, BuildError> {
        let names = &self.settings.bases;
        let version = match (versions(family), wish) {
            ([], _) => None,
            (known, None) => known.first().copied(),
            (known, Some(wish)) => {
                let version = known.iter().copied().find(|version| wish.accepts(version));
                Some(version.ok_or_else(|| no_version(family, wish, known))?)
            }
        };
        let name = names.name(family).replace("{version}", version.unwrap_or_default());
        let registry = BaseImage { reference: name, version: version.map(ToOwned::to_owned) };
        if self.inspect_image(&registry.reference).await?.is_some() {
            return Ok(registry);
        }
        match self.pull_unless_canceled(&registry.reference, log, cancel).await {
            Ok(()) => Ok(registry),
            Err(PullError::Ended(error)) => Err(error),
            Err(PullError::OutOfReach(why) | PullError::Refused(why)) => {
                self.stand_in(family, wish, &why, log, cancel).await
            }
        }
    }

    async fn reference(
        &self,
        name: &str,
        is_replaceable: bool,
        log: &BuildLog,
        cancel: &CancellationToken,
    ) -> Result<BaseImage, BuildError> {
        let own = BaseImage { reference: name.to_owned(), version: None };
        if self.inspect_image(name).await?.is_some() {
            return Ok(own);
        }
        let why = match self.pull_unless_canceled(name, log, cancel).await {
            Ok(()) => return Ok(own),
            Err(PullError::Ended(error)) => return Err(error),
            Err(PullError::OutOfReach(why) | PullError::Refused(why)) => why,
        };
        let Some(StandIn { family, wish }) = stand_in(name).filter(|_| is_replaceable) else {
            let message = format!("base image `{name}` cannot be had: {why}");
            return Err(BuildError::Failed(Reason::new(ReasonCode::ImageUnavailable, message)));
        };
        let base = self.stand_in(family, wish.as_ref(), &why, log, cancel).await?;
        let line = format!(" !     `{}` stands in for `{name}`", base.reference);
        // Whoever reads the log may be gone; the build goes on.
        let _ = log.send(line).await;
        Ok(base)
    }

    async fn pull_unless_canceled(
        &self,
        name: &str,
        log: &BuildLog,
        cancel: &CancellationToken,
    ) -> Result<(), PullError> {
        tokio::select! {
            pulled = self.try_pull(name, log) => pulled,
            () = cancel.cancelled() => Err(PullError::Ended(BuildError::Canceled)),
        }
    }

    /// A base made here, when its version will do.
    async fn stand_in(
        &self,
        family: Family,
        wish: Option<&VersionWish>,
        why: &str,
        log: &BuildLog,
        cancel: &CancellationToken,
    ) -> Result<BaseImage, BuildError> {
        let LocalBase { reference, version } = self.local_base(family, why, log, cancel).await?;
        if let Some(wish) = wish.filter(|wish| !wish.accepts(&version)) {
            let message = format!(
                "the app asks for {} {wish}, which cannot be had ({why}); the base image of this \
                 server has {} {version}",
                family.title(),
                family.title()
            );
            return Err(BuildError::Failed(Reason::new(ReasonCode::InvalidSource, message)));
        }
        let line = format!(
            "-----> Base: {} {version} from distribution packages (no registry: {why})",
            family.title()
        );
        let _ = log.send(line).await;
        Ok(BaseImage { reference, version: Some(version) })
    }
}

fn no_version(family: Family, wish: &VersionWish, known: &[&str]) -> BuildError {
    let message =
        format!("the app asks for {} {wish}; known are {}", family.title(), known.join(", "));
    BuildError::Failed(Reason::new(ReasonCode::InvalidSource, message))
}
