//! What the host's memory has room for.

use std::collections::BTreeMap;
use std::sync::Arc;

use slipway_core::id::{AppId, ReleaseId};
use slipway_core::name::ProcessName;
use slipway_core::release::Release;
use slipway_store::FleetEntry;

use crate::metrics::live::HostReading;

/// The memory limits of everything that is wanted may add up to this share of the host's memory.
const SHARE_PERCENT: u64 = 85;

/// What is wanted of the host's memory.
#[derive(Debug, Default)]
pub(super) struct Demand {
    /// What instances may have together, in bytes; `None` when the host could not be read.
    allowed: Option<u64>,
    /// Of each process the wanted count and the limit of one instance, in bytes.
    wanted: BTreeMap<(AppId, ProcessName), (u32, u64)>,
}

impl Demand {
    /// That of every process of every app's live release.
    pub(super) fn of(
        fleet: &[FleetEntry],
        releases: &BTreeMap<ReleaseId, Arc<Release>>,
        host: Option<&HostReading>,
    ) -> Self {
        let mut wanted = BTreeMap::new();
        for entry in fleet {
            let live = entry.app.live_release_id.as_ref().and_then(|id| releases.get(id));
            for (process, spec) in live.iter().flat_map(|release| &release.formation.processes) {
                let count = entry.scale.get(process).copied().unwrap_or_default();
                let key = (entry.app.id.clone(), process.clone());
                wanted.insert(key, (count, spec.limits.memory_bytes));
            }
        }
        let memory = host.and_then(|host| host.sample.memory.as_ref());
        Self { allowed: memory.and_then(|memory| allowed(memory.value.limit.mean)), wanted }
    }

    /// How many instances of a process there is room for, the present ones included, when all
    /// others stay as they are.
    pub(super) fn room(&self, app_id: &AppId, process: &ProcessName) -> Option<u32> {
        let own = (app_id.clone(), process.clone());
        let (_, limit) = self.wanted.get(&own)?;
        let others = self.wanted.iter().filter(|(key, _)| **key != own);
        let taken: u64 = others.map(|(_, (count, limit))| u64::from(*count) * limit).sum();
        let free = self.allowed?.saturating_sub(taken);
        Some(u32::try_from(free / limit.max(&1)).unwrap_or(u32::MAX))
    }
}

fn allowed(memory: f64) -> Option<u64> {
    if !(1.0..=1e18).contains(&memory) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
    let bytes = memory as u64;
    Some(bytes / 100 * SHARE_PERCENT)
}

#[cfg(test)]
mod tests {
    use slipway_core::id::Id;

    use super::*;

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn room_is_what_the_others_leave() {
        let (shop, blog) = (AppId::from_bits(1), AppId::from_bits(2));
        let web = ProcessName::web();
        let wanted = BTreeMap::from([
            ((shop.clone(), web.clone()), (2, 512 * MIB)),
            ((blog.clone(), web.clone()), (3, 256 * MIB)),
        ]);
        let demand = Demand { allowed: allowed(4096.0 * 1024.0 * 1024.0), wanted };
        assert_eq!(demand.room(&shop, &web), Some(5), "(3481 - 768) / 512");
        assert_eq!(demand.room(&blog, &web), Some(9), "(3481 - 1024) / 256");
        assert_eq!(demand.room(&AppId::from_bits(3), &web), None);
        let unknown = Demand { allowed: None, ..demand };
        assert_eq!(unknown.room(&shop, &web), None);
    }
}
