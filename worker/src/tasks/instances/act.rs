//! Carries the planner's actions out. Rows first, effects after.

use std::time::Duration;

use slipway_core::id::{InstanceId, ReleaseId};
use slipway_core::instance::{InstanceSpec, InstanceState, Lifetime};
use slipway_core::name::ProcessName;
use slipway_core::reason::{Reason, ReasonCode};
use slipway_core::release::Release;
use slipway_core::rollout::Action;
use slipway_core::time::Timestamp;
use slipway_store::instances::{Instance, InstanceUpdate};
use slipway_store::wakes::Topic;
use slipway_store::{clock, mint};

use super::Instances;
use super::fleet::Member;
use super::sighting::Sighting;
use crate::context::{Context, Host};
use crate::engine::EngineError;
use crate::environment::{Identity, environment};
use crate::proxy;

/// How long an engine may take to start one instance.
const START: Duration = Duration::from_mins(1);

impl<H: Host> Instances<H> {
    /// Carries one action out.
    pub(super) async fn act(
        &mut self,
        member: &Member,
        action: Action,
        sighting: &mut Sighting,
    ) -> anyhow::Result<()> {
        match action {
            Action::Start { process, release_id } => self.start(member, process, release_id).await,
            Action::Revive { id, release_id } => self.revive(&id, &release_id).await,
            Action::Route { members } => self.route(member, members, sighting).await,
            Action::Drain { id, warm_until } => self.drain(&id, warm_until).await,
            Action::Stop { id } => self.stop(member, &id).await,
        }
    }

    async fn start(
        &mut self,
        member: &Member,
        process: ProcessName,
        release_id: ReleaseId,
    ) -> anyhow::Result<()> {
        let release = self.fleet.release(&self.context.store, &release_id).await?;
        let row = Instance {
            id: mint::id(),
            app_id: member.app.id.clone(),
            release_id,
            process,
            state: InstanceState::Starting,
            endpoint: None,
            created_at: clock::now(),
            started: false,
            ready_at: None,
            draining_since: None,
            warm_until: None,
            stopped_at: None,
            restarts: 0,
            reason: None,
            in_proxy: false,
        };
        self.context.store.insert_instance(&row).await?;
        self.begin_start(member, &row, &release);
        Ok(())
    }

    /// Starts an instance in the background; it is seen to run by the next look.
    pub(super) fn begin_start(&mut self, member: &Member, row: &Instance, release: &Release) {
        let is_judged = member.rollout.is_some();
        if !self.locals.of(&row.id, &row.app_id).may_start(is_judged, clock::now()) {
            return;
        }
        let context = self.shared();
        let (member, row, release) = (member.app.name.clone(), row.clone(), release.clone());
        let failures = self.failures.clone();
        self.effects.begin(&row.id.clone(), async move {
            let outcome =
                tokio::time::timeout(START, context.bring_up(&member, &row, &release)).await;
            match outcome {
                Ok(Ok(())) => {}
                Ok(Err(error)) => failures.note(&row.id, &row.app_id, &error),
                Err(_) => tracing::warn!(instance_id = %row.id, "starting took longer than 60 s"),
            }
            context.store.wakes().notify(Topic::Instances);
        });
    }

    async fn revive(&mut self, id: &InstanceId, release_id: &ReleaseId) -> anyhow::Result<()> {
        let update = InstanceUpdate {
            state: Some(InstanceState::Ready),
            warm_until: Some(None),
            draining_since: Some(None),
            release_id: Some(release_id.clone()),
            ..InstanceUpdate::default()
        };
        self.context.store.update_instance(id, update, None).await?;
        Ok(())
    }

