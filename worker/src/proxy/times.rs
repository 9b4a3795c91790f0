//! How long requests took and waited, by app and by instance, as every worker of nginx counts them.

use std::collections::BTreeMap;
use std::str::FromStr;

use slipway_core::histogram::Histogram;
use slipway_core::id::{AppId, InstanceId};

use super::ProxyError;
use super::control::{Control, unexpected};

const PATH: &str = "/times";

/// One reading: the totals of every worker. Only what came since an earlier reading means anything,
/// because workers and instances come and go.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Times {
    totals: BTreeMap<Source, Total>,
}

/// Who counted, and whose requests.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Source {
    pid: u32,
    subject: Subject,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    App(AppId),
    Instance(InstanceId),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Total {
    /// Tells it from an earlier one of the same source.
    born: u64,
    timing: Timing,
}

/// The requests of one subject.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Timing {
    /// From arrival to the end of the response; without websockets and event streams.
    pub latency: Histogram,
    /// Until an instance got the request; without uploads.
    pub queue: Histogram,
}

/// What came between two readings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TimesSince {
    pub apps: BTreeMap<AppId, Timing>,
    pub instances: BTreeMap<InstanceId, Timing>,
}

impl Timing {
    fn merge(&mut self, other: &Self) {
        self.latency.merge(&other.latency);
        self.queue.merge(&other.queue);
    }

    fn since(&self, earlier: &Self) -> Self {
        Self {
            latency: self.latency.since(&earlier.latency),
            queue: self.queue.since(&earlier.queue),
        }
    }
}

impl Times {
    /// What was counted since an earlier reading, all workers together.
    pub fn since(&self, earlier: &Self) -> TimesSince {
        let mut since = TimesSince::default();
        for (source, total) in &self.totals {
            let before = earlier.totals.get(source).filter(|before| before.born == total.born);
            let grown = before
                .map_or_else(|| total.timing.clone(), |before| total.timing.since(&before.timing));
            match &source.subject {
                Subject::App(app) => since.apps.entry(app.clone()).or_default().merge(&grown),
                Subject::Instance(instance) => {
                    since.instances.entry(instance.clone()).or_default().merge(&grown);
                }
            }
        }
        since
    }

    fn parse(body: &str) -> Option<Self> {
        body.lines().map(parse_line).collect::<Option<_>>().map(|totals| Self { totals })
    }
}

fn parse_line(line: &str) -> Option<(Source, Total)> {
    let words: Vec<&str> = line.split(' ').collect();
    let [pid, subject, born, latency, queue] = words[..] else { return None };
    let subject = AppId::from_str(subject)
        .map(Subject::App)
        .or_else(|_| InstanceId::from_str(subject).map(Subject::Instance))
        .ok()?;
    let histogram = |list: &str| serde_json::from_str(&format!("[{list}]")).ok();
    let timing = Timing { latency: histogram(latency)?, queue: histogram(queue)? };
    let source = Source { pid: pid.parse().ok()?, subject };
    Some((source, Total { born: born.parse().ok()?, timing }))
}

/// Reads what the workers have written, which they do once a second.
pub(super) async fn read(control: &Control) -> Result<Times, ProxyError> {
    let body = control.get(PATH).await?;
    Times::parse(&body).ok_or_else(|| unexpected(PATH, &body))
}

#[cfg(test)]
mod tests {
    use slipway_core::id::Id;

    use super::*;

    fn times(body: &str) -> Times {
        let body = body.replace("APP", AppId::from_bits(1).as_str());
        Times::parse(&body).unwrap()
    }

    fn counted(now: &str, earlier: &str) -> u64 {
        let since = times(now).since(&times(earlier));
        since.apps.get(&AppId::from_bits(1)).map_or(0, |timing| timing.latency.count())
    }

    #[test]
    fn workers_add_up() {
        let since = times("1 APP 5 40,2,20 0,0,20\n2 APP 6 9,3,3 0,0,3\n").since(&Times::default());
        let timing = &since.apps[&AppId::from_bits(1)];
        assert_eq!((timing.latency.count(), timing.latency.sum_ms()), (23, 49));
        assert_eq!(timing.queue.count(), 23);
    }

    #[test]
    fn what_came_since_is_told_worker_by_worker() {
        assert_eq!(counted("1 APP 5 40,2,20 0\n", "1 APP 5 30,2,15 0\n"), 5);
        assert_eq!(counted("1 APP 5 40,2,20 0\n", "1 APP 5 40,2,20 0\n2 APP 5 2,2,1 0\n"), 0);
        assert_eq!(counted("2 APP 9 6,2,3 0\n", "1 APP 5 40,2,20 0\n"), 3, "a new worker");
        assert_eq!(counted("1 APP 9 60,2,30 0\n", "1 APP 5 40,2,20 0\n"), 30, "it began anew");
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        assert!(Times::parse("").is_some());
        for broken in ["1", "1 nobody 5 0 0", "1 app_ 5 0 0", "x y z 0 0"] {
            assert!(Times::parse(broken).is_none(), "{broken}");
        }
    }
}
