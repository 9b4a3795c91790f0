//! Hints inside one process that something changed, so that nobody has to poll fast.
//!
//! A hint is never needed for being right: whoever waits looks at the truth when woken and at the
//! end of its patience alike. Roles that run apart have no hints from each other and simply poll,
//! as often as [`Store::patience`](crate::Store::patience) and [`Store::resync`](crate::Store::resync)
//! say.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// A job can be claimed.
    Jobs,
    /// Instances, or what is wanted of them.
    Instances,
    /// There is a new event.
    Events,
    /// There are new log lines.
    Logs,
    /// Receivers of log lines, or what is asked of them.
    Drains,
    /// There is a message to be sent.
    Deliveries,
}

/// Wakes those who wait for a topic. Clones share their listeners.
#[derive(Debug, Clone, Default)]
pub struct Wakes(Arc<Topics>);

#[derive(Debug, Default)]
struct Topics {
    jobs: watch::Sender<()>,
    instances: watch::Sender<()>,
    events: watch::Sender<()>,
    logs: watch::Sender<()>,
    drains: watch::Sender<()>,
    deliveries: watch::Sender<()>,
}

impl Wakes {
    /// Wakes everybody who waits for `topic`.
    pub fn notify(&self, topic: Topic) {
        self.sender(topic).send_replace(());
    }

    /// Listens from now on: no hint after this call is missed by the next [`Wake::wait`].
    pub fn subscribe(&self, topic: Topic) -> Wake {
        Wake(self.sender(topic).subscribe())
    }

    fn sender(&self, topic: Topic) -> &watch::Sender<()> {
        match topic {
            Topic::Jobs => &self.0.jobs,
            Topic::Instances => &self.0.instances,
            Topic::Events => &self.0.events,
            Topic::Logs => &self.0.logs,
            Topic::Drains => &self.0.drains,
            Topic::Deliveries => &self.0.deliveries,
        }
    }
}

/// Waits for the hints of one topic.
#[derive(Debug, Clone)]
pub struct Wake(watch::Receiver<()>);

impl Wake {
    /// Returns at the first hint since the last return (or since subscribing), and after `max` at
    /// the latest. Any number of hints in between count as one.
    pub async fn wait(&mut self, max: Duration) {
        // A closed channel means that nobody can hint any more; then patience decides.
        if let Ok(Err(_)) = tokio::time::timeout(max, self.0.changed()).await {
            tokio::time::sleep(max).await;
        }
    }

    /// Whether there was a hint since the last return (or since subscribing), without waiting.
    pub fn take(&mut self) -> bool {
        let came = self.0.has_changed().unwrap_or(false);
        self.0.mark_unchanged();
        came
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_mins(1);

    #[tokio::test(start_paused = true)]
    async fn a_hint_between_subscribing_and_waiting_is_not_missed() {
        let wakes = Wakes::default();
        let mut wake = wakes.subscribe(Topic::Jobs);
        wakes.notify(Topic::Jobs);
        let before = tokio::time::Instant::now();
        wake.wait(LONG).await;
        assert!(before.elapsed() < LONG);
    }

    #[test]
    fn a_hint_is_taken_once() {
        let wakes = Wakes::default();
        let mut wake = wakes.subscribe(Topic::Jobs);
        assert!(!wake.take());
        wakes.notify(Topic::Jobs);
        wakes.notify(Topic::Jobs);
        assert!(wake.take());
        assert!(!wake.take());
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_hint_of_its_topic_a_wait_lasts_as_long_as_told() {
        let wakes = Wakes::default();
        wakes.notify(Topic::Jobs);
        let mut wake = wakes.subscribe(Topic::Jobs);
        wakes.notify(Topic::Events);
        let before = tokio::time::Instant::now();
        wake.wait(LONG).await;
        assert_eq!(before.elapsed(), LONG);
    }
}
