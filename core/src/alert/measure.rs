//! From samples to the one number that a rule is about.

use super::{Against, Rule};
use crate::metric::Metric;
use crate::sample::Sample;
use crate::time::Millis;

/// Requests below which a latency says nothing about the week's.
pub const LEAST_REQUESTS: u64 = 20;
/// Requests that a week needs before anything is compared with it.
const LEAST_WEEK: u64 = 1000;
/// How much of a week has to be known before anything is compared with it: a day.
const LEAST_SPAN: Millis = Millis::from_secs(24 * 3600);

/// Whose samples a rule's number is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// All instances together, with the requests that none of them answered.
    Processes,
    /// The instance that is worst off: one at its memory limit is killed, however much the others
    /// have left.
    WorstInstance,
}

impl Rule {
    /// Whose samples the number is made of.
    pub fn subject(&self) -> Subject {
        if self.metric == Metric::Memory { Subject::WorstInstance } else { Subject::Processes }
    }
}

/// The number a rule is about, from the samples of its subjects over the same time. `None` is "not
/// known".
pub fn measure(rule: &Rule, subjects: &[Sample]) -> Option<f64> {
    if rule.subject() == Subject::WorstInstance {
        let values = subjects.iter().filter_map(|sample| rule.metric.value(sample));
        return values.reduce(|one, other| rule.worse(one, other));
    }
    let mut all = subjects.first()?.clone();
    for other in &subjects[1..] {
        all.join(other);
    }
    if rule.against == Against::Week && is_latency(&rule.metric) && requests(&all) < LEAST_REQUESTS
    {
        return None;
    }
    rule.metric.value(&all)
}

/// A metric's value over a week, from its samples one after the other (each joined over subjects).
/// Quantiles are taken of the week's merged histogram: they cannot be averaged. `None` before there
/// is a day of samples, and of a latency before there were a thousand requests.
pub fn baseline(metric: &Metric, week: impl IntoIterator<Item = Sample>) -> Option<f64> {
    let mut samples = week.into_iter();
    let mut all = samples.next()?;
    for next in samples {
        all.append(&next);
    }
    let known = all.span >= LEAST_SPAN && (!is_latency(metric) || requests(&all) >= LEAST_WEEK);
    if known { metric.value(&all) } else { None }
}

fn is_latency(metric: &Metric) -> bool {
    matches!(metric, Metric::P50Ms | Metric::P95Ms | Metric::P99Ms | Metric::QueueMs)
}

fn requests(sample: &Sample) -> u64 {
    sample.traffic.as_ref().map_or(0, |traffic| traffic.value.requests())
}
