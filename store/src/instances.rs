//! Instances: the intent to run one comes before its container, and outlives it.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use slipway_core::event::EventKind;
use slipway_core::id::{AppId, DeploymentId, Id, InstanceId, JobId, ReleaseId};
use slipway_core::instance::InstanceState;
use slipway_core::name::ProcessName;
use slipway_core::reason::Reason;
use slipway_core::time::Timestamp;
use sqlx::any::AnyRow;

use crate::db::{Columns, Json, Store, json};
use crate::error::StoreError;
use crate::mint;
use crate::wakes::Topic;

/// One copy of one process of one release, as last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    pub id: InstanceId,
    pub app_id: AppId,
    pub release_id: ReleaseId,
    pub process: ProcessName,
    pub state: InstanceState,
    /// Where it answers.
    pub endpoint: Option<SocketAddr>,
    pub created_at: Timestamp,
    /// Whether its container was started at least once.
    pub started: bool,
    /// When it first became ready.
    pub ready_at: Option<Timestamp>,
    /// When it was taken out of the proxy for good.
    pub draining_since: Option<Timestamp>,
    /// Until when it is kept running beside the ones that serve.
    pub warm_until: Option<Timestamp>,
    pub stopped_at: Option<Timestamp>,
    /// How often its process was started again after it ended.
    pub restarts: u32,
    /// Why it is not ready.
    pub reason: Option<Reason>,
    /// Whether the proxy sends it requests.
    pub in_proxy: bool,
}

/// What to change of an instance; `None` keeps. The inner `None` of a double clears.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InstanceUpdate {
    pub release_id: Option<ReleaseId>,
    pub state: Option<InstanceState>,
    pub endpoint: Option<Option<SocketAddr>>,
    pub started: Option<bool>,
    pub ready_at: Option<Timestamp>,
    pub draining_since: Option<Option<Timestamp>>,
    pub warm_until: Option<Option<Timestamp>>,
    pub stopped_at: Option<Timestamp>,
    pub restarts: Option<u32>,
    pub reason: Option<Option<Reason>>,
    pub in_proxy: Option<bool>,
}

impl Store {
    /// Writes the intent to run an instance.
    pub async fn insert_instance(&self, instance: &Instance) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        statement!(
            "instances/insert",
            instance.id.as_str(),
            instance.app_id.as_str(),
            instance.release_id.as_str(),
            instance.process.as_str(),
            instance.state.as_str(),
            instance.endpoint.map(|endpoint| endpoint.to_string()),
            instance.created_at.0,
            i64::from(instance.started),
            instance.ready_at.map(|at| at.0),
            instance.draining_since.map(|at| at.0),
            instance.warm_until.map(|at| at.0),
            instance.stopped_at.map(|at| at.0),
            i64::from(instance.restarts),
            instance.reason.as_ref().map(json),
            i64::from(instance.in_proxy)
        )
        .execute(tx.connection())
        .await?;
        tx.wake(Topic::Instances);
        tx.commit().await
    }

    /// Changes an instance and tells the event that goes with it.
    ///
    /// # Errors
    /// [`StoreError::InstanceMissing`].
    pub async fn update_instance(
        &self,
        id: &InstanceId,
        update: InstanceUpdate,
        event: Option<EventKind>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let row = statement!(
            "instances/update",
            id.as_str(),
            update.release_id.as_ref().map(Id::as_str),
            update.state.map(InstanceState::as_str),
            i64::from(update.endpoint.is_some()),
            update.endpoint.flatten().map(|endpoint| endpoint.to_string()),
            update.started.map(i64::from),
            update.ready_at.map(|at| at.0),
            i64::from(update.draining_since.is_some()),
            update.draining_since.flatten().map(|at| at.0),
            i64::from(update.warm_until.is_some()),
            update.warm_until.flatten().map(|at| at.0),
            update.stopped_at.map(|at| at.0),
            update.restarts.map(i64::from),
            i64::from(update.reason.is_some()),
            update.reason.flatten().as_ref().map(json),
            update.in_proxy.map(i64::from)
        )
        .fetch_optional(tx.connection())
        .await?
        .ok_or_else(|| StoreError::InstanceMissing(id.clone()))?;
        if let Some(event) = event {
            tx.tell(&row.col("app_id")?, event);
        }
        tx.wake(Topic::Instances);
        tx.commit().await
    }

    /// The app's instances that are not stopped, oldest first.
    pub async fn instances(&self, app_id: &AppId) -> Result<Vec<Instance>, StoreError> {
        let rows = statement!("instances/of_app", app_id.as_str());
        rows.fetch_all(self.reader()).await?.iter().map(instance).collect()
    }

    /// Every instance that is not stopped, by app and oldest first.
    pub async fn all_instances(&self) -> Result<Vec<Instance>, StoreError> {
        let rows = statement!("instances/all").fetch_all(self.reader()).await?;
        rows.iter().map(instance).collect()
    }

    /// The app's stopped instances, last stopped first.
    pub async fn recent_stopped(
        &self,
        app_id: &AppId,
        limit: u32,
    ) -> Result<Vec<Instance>, StoreError> {
        let rows = statement!("instances/recent_stopped", app_id.as_str(), i64::from(limit));
        rows.fetch_all(self.reader()).await?.iter().map(instance).collect()
    }

    /// Every instance that something accounts for: those that are not stopped, the release commands
    /// of deployments under way, and one-off commands that have not ended.
    pub async fn known_instances(&self) -> Result<BTreeSet<InstanceId>, StoreError> {
        let mut known = BTreeSet::new();
        for row in statement!("instances/ids").fetch_all(self.reader()).await? {
            known.insert(row.col("id")?);
        }
        for row in statement!("deployments/releasing").fetch_all(self.reader()).await? {
            known.insert(release_command(&row.col("id")?));
        }
        for row in statement!("jobs/unfinished_runs").fetch_all(self.reader()).await? {
            known.insert(one_off(&row.col("id")?));
        }
        Ok(known)
    }

    /// Forgets instances that stopped before `before`; how many those were.
    pub async fn delete_stopped_before(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut tx = self.begin_write().await?;
        let deleted =
            statement!("instances/delete_stopped", before.0).execute(tx.connection()).await?;
        tx.commit().await?;
        Ok(deleted.rows_affected())
    }
}

/// The instance that runs a deployment's release command. It has no row: its deployment accounts
/// for it.
pub fn release_command(deployment_id: &DeploymentId) -> InstanceId {
    mint::derived(deployment_id, "release")
}

/// The instance that runs a one-off command. It has no row: its job accounts for it.
pub fn one_off(job_id: &JobId) -> InstanceId {
    mint::derived(job_id, "run")
}

fn instance(row: &AnyRow) -> Result<Instance, StoreError> {
    Ok(Instance {
        id: row.col("id")?,
        app_id: row.col("app_id")?,
        release_id: row.col("release_id")?,
        process: row.col("process")?,
        state: row.col("state")?,
        endpoint: row.col("endpoint")?,
        created_at: row.col("created_at_ms")?,
        started: row.col("started")?,
        ready_at: row.col("ready_at_ms")?,
        draining_since: row.col("draining_since_ms")?,
        warm_until: row.col("warm_until_ms")?,
        stopped_at: row.col("stopped_at_ms")?,
        restarts: row.col("restarts")?,
        reason: row.col::<Option<Json<_>>>("reason")?.map(|reason| reason.0),
        in_proxy: row.col("in_proxy")?,
    })
}
