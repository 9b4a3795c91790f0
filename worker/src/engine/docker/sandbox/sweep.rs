//! Removes sandboxes that a crash left behind.

use std::collections::HashSet;

use crate::engine::EngineError;
use crate::engine::docker::Docker;

impl Docker {
    /// Sweeps until shutdown. What is unused at two looks in a row is removed: a start that was
    /// under way at the first has joined its sandbox by the second.
    pub(in crate::engine::docker) async fn sweep_sandboxes(self) {
        let mut suspects = HashSet::new();
        let stopping = self.shared.stopping.clone();
        let interval = self.settings.sweep_interval;
        while stopping.run_until_cancelled(tokio::time::sleep(interval)).await.is_some() {
            match self.sweep(&suspects).await {
                Ok(unused) => suspects = unused,
                Err(error) => tracing::debug!(%error, "unused sandboxes could not be listed"),
            }
        }
    }

    /// Removes the sandboxes that are unused and were before; returns those unused now.
    async fn sweep(&self, before: &HashSet<String>) -> Result<HashSet<String>, EngineError> {
        let population = self.everything().await?;
        let mut unused = HashSet::new();
        for orphan in population.orphans() {
            if before.contains(&orphan.id) {
                tracing::info!(sandbox = %orphan.name, "removing a network namespace nobody uses");
                self.remove(&orphan.id).await?;
            } else {
                unused.insert(orphan.id.clone());
            }
        }
        Ok(unused)
    }
}
