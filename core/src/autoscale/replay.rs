//! What the autoscaler would have done with recorded samples.
//!
//! The same function decides as in life. The model of the app is this, and no more:
//!
//! - What a process did in all (CPU, requests, requests under way, bytes) it would have done with any
//!   number of instances, spread evenly. So a load that was too much for the instances there were
//!   shows as what they got done, which is less than what was asked of them.
//! - Waits (`p95_ms`, `queue_ms`) move in proportion to the load of each instance. Real ones stay flat
//!   for long and then rise steeply: take these counts for a sketch.
//! - Memory, and the app's own gauges, are taken as they were, whatever the number of instances.
//! - A new instance is ready after a boot of 5 s; stopping takes no time; the host has room.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::amount::Amount;
use super::decide::{Input, Rollout, decide};
use super::history::{Change, History};
use super::observation::{Point, Subject, Tempo, loads};
use super::settings::AutoscaleSettings;
use crate::metric::Metric;
use crate::sample::Sample;
use crate::time::{Millis, Timestamp};

const BOOT: Millis = Millis::from_secs(5);

/// What a process did up to a moment, all its instances together.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The end of the interval.
    pub at: Timestamp,
    pub sample: Sample,
}

/// A count that was held from a moment on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Step {
    pub at: Timestamp,
    pub count: u32,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Outcome {
    /// Every change of the count, from the first one on.
    pub steps: Vec<Step>,
    /// How long there are samples for.
    pub covered_ms: Millis,
    /// The time of all simulated instances together, in thousandths of an hour.
    pub instance_hours: Amount,
    /// The same of the instances there were.
    pub recorded_instance_hours: Amount,
    /// How much of the time a metric was more than a tenth above its target, in thousandths.
    pub over_target_permille: u32,
    /// How much of the time the count was at the maximum, in thousandths.
    pub at_max_permille: u32,
    /// The most instances at once.
    pub most: u32,
}

/// Runs the autoscaler over records in the order of time, `interval` apart where there is no gap.
pub fn replay(settings: &AutoscaleSettings, records: &[Record], interval: Millis) -> Outcome {
    let window = Millis(Tempo::LIVE.window.0.max(interval.0.saturating_mul(4)));
    let mut run = Run::new(settings, Tempo { interval, window });
    for record in records {
        run.feel(record);
        run.decide(record.at);
    }
    run.end()
}

struct Run<'a> {
    settings: &'a AutoscaleSettings,
    tempo: Tempo,
    history: History,
    /// Since when each simulated instance is ready.
    ready: Vec<Timestamp>,
    points: Vec<Point>,
    idle_since: Option<Timestamp>,
    tally: Tally,
    steps: Vec<Step>,
}

#[derive(Default)]
struct Tally {
    covered: u64,
    instances: u64,
    recorded: u64,
    over: u64,
    at_max: u64,
}

impl<'a> Run<'a> {
    fn new(settings: &'a AutoscaleSettings, tempo: Tempo) -> Self {
        Self {
            settings,
            tempo,
            history: History::default(),
            ready: Vec::new(),
            points: Vec::new(),
            idle_since: None,
            tally: Tally::default(),
            steps: Vec::new(),
        }
    }

    fn current(&self) -> u32 {
        u32::try_from(self.ready.len()).unwrap_or(u32::MAX)
    }

    /// Spreads what was recorded over the instances of the simulation.
    fn feel(&mut self, record: &Record) {
        let recorded = instances_of(&record.sample);
        if self.steps.is_empty() {
            self.begin(record, recorded);
        }
        let busy = is_busy(&record.sample);
        if busy {
            self.idle_since = None;
            if self.ready.is_empty() {
                self.set(record.at - record.sample.span, self.settings.awake_min());
            }
        } else {
            self.idle_since = self.idle_since.or(Some(record.at - record.sample.span));
        }
        let ready = self.ready.iter().filter(|since| **since <= record.at).count();
        let ready = u64::try_from(ready).unwrap_or(u64::MAX).max(1);
        let loads = loads(&record.sample, self.settings.targets.keys());
        let each = spread(loads, recorded, ready);
        self.count(record, recorded, &each);
        self.points.push(Point { at: record.at, loads: each });
        let from = record.at - self.tempo.window;
        self.points.retain(|point| point.at >= from);
    }

