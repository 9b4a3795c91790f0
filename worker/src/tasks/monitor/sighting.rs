//! One look at everything that is measured, as it stands.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use slipway_core::id::{AppId, InstanceId, ReleaseId};
use slipway_core::instance::{InstanceState, Usage};
use slipway_core::name::{GaugeName, ProcessName};
use slipway_core::process::Limits;
use slipway_core::release::Release;
use slipway_core::time::Timestamp;
use slipway_store::wakes::{Topic, Wake};
use slipway_store::{Instance, Store, StoreError, clock};
use tokio::time::{sleep, timeout};

use super::host::HostFacts;
use crate::context::{Host, Shared};
use crate::proxy::{Times, Traffic};

/// Instances whose usage is asked for at the same time.
const PARALLEL: usize = 8;
/// How long each kind of reading may take; instances that did not get their turn are not known.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Everything as it stood.
#[derive(Debug, Default)]
pub struct Sighting {
    pub at: Timestamp,
    /// By the clock that is never set.
    pub moment: Option<Instant>,
    pub instances: Vec<Seen>,
    /// Processes of live releases, also those without an instance.
    pub processes: Vec<(AppId, ProcessName)>,
    /// What went through the proxy, and when that was read; `None` when it did not answer.
    pub proxy: Option<(Instant, Traffic, Times)>,
    pub host: HostFacts,
}

/// One instance as it stood.
#[derive(Debug, Clone)]
pub struct Seen {
    pub row: Instance,
    pub limits: Limits,
    /// What it has used so far, and when that was read; `None` when it could not be.
    pub usage: Option<(Instant, Usage)>,
    /// What it exposes itself, as read last.
    pub gauges: BTreeMap<GaugeName, f64>,
}

/// Looks, and remembers what the store said: releases never change, and the rest changes with a
/// hint.
#[derive(Debug)]
pub struct Sighter {
    hint: Wake,
    releases: BTreeMap<ReleaseId, Arc<Release>>,
    known: Option<Known>,
}

/// What there is to measure, as the store said.
#[derive(Debug)]
struct Known {
    read_at: Instant,
    instances: Vec<(Instance, Limits)>,
    processes: Vec<(AppId, ProcessName)>,
}

impl Sighter {
    /// One that knows nothing yet.
    pub fn new(store: &Store) -> Self {
        let hint = store.wakes().subscribe(Topic::Instances);
        Self { hint, releases: BTreeMap::new(), known: None }
    }

    /// Looks at everything at once.
    ///
    /// # Errors
    /// When the store does not say what there is. Everything else is absent when it fails.
    pub async fn sight<H: Host>(&mut self, context: &Shared<H>) -> Result<Sighting, StoreError> {
        let known = match self.known.take() {
            Some(known) if self.holds(&known, &context.store) => known,
            Some(_) | None => self.read(&context.store).await?,
        };
        let (mut usages, proxy, host) = tokio::join!(
            usages(context, &known.instances),
            read_proxy(context),
            read_host(context)
        );
        let instances = known.instances.iter().map(|(row, limits)| Seen {
            row: row.clone(),
            limits: *limits,
            usage: usages.remove(&row.id),
            gauges: context.gauges.of(&row.id),
        });
        let sighting = Sighting {
            at: clock::now(),
            moment: Some(Instant::now()),
            instances: instances.collect(),
            processes: known.processes.clone(),
            proxy,
            host,
        };
        self.known = Some(known);
        Ok(sighting)
    }

    /// Whether what was read still holds: nothing hinted at a change, and it was read lately.
    fn holds(&mut self, known: &Known, store: &Store) -> bool {
        !self.hint.take() && known.read_at.elapsed() < store.resync()
    }

    async fn read(&mut self, store: &Store) -> Result<Known, StoreError> {
        let read_at = Instant::now();
        let rows = store.all_instances().await?;
        let processes = self.processes(store).await?;
        let mut instances = Vec::with_capacity(rows.len());
        for row in rows {
            let limits = self.limits(store, &row).await?;
            instances.push((row, limits));
        }
        self.releases.retain(|id, release| {
            instances.iter().any(|(row, _)| row.release_id == *id)
                || processes.iter().any(|(app_id, _)| *app_id == release.app_id)
        });
        Ok(Known { read_at, instances, processes })
    }

    async fn processes(&mut self, store: &Store) -> Result<Vec<(AppId, ProcessName)>, StoreError> {
        let mut processes = Vec::new();
        for entry in store.fleet().await? {
            let Some(live) = &entry.app.live_release_id else { continue };
            let Some(release) = self.release(store, live).await? else { continue };
            let named = release.formation.processes.keys();
            processes.extend(named.map(|process| (entry.app.id.clone(), process.clone())));
        }
        Ok(processes)
    }

    async fn limits(&mut self, store: &Store, row: &Instance) -> Result<Limits, StoreError> {
        let release = self.release(store, &row.release_id).await?;
        let spec = release.as_ref().and_then(|one| one.formation.processes.get(&row.process));
        Ok(spec.map(|spec| spec.limits).unwrap_or_default())
    }

    async fn release(
        &mut self,
        store: &Store,
        id: &ReleaseId,
    ) -> Result<Option<Arc<Release>>, StoreError> {
        if let Some(known) = self.releases.get(id) {
            return Ok(Some(Arc::clone(known)));
        }
        let Some(release) = store.release(id).await? else { return Ok(None) };
        let release = Arc::new(release);
        self.releases.insert(id.clone(), Arc::clone(&release));
        Ok(Some(release))
    }
}

/// Whether there is a process whose usage could be read.
fn may_run(row: &Instance) -> bool {
    match row.state {
        InstanceState::Starting => row.started || row.endpoint.is_some(),
        InstanceState::Ready | InstanceState::Unready | InstanceState::Draining => true,
        InstanceState::Crashed | InstanceState::Stopping | InstanceState::Stopped => false,
    }
}

async fn usages<H: Host>(
    context: &Shared<H>,
    instances: &[(Instance, Limits)],
) -> BTreeMap<InstanceId, (Instant, Usage)> {
    let running = instances.iter().map(|(row, _)| row).filter(|row| may_run(row));
    let mut ids: Vec<InstanceId> = running.map(|row| row.id.clone()).collect();
    let at_hand = timeout(PATIENCE, context.host.stats_at_hand(&ids)).await;
    let mut usages = at_hand.unwrap_or_default();
    ids.retain(|id| !usages.contains_key(id));
    let asked = ids.into_iter().map(|id| async move {
        let usage = context.host.stats(&id).await.ok()?;
        Some((id, (Instant::now(), usage)))
    });
    let asked: Vec<_> = asked.collect();
    let answers = stream::iter(asked).buffer_unordered(PARALLEL);
    let known = answers.filter_map(std::future::ready).take_until(sleep(PATIENCE));
    usages.extend(known.collect::<Vec<_>>().await);
    usages
}

async fn read_proxy<H: Host>(context: &Shared<H>) -> Option<(Instant, Traffic, Times)> {
    let both = async { tokio::try_join!(context.proxy.traffic(), context.proxy.times()) };
    let (traffic, times) = timeout(PATIENCE, both).await.ok()?.ok()?;
    Some((Instant::now(), traffic, times))
}

async fn read_host<H: Host>(context: &Shared<H>) -> HostFacts {
    let data = context.data.root().to_owned();
    let storage = context.host.storage().map(ToOwned::to_owned);
    let read = tokio::task::spawn_blocking(move || HostFacts::read(&data, storage.as_deref()));
    timeout(PATIENCE, read).await.ok().and_then(Result::ok).unwrap_or_default()
}
