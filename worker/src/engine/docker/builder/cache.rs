//! The build cache, which Docker lets grow without end unless somebody trims it.

use std::collections::HashMap;
use std::time::Duration;

use bollard::query_parameters::PruneBuildOptions;

use super::super::Docker;
use super::super::call::CHANGE;
use super::failure::from_engine;
use crate::builder::BuildError;

impl Docker {
    /// Removes cached steps that were not used for this long. They carry no labels, so whose they
    /// are cannot be told; but they are cache, and whoever misses them makes them again.
    pub(super) async fn prune_cache(&self, unused_for: Duration) -> Result<u64, BuildError> {
        let until = format!("{}s", unused_for.as_secs());
        let filters = HashMap::from([("until".to_owned(), vec![until])]);
        let options = PruneBuildOptions { filters: Some(filters), ..PruneBuildOptions::default() };
        let call = self.client.prune_build(Some(options));
        let pruned = self.call("trimming the build cache", CHANGE * 5, call).await;
        let freed = pruned.map_err(from_engine)?.space_reclaimed.unwrap_or_default();
        Ok(u64::try_from(freed).unwrap_or_default())
    }
}
