//! What the store wants of every app, loaded in a constant number of queries.

use std::collections::BTreeMap;
use std::sync::Arc;

use slipway_core::deployment::Deployment;
use slipway_core::id::{AppId, ReleaseId};
use slipway_core::name::ProcessName;
use slipway_core::release::Release;
use slipway_store::apps::App;
use slipway_store::domains::DomainRow;
use slipway_store::instances::Instance;
use slipway_store::{Store, StoreError};

/// One app as the store has it.
#[derive(Debug, Clone)]
pub struct Member {
    pub app: App,
    pub scale: BTreeMap<ProcessName, u32>,
    pub domains: Vec<DomainRow>,
    pub live: Option<Arc<Release>>,
    pub rollout: Option<ActiveRollout>,
    /// Instances that are not stopped.
    pub rows: Vec<Instance>,
}

/// A deployment in one of the stages that move instances.
#[derive(Debug, Clone)]
pub struct ActiveRollout {
    pub deployment: Deployment,
    pub target: Arc<Release>,
    pub previous: Option<Arc<Release>>,
}

/// Every app that instances may belong to.
#[derive(Default)]
pub struct Fleet {
    members: BTreeMap<AppId, Member>,
    /// Releases never change, so one that was read stays read.
    releases: BTreeMap<ReleaseId, Arc<Release>>,
}

impl Fleet {
    /// Reads everything anew.
    pub async fn load(&mut self, store: &Store) -> Result<(), StoreError> {
        let wanted = store.fleet().await?;
        let mut rows: BTreeMap<AppId, Vec<Instance>> = BTreeMap::new();
        for row in store.all_instances().await? {
            rows.entry(row.app_id.clone()).or_default().push(row);
        }
        let mut rollouts: BTreeMap<AppId, Deployment> = store
            .rollouts()
            .await?
            .into_iter()
            .map(|deployment| (deployment.app_id.clone(), deployment))
            .collect();
        let mut members = BTreeMap::new();
        for wish in wanted {
            let id = wish.app.id.clone();
            let live = match &wish.app.live_release_id {
                Some(release_id) => Some(self.release(store, release_id).await?),
                None => None,
            };
            let rollout = match rollouts.remove(&id) {
                Some(deployment) => self.rollout(store, deployment).await?,
                None => None,
            };
            let rows = rows.remove(&id).unwrap_or_default();
            let (app, scale, domains) = (wish.app, wish.scale, wish.domains);
            let member = Member { app, scale, domains, live, rollout, rows };
            members.insert(id, member);
        }
        self.members = members;
        let used = self.used_releases();
        self.releases.retain(|id, _| used.contains(id));
        Ok(())
    }

    /// Reads one app anew.
    pub async fn reload(&mut self, store: &Store, app_id: &AppId) -> Result<(), StoreError> {
        let Some(app) = store.app_by_id(app_id).await? else {
            self.members.remove(app_id);
            return Ok(());
        };
        let live = match &app.live_release_id {
            Some(release_id) => Some(self.release(store, release_id).await?),
            None => None,
        };
        let active = store.active_deployment(app_id).await?;
        let rollout = match active {
            Some(deployment) => self.rollout(store, deployment).await?,
            None => None,
        };
        let scale = store.scale(app_id).await?;
        let domains = store.domains(app_id).await?;
        let rows = store.instances(app_id).await?;
        let member = Member { app, scale, domains, live, rollout, rows };
        self.members.insert(app_id.clone(), member);
        Ok(())
    }

    /// One app.
    pub fn member(&self, app_id: &AppId) -> Option<Member> {
        self.members.get(app_id).cloned()
    }

    /// Every app, in order.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    /// Their ids, in order.
    pub fn app_ids(&self) -> Vec<AppId> {
        self.members.keys().cloned().collect()
    }

    /// A release, from memory when it was read before.
    pub async fn release(
        &mut self,
        store: &Store,
        id: &ReleaseId,
    ) -> Result<Arc<Release>, StoreError> {
        if let Some(known) = self.releases.get(id) {
            return Ok(Arc::clone(known));
        }
        let release = store.release(id).await?.ok_or(StoreError::ReleaseMissing(id.clone()))?;
        let release = Arc::new(release);
        self.releases.insert(id.clone(), Arc::clone(&release));
        Ok(release)
    }

    async fn rollout(
        &mut self,
        store: &Store,
        deployment: Deployment,
    ) -> Result<Option<ActiveRollout>, StoreError> {
        let moves_instances =
            matches!(deployment.state.name(), "starting" | "switching" | "observing" | "reverting");
        let (true, Some(release_id)) = (moves_instances, deployment.release_id.clone()) else {
            return Ok(None);
        };
        let target = self.release(store, &release_id).await?;
        let previous = match &deployment.previous_release_id {
            Some(id) => Some(self.release(store, id).await?),
            None => None,
        };
        Ok(Some(ActiveRollout { deployment, target, previous }))
    }

    fn used_releases(&self) -> std::collections::BTreeSet<ReleaseId> {
        self.members
            .values()
            .flat_map(|member| {
                let rollout = member.rollout.iter().flat_map(|rollout| {
                    std::iter::once(&rollout.target).chain(rollout.previous.as_ref())
                });
                let releases =
                    rollout.chain(member.live.as_ref()).map(|release| release.id.clone());
                let rows = member.rows.iter().map(|row| row.release_id.clone());
                releases.chain(rows).collect::<Vec<_>>()
            })
            .collect()
    }
}
