//! What was wanted and done a while ago.

use std::collections::VecDeque;

use crate::time::{Millis, Timestamp};

/// How long steps upwards are counted together.
const UP_PERIOD: Millis = Millis::from_secs(15);
/// The same downwards.
const DOWN_PERIOD: Millis = Millis::from_secs(60);

/// A change of the count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    pub at: Timestamp,
    pub from: u32,
    pub to: u32,
}

/// The memory of one process's autoscaler. Losing it only delays a step downwards.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// Oldest first. Only the ones that no later one exceeds: they alone can be a maximum.
    wanted: VecDeque<(Timestamp, u32)>,
    changes: VecDeque<Change>,
}

impl History {
    /// One that begins now: what there is was wanted.
    pub fn starting(now: Timestamp, current: u32) -> Self {
        Self { wanted: VecDeque::from([(now, current)]), changes: VecDeque::new() }
    }

    /// Notes what is wanted, and forgets what lies before the window.
    pub fn want(&mut self, now: Timestamp, count: u32, window: Millis) {
        while self.wanted.back().is_some_and(|(_, earlier)| *earlier <= count) {
            self.wanted.pop_back();
        }
        self.wanted.push_back((now, count));
        while self.wanted.len() > 1
            && self.wanted.front().is_some_and(|(at, _)| now.since(*at) > window)
        {
            self.wanted.pop_front();
        }
    }

    /// Notes a change, by whomever it was made.
    pub fn change(&mut self, change: Change) {
        self.changes.push_back(change);
        while self.changes.front().is_some_and(|old| change.at.since(old.at) > DOWN_PERIOD) {
            self.changes.pop_front();
        }
    }

    /// The most that was wanted in the window, `count` included.
    pub fn most_wanted(&self, now: Timestamp, count: u32, window: Millis) -> u32 {
        let within = self.wanted.iter().filter(|(at, _)| now.since(*at) <= window);
        within.map(|(_, wanted)| *wanted).fold(count, u32::max)
    }

    /// The most that may be reached now: as many again within 15 s as there were, or two.
    pub fn ceiling(&self, now: Timestamp, current: u32) -> u32 {
        let added = self.sum(now, UP_PERIOD, |change| change.to.saturating_sub(change.from));
        let before = current.saturating_sub(added);
        before.saturating_add(before.max(2))
    }

    /// The fewest that may be reached now: half of what there was within 60 s.
    pub fn floor(&self, now: Timestamp, current: u32) -> u32 {
        let removed = self.sum(now, DOWN_PERIOD, |change| change.from.saturating_sub(change.to));
        current.saturating_add(removed).div_ceil(2)
    }

    fn sum(&self, now: Timestamp, period: Millis, of: impl Fn(&Change) -> u32) -> u32 {
        self.changes.iter().filter(|change| now.since(change.at) < period).map(of).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1000)
    }

    #[test]
    fn within_15_s_a_count_at_most_doubles_or_grows_by_two() {
        let mut history = History::default();
        assert_eq!(history.ceiling(at(0), 1), 3);
        history.change(Change { at: at(0), from: 1, to: 3 });
        assert_eq!(history.ceiling(at(14), 3), 3);
        assert_eq!(history.ceiling(at(15), 3), 6);
    }

    #[test]
    fn within_60_s_a_count_at_most_halves() {
        let mut history = History::default();
        assert_eq!(history.floor(at(0), 8), 4);
        history.change(Change { at: at(0), from: 8, to: 4 });
        assert_eq!(history.floor(at(59), 4), 4);
        assert_eq!(history.floor(at(60), 4), 2);
    }

    #[test]
    fn the_most_wanted_is_that_of_the_window() {
        let window = Millis::from_secs(300);
        let mut history = History::starting(at(0), 5);
        for second in 1..400 {
            let before = history.most_wanted(at(second), 1, window);
            assert_eq!(before, if second <= 300 { 5 } else { 1 }, "at {second}");
            history.want(at(second), 1, window);
        }
        assert!(history.wanted.len() < 3, "it is bounded");
    }
}
