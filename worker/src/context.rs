//! What every job and task of the worker works with.

use std::path::Path;
use std::sync::Arc;

use slipway_core::id::AppId;
use slipway_core::name::{AppName, Hostname};
use slipway_store::data_dir::DataDir;
use slipway_store::keys::KeyRing;
use slipway_store::logs::LogStore;
use slipway_store::{Store, StoreError};

use crate::attach::Attachments;
use crate::builder::Builder;
use crate::engine::Engine;
use crate::environment::Addresses;
use crate::metrics::live::Live;
use crate::outbound::Outbound;
use crate::proxy::Proxy;
use crate::rounds::Rounds;
use crate::settings::Settings;
use crate::source::certificates::HostCertificates;
use crate::telemetry::Gauges;

/// An engine that also builds: what a worker needs of a container host.
pub trait Host: Engine + Builder + Clone {
    /// Makes ready what starting an app's instances will need, so that the start itself is quick.
    /// A hint: failing changes nothing but speed.
    fn prepare(
        &self,
        app_id: &AppId,
        app: &AppName,
        instances: usize,
    ) -> impl Future<Output = ()> + Send;

    /// Removes what belongs to an app and not to one of its instances.
    fn forget(
        &self,
        app_id: &AppId,
    ) -> impl Future<Output = Result<(), crate::engine::EngineError>> + Send;

    /// Where the engine keeps images and build caches, when that is on this machine.
    fn storage(&self) -> Option<&Path>;

    /// One sentence about the host's engine: `Docker 20.10.24`.
    fn describe(&self) -> impl Future<Output = Result<String, crate::engine::EngineError>> + Send;
}

/// Shared by everything the worker does.
pub struct Context<H> {
    pub store: Store,
    pub data: DataDir,
    pub keys: KeyRing,
    pub logs: LogStore,
    pub host: H,
    pub proxy: Proxy,
    /// The host's own certificates, for builds behind a corporate proxy.
    pub certificates: HostCertificates,
    pub settings: Settings,
    /// Where jobs meet those who attach to their commands.
    pub attachments: Attachments,
    /// What instances say about themselves.
    pub gauges: Gauges,
    /// How the tasks' last rounds went.
    pub rounds: Rounds,
    /// The last readings of everything.
    pub live: Live,
    /// The way out to receivers of others.
    pub outbound: Outbound,
}

/// A shared context.
pub type Shared<H> = Arc<Context<H>>;

impl<H> Context<H> {
    /// The name that Slipway gives an app.
    pub fn hostname(&self, app: &AppName) -> Hostname {
        self.settings.hostname(app)
    }

    /// Where an app answers, for people.
    pub fn url(&self, app: &AppName) -> String {
        self.settings.url_at(&self.hostname(app))
    }

    /// The addresses of an app as its instances are told them when they start.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn addresses(&self, app_id: &AppId, app: &AppName) -> Result<Addresses, StoreError> {
        let domains = self.store.domains(app_id).await?;
        let hostnames = self.settings.hostnames(app, domains.iter().map(|row| &row.domain));
        let origins = hostnames.iter().map(|name| self.settings.url_at(name)).collect();
        Ok(Addresses { url: self.url(app), hostnames, origins })
    }
}