    async fn route(
        &mut self,
        member: &Member,
        wanted: std::collections::BTreeSet<InstanceId>,
        sighting: &mut Sighting,
    ) -> anyhow::Result<()> {
        let app_id = &member.app.id;
        self.publish_static_files(member).await;
        let mut members = Vec::with_capacity(wanted.len());
        for id in &wanted {
            let seen = sighting.observed.get(id).and_then(|observed| observed.endpoint);
            if let Some(endpoint) = seen {
                members.push(proxy::Member { instance: id.clone(), endpoint, weight: 1 });
            }
        }
        let began = tokio::time::Instant::now();
        if let Err(error) = self.context.proxy.set_members(app_id, &members).await {
            self.note_refusal(member);
            return Err(error.into());
        }
        let duration_ms = began.elapsed().as_millis();
        let routed = super::world::shown(&wanted);
        tracing::info!(app = %member.app.name, routed, duration_ms, "switched the proxy's members");
        let before = sighting.routed(app_id);
        sighting.routed.insert(app_id.clone(), wanted.clone());
        sighting.misplaced.remove(app_id);
        for id in wanted.symmetric_difference(&before) {
            let in_proxy = Some(wanted.contains(id));
            let update = InstanceUpdate { in_proxy, ..InstanceUpdate::default() };
            self.context.store.update_instance(id, update, None).await?;
        }
        Ok(())
    }

    async fn drain(
        &mut self,
        id: &InstanceId,
        warm_until: Option<Timestamp>,
    ) -> anyhow::Result<()> {
        let update = InstanceUpdate {
            state: Some(InstanceState::Draining),
            draining_since: Some(Some(clock::now())),
            warm_until: Some(warm_until),
            ..InstanceUpdate::default()
        };
        self.context.store.update_instance(id, update, None).await?;
        Ok(())
    }

    async fn stop(&mut self, member: &Member, id: &InstanceId) -> anyhow::Result<()> {
        let Some(row) = member.rows.iter().find(|row| row.id == *id) else { return Ok(()) };
        let release = self.fleet.release(&self.context.store, &row.release_id).await?;
        let update =
            InstanceUpdate { state: Some(InstanceState::Stopping), ..InstanceUpdate::default() };
        self.context.store.update_instance(id, update, None).await?;
        self.begin_stop(row, &release);
        Ok(())
    }
}

impl<H: Host> Context<H> {
    /// Starts a row's instance and writes down where it answers.
    async fn bring_up(
        &self,
        app: &slipway_core::name::AppName,
        row: &Instance,
        release: &Release,
    ) -> Result<(), StartError> {
        let spec = self.instance_spec(app, row, release).await?;
        let endpoint = self.host.start(&spec).await?;
        let update = InstanceUpdate {
            endpoint: Some(endpoint.map(|endpoint| endpoint.0)),
            started: Some(true),
            ..InstanceUpdate::default()
        };
        self.store.update_instance(&row.id, update, None).await?;
        Ok(())
    }

    async fn instance_spec(
        &self,
        app: &slipway_core::name::AppName,
        row: &Instance,
        release: &Release,
    ) -> Result<InstanceSpec, StartError> {
        let config = self.store.release_config(&release.id, &self.keys).await?;
        let process = release
            .formation
            .processes
            .get(&row.process)
            .ok_or_else(|| StartError::NoSuchProcess(row.process.clone()))?;
        let addresses = self.addresses(&row.app_id, app).await?;
        let identity = Identity {
            app,
            version: release.version,
            process: &row.process,
            instance: &row.id,
            port: process.port,
            addresses: &addresses,
        };
        Ok(InstanceSpec {
            id: row.id.clone(),
            app_id: row.app_id.clone(),
            app: app.clone(),
            release_id: release.id.clone(),
            process: row.process.clone(),
            image: release.image.clone(),
            command: process.command.clone(),
            environment: environment(&config, &identity),
            port: process.port,
            limits: process.limits,
            lifetime: Lifetime::Service,
        })
    }
}

/// Why an instance could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Store(#[from] slipway_store::StoreError),
    #[error("the release has no process `{0}`")]
    NoSuchProcess(ProcessName),
}

impl StartError {
    /// The verdict on the instance, for causes that trying again does not mend.
    pub fn verdict(&self) -> Option<Reason> {
        match self {
            Self::Engine(EngineError::ImageMissing(image)) => {
                let sentence = format!("image `{image}` is not on this machine any more");
                Some(Reason::new(ReasonCode::ImageUnavailable, sentence))
            }
            Self::Engine(error @ EngineError::Refused { .. }) => {
                Some(Reason::new(ReasonCode::Exited, error.to_string()))
            }
            Self::NoSuchProcess(_) => Some(Reason::new(ReasonCode::Internal, self.to_string())),
            Self::Engine(EngineError::Unavailable(_) | EngineError::Absent(_)) | Self::Store(_) => {
                None
            }
        }
    }
}
