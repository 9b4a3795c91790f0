//! An instance's resources: from the control groups' own files, or else from the daemon.

use std::collections::BTreeMap;
use std::slice;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bollard::models::ContainerStatsResponse;
use bollard::query_parameters::StatsOptionsBuilder;
use futures_util::StreamExt;
use slipway_core::id::InstanceId;
use slipway_core::instance::Usage;

use super::Docker;
use super::call::{LOOK_UP, is_absent, refused};
use super::container::Status;
use super::process::Process;
use crate::engine::EngineError;

const DOING: &str = "reading an instance's resources";
/// The daemon may sample over an interval before it answers.
const SAMPLING: Duration = LOOK_UP;

impl Docker {
    /// See `Engine::stats`. An instance that does not run is `Absent`.
    pub(super) async fn read_usage(&self, id: &InstanceId) -> Result<Usage, EngineError> {
        let absent = || EngineError::Absent(id.clone());
        if let Some((_, usage)) = self.usage_from_files(slice::from_ref(id)).await.remove(id) {
            return Ok(usage);
        }
        let container = self.find(id).await?.ok_or_else(absent)?;
        if container.status != Status::Running {
            return Err(absent());
        }
        if let Some(process) = self.inspect(&container).await?.ok_or_else(absent)?.process
            && let Some(usage) = from_files(process).await
        {
            return Ok(usage);
        }
        self.sampled_by_daemon(&container.id).await?.ok_or_else(absent)
    }

    /// See `Engine::stats_at_hand`: all in one go, because handing each to another thread costs as
    /// much as reading it.
    pub(super) async fn usage_from_files(
        &self,
        ids: &[InstanceId],
    ) -> BTreeMap<InstanceId, (Instant, Usage)> {
        let processes = self.shared.inspections.processes_of(ids);
        let read = |(id, process): (InstanceId, Arc<Process>)| {
            Some((id, (Instant::now(), process.usage()?)))
        };
        let all = move || processes.into_iter().filter_map(read).collect();
        tokio::task::spawn_blocking(all).await.unwrap_or_default()
    }

    async fn sampled_by_daemon(&self, container: &str) -> Result<Option<Usage>, EngineError> {
        let options = StatsOptionsBuilder::new().stream(false).one_shot(true).build();
        let mut stats = Box::pin(self.client.stats(container, Some(options)));
        let first = async { stats.next().await.transpose() };
        match self.raw_call(DOING, SAMPLING, first).await? {
            Ok(sample) => Ok(sample.map(usage)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(refused(DOING, &error)),
        }
    }
}

async fn from_files(process: Arc<Process>) -> Option<Usage> {
    tokio::task::spawn_blocking(move || process.usage()).await.ok().flatten()
}

/// The daemon's sample. It has no traffic for containers that joined another's network.
fn usage(sample: ContainerStatsResponse) -> Usage {
    let cpu = sample.cpu_stats.and_then(|cpu| cpu.cpu_usage?.total_usage).unwrap_or_default();
    let memory = sample.memory_stats.unwrap_or_default();
    let details = memory.stats.unwrap_or_default();
    let cache = details.get("total_inactive_file").or_else(|| details.get("inactive_file"));
    let networks = sample.networks.unwrap_or_default();
    let sum = |bytes: fn(&bollard::models::ContainerNetworkStats) -> Option<u64>| {
        networks.values().filter_map(bytes).sum()
    };
    Usage {
        cpu_us: cpu / 1000,
        memory_bytes: memory
            .usage
            .unwrap_or_default()
            .saturating_sub(cache.copied().unwrap_or_default()),
        net_in_bytes: sum(|network| network.rx_bytes),
        net_out_bytes: sum(|network| network.tx_bytes),
        oom_kills: None,
    }
}
