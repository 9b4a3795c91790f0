//! Intervals that are filled and, when they are over, handed on to the next coarser ones.

use std::collections::BTreeMap;

use slipway_core::resolution::Resolution;
use slipway_core::sample::Recorded;
use slipway_core::time::Timestamp;

/// An interval that is over.
#[derive(Debug, Clone, PartialEq)]
pub struct Closed<K, S> {
    pub resolution: Resolution,
    pub subject: K,
    /// When it began.
    pub at: Timestamp,
    pub sample: S,
}

/// Subjects of one kind, on rungs from fine to coarse.
#[derive(Debug)]
pub struct Rungs<K, S> {
    rungs: Vec<Rung<K, S>>,
}

#[derive(Debug)]
struct Rung<K, S> {
    resolution: Resolution,
    open: BTreeMap<K, (Timestamp, S)>,
    closed: Vec<Closed<K, S>>,
}

impl<K: Ord + Clone, S: Recorded> Rungs<K, S> {
    /// Empty rungs, from fine to coarse.
    pub fn new(resolutions: impl IntoIterator<Item = Resolution>) -> Self {
        let rung = |resolution| Rung { resolution, open: BTreeMap::new(), closed: Vec::new() };
        Self { rungs: resolutions.into_iter().map(rung).collect() }
    }

    /// Puts what a subject did around `at` on the finest rung.
    pub fn add(&mut self, subject: K, at: Timestamp, sample: S) {
        if let Some(rung) = self.rungs.first_mut() {
            rung.add(subject, at, sample);
        }
    }

    /// Puts a sample that was stored before on the rung that `resolution` is rolled up into; one
    /// whose own interval is not over at `now` goes on being filled.
    pub fn resume(&mut self, closed: Closed<K, S>, now: Timestamp) {
        let is_open = closed.resolution.slot(now) == closed.at;
        let target = if is_open { Some(closed.resolution) } else { closed.resolution.coarser() };
        let rung = self.rungs.iter_mut().find(|rung| Some(rung.resolution) == target);
        if let Some(rung) = rung {
            rung.add(closed.subject, closed.at, closed.sample);
        }
    }

    /// Every interval that is over at `now`, each of them once.
    pub fn close(&mut self, now: Timestamp) -> Vec<Closed<K, S>> {
        let mut all: Vec<Closed<K, S>> = Vec::new();
        let mut finer: Vec<Closed<K, S>> = Vec::new();
        for rung in &mut self.rungs {
            for one in &finer {
                rung.add(one.subject.clone(), one.at, one.sample.clone());
            }
            all.append(&mut finer);
            finer = rung.close(now);
        }
        all.append(&mut finer);
        all
    }

    /// The finest intervals as far as they got, for when there will be no more.
    pub fn unfinished(&self) -> Vec<Closed<K, S>> {
        let Some(rung) = self.rungs.first() else { return Vec::new() };
        let closed = |(subject, (at, sample)): (&K, &(Timestamp, S))| Closed {
            resolution: rung.resolution,
            subject: subject.clone(),
            at: *at,
            sample: sample.clone(),
        };
        rung.open.iter().map(closed).collect()
    }
}

impl<K: Ord + Clone, S: Recorded> Rung<K, S> {
    fn add(&mut self, subject: K, at: Timestamp, sample: S) {
        let slot = self.resolution.slot(at);
        match self.open.get_mut(&subject) {
            Some((open, earlier)) if *open == slot => earlier.append(&sample),
            _ => {
                if let Some((at, sample)) = self.open.insert(subject.clone(), (slot, sample)) {
                    let resolution = self.resolution;
                    self.closed.push(Closed { resolution, subject, at, sample });
                }
            }
        }
    }

    fn close(&mut self, now: Timestamp) -> Vec<Closed<K, S>> {
        let current = self.resolution.slot(now);
        let mut closed = std::mem::take(&mut self.closed);
        let over = self.open.extract_if(.., |_, (at, _)| *at != current);
        closed.extend(over.map(|(subject, (at, sample))| Closed {
            resolution: self.resolution,
            subject,
            at,
            sample,
        }));
        closed
    }
}

#[cfg(test)]
mod tests {
    use slipway_core::sample::{Sample, Traffic};
    use slipway_core::time::Millis;

    use super::*;

    fn sample(requests: u64) -> Sample {
        let traffic = Traffic { responses: [0, requests, 0, 0, 0], ..Traffic::default() };
        Sample::over(Millis(1000)).with_traffic(traffic)
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1000)
    }

    fn told(closed: &[Closed<&str, Sample>]) -> Vec<(u64, i64, u64)> {
        let requests = |one: &Closed<&str, Sample>| {
            one.sample.traffic.as_ref().map_or(0, |traffic| traffic.value.requests())
        };
        let span = |one: &Closed<&str, Sample>| one.resolution.span().0 / 1000;
        closed.iter().map(|one| (span(one), one.at.0 / 1000, requests(one))).collect()
    }

    #[test]
    fn what_is_over_is_told_once_and_rolled_up() {
        let mut rungs = Rungs::new(Resolution::ALL);
        let mut all = Vec::new();
        for second in 0..1201 {
            rungs.add("web", at(second), sample(1));
            all.extend(told(&rungs.close(at(second + 1))));
        }
        let of = |span: u64| -> Vec<(i64, u64)> {
            all.iter().filter(|one| one.0 == span).map(|one| (one.1, one.2)).collect()
        };
        assert_eq!(of(5).len(), 240);
        assert!(of(5).iter().all(|(_, requests)| *requests == 5));
        assert_eq!(of(60).len(), 20);
        assert!(of(60).iter().all(|(_, requests)| *requests == 60));
        assert_eq!(of(600), [(0, 600), (600, 600)]);
    }

    #[test]
    fn a_minute_that_was_half_full_before_a_restart_is_completed() {
        let mut before = Rungs::new(Resolution::ALL);
        let mut stored = Vec::new();
        for second in 0..33 {
            before.add("web", at(second), sample(1));
            stored.append(&mut before.close(at(second + 1)));
        }
        stored.append(&mut before.unfinished());
        let mut after = Rungs::new(Resolution::ALL);
        for one in stored {
            after.resume(one, at(33));
        }
        let mut closed = Vec::new();
        for second in 33..61 {
            after.add("web", at(second), sample(1));
            closed.append(&mut after.close(at(second + 1)));
        }
        let told = told(&closed);
        assert_eq!(told[0], (5, 30, 5), "the interval under way was completed");
        assert!(told.contains(&(60, 0, 60)), "{told:?}");
    }

    #[test]
    fn an_interval_that_ended_while_nobody_watched_is_rolled_up_afterwards() {
        let mut after = Rungs::new(Resolution::ALL);
        for slot in [0, 5, 10] {
            let resolution = Resolution::FiveSeconds;
            let one = Closed { resolution, subject: "web", at: at(slot), sample: sample(2) };
            after.resume(one, at(4000));
        }
        assert_eq!(told(&after.close(at(4000))), [(60, 0, 6), (600, 0, 6)]);
        assert!(after.close(at(4000)).is_empty());
    }
}
