//! A store of one's own on either database, and the steps that most tests begin with.

use std::collections::BTreeMap;

use slipway_core::config::ConfigChange;
use slipway_core::deployment::{Deployment, DeploymentEvent, DeploymentKind};
use slipway_core::id::{AppId, ReleaseId};
use slipway_core::instance::InstanceState;
use slipway_core::name::ConfigKey;
use slipway_core::process::{Command, Formation, HealthCheck, Limits, ProcessSpec};
use slipway_core::release::{ImageRef, Release, Source};
use slipway_core::time::Millis;
use slipway_store::{
    App, Begun, Instance, Job, JobKind, KeyRing, NewDeployment, NewRelease, SealedConfig, Store,
    StoreSettings, clock, mint,
};
use slipway_tests::postgres::Postgres;
use tempfile::TempDir;

/// Long enough for no test to lose it.
pub const LEASE: Millis = Millis::from_secs(60);

/// A store on a database that goes with it.
pub struct Bench {
    pub store: Store,
    pub keys: KeyRing,
    pub url: String,
    pub server: Option<Postgres>,
    pub folder: TempDir,
}

impl Bench {
    pub async fn sqlite() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let url = format!("sqlite://{}", folder.path().join("slipway.db").display());
        Self::open(url, folder, None).await
    }

    pub async fn postgres() -> anyhow::Result<Self> {
        let server = Postgres::start()?;
        Self::open(server.url(), tempfile::tempdir()?, Some(server)).await
    }

    async fn open(url: String, folder: TempDir, server: Option<Postgres>) -> anyhow::Result<Self> {
        let store = Store::open(&settings(&url)).await?;
        let keys = KeyRing::load_or_create(folder.path())?;
        Ok(Self { store, keys, url, server, folder })
    }

    /// Another store on the same database, as another process has.
    pub async fn beside(&self) -> anyhow::Result<Store> {
        Ok(Store::open(&settings(&self.url)).await?)
    }

    /// A plain connection, for what the store refuses to do.
    pub async fn raw(&self) -> anyhow::Result<sqlx::AnyPool> {
        Ok(sqlx::AnyPool::connect(&self.url).await?)
    }

    pub async fn app(&self, name: &str) -> anyhow::Result<App> {
        Ok(self.store.create_app(&name.parse()?, "ada@example.org").await?)
    }

    /// The app as it is now.
    pub async fn reread(&self, app: &App) -> anyhow::Result<App> {
        Ok(self.store.app_by_id(&app.id).await?.expect("the app is active"))
    }

    pub async fn accept(&self, app: &App, kind: DeploymentKind) -> anyhow::Result<Deployment> {
        Ok(self.store.accept(wanted(&app.id, kind)).await?)
    }

    /// Claims the next job, which there is.
    pub async fn claim(&self) -> anyhow::Result<Job> {
        Ok(self.store.claim("worker", LEASE).await?.expect("there is a job to claim"))
    }

    /// Accepts a deployment, claims its job and begins it.
    pub async fn begin(&self, app: &App, kind: DeploymentKind) -> anyhow::Result<Underway> {
        let accepted = self.accept(app, kind).await?;
        self.begin_accepted(&accepted).await
    }

    /// Claims the job of a deployment and begins it. Jobs before it are of what was overtaken.
    pub async fn begin_accepted(&self, accepted: &Deployment) -> anyhow::Result<Underway> {
        loop {
            let job = self.claim().await?;
            let JobKind::Deploy { deployment_id } = &job.kind else {
                anyhow::bail!("another job waits: {job:?}");
            };
            match self.store.begin(deployment_id, job.fence).await? {
                Begun::Started(deployment) => {
                    assert_eq!(deployment.id, accepted.id);
                    return Ok(Underway { deployment, job });
                }
                Begun::Gone => self.store.complete(&job.id, job.fence, None).await?,
                Begun::Busy => anyhow::bail!("it is not its turn"),
            }
        }
    }

    /// Brings a push of this image to its end; it is live and stable then.
    pub async fn live(&self, app: &App, image: &str) -> anyhow::Result<(Deployment, Release)> {
        let (underway, release) = self.switching(app, image).await?;
        let event = DeploymentEvent::Switched { observe: false };
        let deployment = self.store.advance(&underway.deployment.id, event, None).await?;
        Ok((deployment, release))
    }

    /// Brings a push of this image up to its switch. Its job is done.
    pub async fn switching(&self, app: &App, image: &str) -> anyhow::Result<(Underway, Release)> {
        let mut underway = self.begin(app, DeploymentKind::Push).await?;
        let (id, fence) = (underway.deployment.id.clone(), underway.job.fence);
        let sealed_config = self.store.sealed_config_of_app(&app.id).await?;
        let new = NewRelease { sealed_config, ..new_release(image) };
        let release = self.store.create_release(&id, fence, new).await?;
        self.store.advance(&id, DeploymentEvent::ImageReady, Some(fence)).await?;
        self.store.advance(&id, DeploymentEvent::CommandDone, Some(fence)).await?;
        self.store.complete(&underway.job.id, fence, None).await?;
        underway.deployment = self.store.advance(&id, DeploymentEvent::AllReady, None).await?;
        Ok((underway, release))
    }

    /// Adds an instance in this state.
    pub async fn instance(
        &self,
        app: &App,
        release_id: &ReleaseId,
        state: InstanceState,
    ) -> anyhow::Result<Instance> {
        let instance = Instance {
            id: mint::id(),
            app_id: app.id.clone(),
            release_id: release_id.clone(),
            process: "web".parse()?,
            state,
            endpoint: None,
            created_at: clock::now(),
            started: false,
            ready_at: None,
            draining_since: None,
            warm_until: None,
            stopped_at: (state == InstanceState::Stopped).then(clock::now),
            restarts: 0,
            reason: None,
            in_proxy: false,
        };
        self.store.insert_instance(&instance).await?;
        Ok(instance)
    }

    /// The app's events as lines: `push 1 building`.
    pub async fn told(&self, app: &App) -> anyhow::Result<Vec<String>> {
        use slipway_core::event::EventKind as Kind;
        let events = self.store.events(Some(&app.id), 0, 1_000).await?;
        let line = |kind| match kind {
            Kind::DeploymentMoved { deployment_kind, sequence, state, .. } => {
                format!("{} {sequence} {state}", deployment_kind.as_str())
            }
            Kind::Scaled { process, from, to, .. } => format!("{process} {from} to {to}"),
            Kind::AppCreated { .. } => "created".to_owned(),
            Kind::AppDestroyed { .. } => "destroyed".to_owned(),
            Kind::DomainAdded { domain, .. } => format!("{domain} added"),
            Kind::DomainRemoved { domain, .. } => format!("{domain} removed"),
            Kind::InstanceReady { .. } => "instance ready".to_owned(),
            Kind::InstanceFailed { .. } => "instance failed".to_owned(),
            Kind::InstanceRecovered { .. } => "instance recovered".to_owned(),
            Kind::InstanceStopped { .. } => "instance stopped".to_owned(),
            Kind::AlertFiring { sentence, .. } => format!("alert: {sentence}"),
            Kind::AlertResolved { sentence, .. } => format!("alert over: {sentence}"),
        };
        Ok(events.into_iter().map(|event| line(event.kind)).collect())
    }
}