    fn begin(&mut self, record: &Record, recorded: u64) {
        let recorded = u32::try_from(recorded.div_ceil(1000)).unwrap_or(u32::MAX);
        let first = recorded.clamp(self.settings.awake_min(), self.settings.max);
        let since = record.at - self.settings.warm_up_ms - record.sample.span;
        self.ready = (0..first).map(|_| since).collect();
        self.history = History::starting(record.at, first);
        self.steps.push(Step { at: record.at - record.sample.span, count: first });
    }

    fn count(&mut self, record: &Record, recorded: u64, each: &BTreeMap<Metric, Amount>) {
        let span = record.sample.span.0;
        let current = u64::from(self.current());
        let over = self.settings.targets.iter().any(|(metric, target)| {
            each.get(metric).is_some_and(|load| load.0 * 10 > target.0.saturating_mul(11))
        });
        self.tally.covered += span;
        self.tally.instances += span.saturating_mul(current);
        self.tally.recorded += span.saturating_mul(recorded) / 1000;
        self.tally.over += if over { span } else { 0 };
        self.tally.at_max += if self.current() == self.settings.max { span } else { 0 };
    }

    fn decide(&mut self, now: Timestamp) {
        let subjects: Vec<Subject> = self
            .ready
            .iter()
            .map(|since| Subject {
                ready_since: (*since <= now).then_some(*since),
                serves: *since <= now,
                points: self.points.iter().filter(|point| point.at >= *since).cloned().collect(),
            })
            .collect();
        let input = Input {
            now,
            current: self.current(),
            paused: false,
            rollout: Rollout::None,
            room: None,
            idle_since: self.idle_since,
            subjects: &subjects,
            tempo: self.tempo,
        };
        let decision = decide(self.settings, &self.history, &input);
        self.history.note(&decision, self.settings, now);
        self.set(now, decision.count);
    }

    fn set(&mut self, at: Timestamp, count: u32) {
        let from = self.current();
        if count == from {
            return;
        }
        self.history.change(Change { at, from, to: count });
        self.ready.resize(usize::try_from(count).unwrap_or(usize::MAX), at + BOOT);
        self.steps.push(Step { at, count });
    }

    fn end(self) -> Outcome {
        let Tally { covered, instances, recorded, over, at_max } = self.tally;
        // Milliseconds to thousandths of an hour.
        let hours = |ms: u64| Amount(ms / 3_600);
        let share = |ms: u64| u32::try_from(ms * 1000 / covered.max(1)).unwrap_or(1000);
        Outcome {
            most: self.steps.iter().map(|step| step.count).max().unwrap_or(0),
            steps: self.steps,
            covered_ms: Millis(covered),
            instance_hours: hours(instances),
            recorded_instance_hours: hours(recorded),
            over_target_permille: share(over),
            at_max_permille: share(at_max),
        }
    }
}

/// How many instances there were on average, in thousandths.
fn instances_of(sample: &Sample) -> u64 {
    Metric::Instances.value(sample).and_then(Amount::from_float).unwrap_or_default().0
}

fn is_busy(sample: &Sample) -> bool {
    sample.traffic.as_ref().is_none_or(|traffic| {
        traffic.value.requests() > 0
            || traffic.value.dropped > 0
            || traffic.value.in_flight.max > 0.0
    })
}

/// The loads of each of `ready` instances. `recorded` instances (in thousandths) had them before.
fn spread(loads: BTreeMap<Metric, Amount>, recorded: u64, ready: u64) -> BTreeMap<Metric, Amount> {
    let (recorded, ready) = (u128::from(recorded), u128::from(ready));
    let of_each = |metric: &Metric, load: u128| {
        // Already a sum over the instances.
        if matches!(metric, Metric::Rps | Metric::Concurrency | Metric::NetIn | Metric::NetOut) {
            return load / ready;
        }
        // A mean of each instance's share of its limit, or a wait.
        if matches!(metric, Metric::Cpu | Metric::P95Ms | Metric::QueueMs) {
            return load * recorded / 1000 / ready;
        }
        // A sum over instances that each keep their own.
        if matches!(metric, Metric::Custom(_)) {
            return load * 1000 / recorded.max(1);
        }
        load
    };
    let each = |(metric, load): (Metric, Amount)| {
        let load = of_each(&metric, u128::from(load.0));
        (metric, Amount(u64::try_from(load).unwrap_or(u64::MAX)))
    };
    loads.into_iter().map(each).collect()
}
