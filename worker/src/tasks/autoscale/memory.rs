//! What is remembered of one process between two looks.

use slipway_core::autoscale::{Change, History, Rollout};
use slipway_core::time::{Millis, Timestamp};

use super::idleness::Idleness;

/// The memory of one process.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) history: History,
    pub(super) rollout: Rollout,
    pub(super) idleness: Idleness,
    count: u32,
}

impl Memory {
    /// One that begins now.
    pub(super) fn starting(now: Timestamp, count: u32) -> Self {
        Self {
            history: History::starting(now, count),
            rollout: Rollout::None,
            idleness: Idleness::default(),
            count,
        }
    }

    /// Looks at the wanted count. What somebody set by hand is wanted, too: it stays for a `window`.
    pub(super) fn see_count(&mut self, now: Timestamp, count: u32, window: Millis) {
        if count != self.count {
            self.history.want(now, count, window);
            self.step(now, count);
        }
    }

    /// Notes that the count is another one from now on.
    pub(super) fn step(&mut self, now: Timestamp, count: u32) {
        if self.count == 0 {
            self.idleness.forget();
        }
        self.history.change(Change { at: now, from: self.count, to: count });
        self.count = count;
    }

    /// Notes whether instances are being replaced.
    pub(super) fn see_rollout(&mut self, now: Timestamp, underway: bool) {
        self.rollout = match (underway, self.rollout) {
            (true, _) => Rollout::Underway,
            (false, Rollout::Underway) => Rollout::Ended(now),
            (false, before) => before,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_rollout_is_seen_once() {
        let mut memory = Memory::starting(Timestamp(0), 1);
        memory.see_rollout(Timestamp(1), false);
        assert_eq!(memory.rollout, Rollout::None);
        memory.see_rollout(Timestamp(2), true);
        memory.see_rollout(Timestamp(3), false);
        memory.see_rollout(Timestamp(4), false);
        assert_eq!(memory.rollout, Rollout::Ended(Timestamp(3)));
    }

    #[test]
    fn what_somebody_set_by_hand_stays_for_a_window_and_counts_for_the_pace() {
        let window = Millis::from_secs(300);
        let mut memory = Memory::starting(Timestamp(0), 1);
        memory.see_count(Timestamp(1), 3, window);
        assert_eq!(memory.history.ceiling(Timestamp(2), 3), 3);
        assert_eq!(memory.history.most_wanted(Timestamp(300_001), 1, window), 3);
        assert_eq!(memory.history.most_wanted(Timestamp(300_002), 1, window), 1);
    }
}