/// A deployment that was begun, with the job that carries it.
pub struct Underway {
    pub deployment: Deployment,
    pub job: Job,
}

pub fn settings(url: &str) -> StoreSettings {
    StoreSettings { url: url.to_owned(), max_connections: 8 }
}

/// A deployment of this kind that somebody asks for.
pub fn wanted(app_id: &AppId, kind: DeploymentKind) -> NewDeployment {
    let source = kind
        .builds()
        .then(|| Source::Upload { source_id: mint::id(), description: "shop".to_owned() });
    NewDeployment {
        app_id: app_id.clone(),
        kind,
        source,
        description: kind.as_str().to_owned(),
        by: "ada@example.org".to_owned(),
        log_start: 7,
        target_release: None,
    }
}

/// A release of this image with one process, `web`.
pub fn new_release(image: &str) -> NewRelease {
    NewRelease {
        image: ImageRef { repository: "shop".to_owned(), digest: format!("sha256:{image}") },
        formation: formation(&["web"]),
        description: format!("push {image}"),
        source: None,
        copy_of: None,
        sealed_config: SealedConfig::default(),
    }
}

/// A formation of these processes.
pub fn formation(processes: &[&str]) -> Formation {
    let spec = ProcessSpec {
        command: Command::Image,
        port: Some(8000),
        health: HealthCheck::default(),
        limits: Limits::default(),
    };
    let named = processes.iter().map(|name| (name.parse().unwrap(), spec.clone()));
    Formation { processes: named.collect(), ..Formation::default() }
}

/// Counts by process.
pub fn counts(of: &[(&str, u32)]) -> BTreeMap<slipway_core::name::ProcessName, u32> {
    of.iter().map(|(name, count)| (name.parse().unwrap(), *count)).collect()
}

/// A change of configuration.
pub fn change(of: &[(&str, Option<&str>)]) -> ConfigChange {
    of.iter().map(|(key, value)| (self::key(key), value.map(str::to_owned))).collect()
}

pub fn key(name: &str) -> ConfigKey {
    name.parse().unwrap()
}
