//! The names the proxy knows, and the static files it serves itself.

use slipway_core::deployment::DeploymentState;
use slipway_core::process::StaticFiles;
use slipway_core::release::Release;

use super::Instances;
use super::fleet::Member;
use crate::context::Host;
use crate::proxy::{ProxyConfig, Site, SiteLimits};
use crate::static_files;

impl<H: Host> Instances<H> {
    /// Brings the proxy's files in line with the apps there are. Seldom more than a comparison.
    pub(super) async fn sync_sites(&mut self) {
        let sites = self.fleet.members().map(|member| self.site(member)).collect();
        let config = ProxyConfig { sites };
        if self.applied.as_ref() == Some(&config) {
            return;
        }
        match self.context.proxy.apply(&config).await {
            Ok(_) => {
                tracing::info!(apps = config.sites.len(), "the proxy knows every app's names");
                self.applied = Some(config);
            }
            Err(error) => {
                tracing::error!(%error, "the proxy did not take its configuration");
                self.applied = None;
            }
        }
    }

    fn site(&self, member: &Member) -> Site {
        // A first release's prefix is made known while its instances boot. Until its files are
        // published below it, nothing is found there and the app is asked as before.
        let files = routed_release(member).and_then(static_files_of).or_else(|| {
            member.rollout.as_ref().and_then(|rollout| static_files_of(&rollout.target))
        });
        Site {
            app_id: member.app.id.clone(),
            app: member.app.name.clone(),
            hostnames: self
                .context
                .settings
                .hostnames(&member.app.name, member.domains.iter().map(|row| &row.domain)),
            static_url: files.and_then(|files| files.url.parse().ok()),
            static_root: self.context.data.static_files(&member.app.id),
            limits: SiteLimits::default(),
        }
    }

    /// Points the proxy at the static files of the release that is about to be routed.
    pub(super) async fn publish_static_files(&self, member: &Member) {
        let Some(release) = routed_release(member) else { return };
        let root = self.context.data.static_files(&member.app.id);
        if let Err(error) = static_files::publish(&root, release).await {
            tracing::warn!(app = %member.app.name, %error, "could not publish static files");
        }
    }
}

fn static_files_of(release: &Release) -> Option<&StaticFiles> {
    release.formation.static_files.as_ref()
}

/// The release whose instances the proxy gets, or is about to get.
fn routed_release(member: &Member) -> Option<&Release> {
    let rollout = member.rollout.as_ref();
    let switching = rollout.filter(|rollout| {
        matches!(rollout.deployment.state, DeploymentState::Switching | DeploymentState::Observing)
    });
    let reverting = rollout
        .filter(|rollout| matches!(rollout.deployment.state, DeploymentState::Reverting { .. }));
    switching
        .map(|rollout| rollout.target.as_ref())
        .or_else(|| reverting.and_then(|rollout| rollout.previous.as_deref()))
        .or(member.live.as_deref())
}
