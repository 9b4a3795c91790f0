//! A range of time as one history, whatever resolutions it is made of.
//!
//! Where a resolution ends is asked before its samples are: what is rolled up in between is then
//! read from the finer ones, and neither missed nor told twice.

use slipway_core::id::AppId;
use slipway_core::name::ProcessName;
use slipway_core::resolution::Resolution;
use slipway_core::sample::HostSample;
use slipway_core::time::Timestamp;

use super::{InstanceSample, ProcessSample};
use crate::db::Store;
use crate::error::StoreError;

impl Store {
    /// What an app's processes, or one of them, did from `since` on and before `until`, in order: in
    /// `resolution` as far as that was rolled up, then in the finer ones. No moment is told twice.
    pub async fn process_history(
        &self,
        app_id: &AppId,
        process: Option<&ProcessName>,
        resolution: Resolution,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<ProcessSample>, StoreError> {
        let mut history = Vec::new();
        let mut from = since;
        for one in from_coarse_to_fine(resolution) {
            let Some(end) = self.processes_stored_until(app_id, one).await? else { continue };
            let rows = self.stored_processes(app_id, process, one, from, until.min(end));
            history.append(&mut rows.await?);
            from = from.max(end);
        }
        Ok(history)
    }

    /// The same of single instances. They are kept for two days only.
    pub async fn instance_history(
        &self,
        app_id: &AppId,
        resolution: Resolution,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<InstanceSample>, StoreError> {
        let mut history = Vec::new();
        let mut from = since;
        for one in from_coarse_to_fine(resolution).filter(|one| one.has_instances()) {
            let Some(end) = self.instances_stored_until(app_id, one).await? else { continue };
            let rows = self.stored_instances(app_id, one, from, until.min(end));
            history.append(&mut rows.await?);
            from = from.max(end);
        }
        Ok(history)
    }

    /// The same of the host.
    pub async fn host_history(
        &self,
        resolution: Resolution,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<(Timestamp, HostSample)>, StoreError> {
        let mut history = Vec::new();
        let mut from = since;
        for one in from_coarse_to_fine(resolution) {
            let Some(end) = self.host_stored_until(one).await? else { continue };
            history.append(&mut self.stored_host(one, from, until.min(end)).await?);
            from = from.max(end);
        }
        Ok(history)
    }
}

fn from_coarse_to_fine(resolution: Resolution) -> impl Iterator<Item = Resolution> {
    std::iter::successors(Some(resolution), |one| one.finer())
}
