//! The worker, played by the test: it moves deployments and writes lines, as the real one does.

use slipway_core::deployment::{Deployment, DeploymentEvent, DeploymentState};
use slipway_core::id::{AppId, DeploymentId, Id as _};
use slipway_core::log::{LogLine, LogSource};
use slipway_core::process::{Command, Formation, HealthCheck, Limits, ProcessSpec};
use slipway_core::reason::{Reason, ReasonCode};
use slipway_core::release::{ImageRef, Release};
use slipway_core::time::Millis;
use slipway_store::{Begun, Job, JobKind, NewRelease, clock};

use crate::world::{World, eventually};

const LEASE: Millis = Millis::from_secs(60);

/// Plays the worker for one app.
pub struct Worker<'a> {
    world: &'a World,
    app: AppId,
}

/// A deployment in the worker's hands.
pub struct Task<'a> {
    worker: &'a Worker<'a>,
    pub deployment: Deployment,
    job: Job,
}

impl<'a> Worker<'a> {
    pub fn of(world: &'a World, app: &AppId) -> Self {
        Self { world, app: app.clone() }
    }

    /// Waits for a deployment that waits for its turn.
    pub async fn queued(&self) -> Deployment {
        eventually("a deployment is queued", async || {
            let newest = self.world.state.store.deployments(&self.app, 1, None).await.unwrap();
            newest.into_iter().find(|it| it.state == DeploymentState::Queued)
        })
        .await
    }

    /// Waits for a deployment and begins it.
    pub async fn begin(&'a self) -> Task<'a> {
        let deployment = self.queued().await;
        let job = self.claim(&deployment.id).await;
        match self.world.state.store.begin(&deployment.id, job.fence).await.unwrap() {
            Begun::Started(deployment) => Task { worker: self, deployment, job },
            Begun::Busy | Begun::Gone => panic!("it did not begin"),
        }
    }

    /// Carries the next deployment to its good end.
    pub async fn deploy(&'a self) -> (Deployment, Release) {
        let task = self.begin().await;
        let deployment = task.deployment.clone();
        let release = task.to_switching().await;
        task.go_live(&release).await;
        (deployment, release)
    }

    /// Lets the next deployment fail in its build.
    pub async fn refuse(&'a self, why: &str) {
        let task = self.begin().await;
        task.say(&format!(" !     {why}"));
        let reason = Reason::new(ReasonCode::BuildFailed, why);
        task.advance(DeploymentEvent::Failed { reason }).await;
        task.end().await;
    }

    async fn claim(&self, id: &DeploymentId) -> Job {
        eventually("the deployment's job can be claimed", async || {
            let job = self.world.state.store.claim("test", LEASE).await.unwrap()?;
            if job.kind == (JobKind::Deploy { deployment_id: id.clone() }) {
                return Some(job);
            }
            // One that was superseded before anybody began it: nothing is left to do.
            self.world.state.store.complete(&job.id, job.fence, None).await.unwrap();
            None
        })
        .await
    }
}

impl Task<'_> {
    /// Writes a line of the deployment.
    pub fn say(&self, text: &str) {
        let deployment = Some(self.deployment.id.as_str().to_owned());
        let line = LogLine { deployment, ..LogLine::new(clock::now(), LogSource::Build, text) };
        self.worker.world.state.logs.append(&self.worker.app, &[line]).unwrap();
    }

    pub async fn advance(&self, event: DeploymentEvent) -> Deployment {
        let store = &self.worker.world.state.store;
        store.advance(&self.deployment.id, event, Some(self.job.fence)).await.unwrap()
    }

    /// Builds a release and starts it.
    pub async fn to_switching(&self) -> Release {
        self.say("-----> Building");
        let release = self.release().await;
        if self.deployment.kind.builds() {
            self.advance(DeploymentEvent::ImageReady).await;
        }
        self.advance(DeploymentEvent::CommandDone).await;
        self.advance(DeploymentEvent::AllReady).await;
        release
    }

    /// Switches to the release, for good.
    pub async fn go_live(self, release: &Release) {
        self.say(&format!("=====> v{} is live", release.version));
        self.advance(DeploymentEvent::Switched { observe: false }).await;
        self.end().await;
    }

    /// Ends the job, however the deployment ended.
    pub async fn end(self) {
        let store = &self.worker.world.state.store;
        store.complete(&self.job.id, self.job.fence, None).await.unwrap();
    }

    async fn release(&self) -> Release {
        let store = &self.worker.world.state.store;
        let sealed_config = store.sealed_config_of_app(&self.worker.app).await.unwrap();
        let digest = format!("sha256:{:064}", self.deployment.sequence);
        let release = NewRelease {
            image: ImageRef { repository: "test".to_owned(), digest },
            formation: formation(),
            description: self.deployment.description.clone(),
            source: self.deployment.source.clone(),
            copy_of: None,
            sealed_config,
        };
        store.create_release(&self.deployment.id, self.job.fence, release).await.unwrap()
    }
}

fn formation() -> Formation {
    let web = ProcessSpec {
        command: Command::Shell("serve".to_owned()),
        port: Some(8000),
        health: HealthCheck::default(),
        limits: Limits::default(),
    };
    Formation { processes: [("web".parse().unwrap(), web)].into(), ..Formation::default() }
}
