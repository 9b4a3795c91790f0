//! Starts and stops under way. Slow, so each is a task of its own; repeatable, so one that was
//! interrupted is simply begun again.

use std::collections::BTreeMap;
use std::time::Duration;

use slipway_core::id::InstanceId;
use tokio::task::JoinHandle;

/// Effects by the instance they belong to.
#[derive(Default)]
pub struct Effects {
    running: BTreeMap<InstanceId, JoinHandle<()>>,
}

impl Effects {
    /// Whether something is being done to the instance.
    pub fn is_busy(&self, id: &InstanceId) -> bool {
        self.running.get(id).is_some_and(|task| !task.is_finished())
    }

    /// Begins `effect` unless one is under way for this instance.
    pub fn begin(&mut self, id: &InstanceId, effect: impl Future<Output = ()> + Send + 'static) {
        self.running.retain(|_, task| !task.is_finished());
        if !self.is_busy(id) {
            self.running.insert(id.clone(), tokio::spawn(effect));
        }
    }

    /// Waits for what is under way, up to `limit` in all; the rest is dropped where it is.
    pub async fn finish(&mut self, limit: Duration) {
        let deadline = tokio::time::Instant::now() + limit;
        for (_, mut task) in std::mem::take(&mut self.running) {
            if tokio::time::timeout_at(deadline, &mut task).await.is_err() {
                task.abort();
            }
        }
    }
}
