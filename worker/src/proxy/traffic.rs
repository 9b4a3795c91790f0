//! What went through the proxy: counters and requests in flight, by app and by instance.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use slipway_core::id::{AppId, InstanceId};
use tokio::time::{Instant, sleep};

use super::ProxyError;
use super::control::{Control, unexpected};
use super::layout::Layout;
use super::{nginx, process};

const PATH: &str = "/traffic";
/// A worker publishes at the latest 0.1 s after a change of members, unless it is very busy.
const DEADLINE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(10);

/// One reading. The default is a reading that failed: it knows nothing, not even zeros.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Traffic {
    complete: bool,
    /// Apps without an entry had no request, or none for an hour.
    pub apps: BTreeMap<AppId, Counters>,
    /// Likewise; instances that left the proxy stay for an hour.
    pub instances: BTreeMap<InstanceId, Counters>,
}

/// Numbers since nginx was started; a counter may start again at 0 after an hour without traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Responses by class: `responses[1]` is 2xx. Websockets count as 1xx, when they end.
    pub responses: [u64; 5],
    /// Attempts that failed (no connection, a reset, no answer in time), also where another
    /// member answered in the end.
    pub failures: u64,
    /// Requests answered with an error page of the proxy because no member answered. Of apps only.
    pub dropped: u64,
    /// Bytes sent to clients, headers included.
    pub bytes_out: u64,
    /// Bytes received from clients, headers included.
    pub bytes_in: u64,
    /// Time of all requests and websockets under way, in milliseconds: of a span's length, their mean
    /// number.
    pub busy_ms: u64,
    /// Requests and websockets at this moment; an app's include those that wait for it to wake.
    pub in_flight: u64,
}

impl Traffic {
    /// An app's numbers.
    pub fn of_app(&self, app: &AppId) -> Counters {
        self.apps.get(app).copied().unwrap_or_default()
    }

    /// An instance's numbers.
    pub fn of_instance(&self, instance: &InstanceId) -> Counters {
        self.instances.get(instance).copied().unwrap_or_default()
    }

    /// The requests an instance works on; `None` when that is not known.
    pub fn in_flight(&self, instance: &InstanceId) -> Option<u64> {
        self.complete.then(|| self.of_instance(instance).in_flight)
    }
}

impl Counters {
    /// All responses.
    pub fn requests(&self) -> u64 {
        self.responses.iter().sum()
    }

    /// Responses of class 5xx, whoever made them.
    pub fn server_errors(&self) -> u64 {
        self.responses[4]
    }

    /// What was added since an earlier reading. A counter that started again counts from 0;
    /// requests in flight are those of now.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let grown = |now: u64, then: u64| if now < then { now } else { now - then };
        let mut responses = self.responses;
        for (class, then) in responses.iter_mut().zip(earlier.responses) {
            *class = grown(*class, then);
        }
        Self {
            responses,
            failures: grown(self.failures, earlier.failures),
            dropped: grown(self.dropped, earlier.dropped),
            bytes_out: grown(self.bytes_out, earlier.bytes_out),
            bytes_in: grown(self.bytes_in, earlier.bytes_in),
            busy_ms: grown(self.busy_ms, earlier.busy_ms),
            in_flight: self.in_flight,
        }
    }

    fn counter(&mut self, field: &str) -> Option<&mut u64> {
        Some(match field {
            "1xx" => &mut self.responses[0],
            "2xx" => &mut self.responses[1],
            "3xx" => &mut self.responses[2],
            "4xx" => &mut self.responses[3],
            "5xx" => &mut self.responses[4],
            "failures" => &mut self.failures,
            "dropped" => &mut self.dropped,
            "bytes" => &mut self.bytes_out,
            "bytes_in" => &mut self.bytes_in,
            "busy_ms" => &mut self.busy_ms,
            _ => return None,
        })
    }
}

/// Reads until every live worker has published since the last change of members.
pub(super) async fn read(control: &Control, layout: &Layout) -> Result<Traffic, ProxyError> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let body = control.get(PATH).await?;
        let master = nginx::recorded_pid(layout)
            .ok_or_else(|| ProxyError::Unreachable("nginx has no process id".to_owned()))?;
        let report = Report::parse(&body, |pid| process::is_in_session(pid, master))
            .ok_or_else(|| unexpected(PATH, &body))?;
        if report.settled {
            return Ok(report.traffic);
        }
        if Instant::now() > deadline {
            return Err(ProxyError::Unreachable("a worker does not publish".to_owned()));
        }
        sleep(PAUSE).await;
    }
}

struct Report {
    traffic: Traffic,
    /// Whether all live workers know the newest members.
    settled: bool,
}

impl Report {
    /// `is_live`: whether a process is still a worker of this nginx. A worker that was killed
    /// leaves its entries behind.
    fn parse(body: &str, is_live: impl Fn(i32) -> bool) -> Option<Self> {
        let mut traffic = Traffic { complete: true, ..Traffic::default() };
        let mut newest = 0;
        let mut known = Vec::new();
        for line in body.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["g", generation] => newest = generation.parse().ok()?,
                ["w", _, "always"] => {}
                ["w", pid, generation] => {
                    known.push((pid.parse().ok()?, generation.parse::<u64>().ok()?));
                }
                ["f", pid, subject, count] => {
                    if is_live(pid.parse().ok()?) {
                        let count: u64 = count.parse().ok()?;
                        traffic.of(subject, |counters| counters.in_flight += count)?;
                    }
                }
                ["n", subject, field, count] => {
                    let count: u64 = count.parse().ok()?;
                    traffic.of(subject, |counters| {
                        if let Some(counter) = counters.counter(field) {
                            *counter += count;
                        }
                    })?;
                }
                _ => return None,
            }
        }
        let settled = known.iter().all(|(pid, generation)| *generation >= newest || !is_live(*pid));
        Some(Self { traffic, settled })
    }
}

impl Traffic {
    fn of(&mut self, subject: &str, change: impl FnOnce(&mut Counters)) -> Option<()> {
        if let Ok(app) = AppId::from_str(subject) {
            change(self.apps.entry(app).or_default());
        } else {
            let instance = InstanceId::from_str(subject).ok()?;
            change(self.instances.entry(instance).or_default());
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use slipway_core::id::Id;

    use super::*;

    fn report(body: &str) -> Option<Report> {
        let run = InstanceId::from_bits(1);
        let app = AppId::from_bits(1);
        let body = body.replace("RUN", run.as_str()).replace("APP", app.as_str());
        Report::parse(&body, |pid| pid < 100)
    }

    #[test]
    fn in_flight_is_the_sum_over_live_workers() {
        let report = report("g 3\nf 1 RUN 2\nf 2 RUN 3\nf 100 RUN 50\nn APP 2xx 9\n").unwrap();
        let run = InstanceId::from_bits(1);
        assert_eq!(report.traffic.in_flight(&run), Some(5));
        assert_eq!(report.traffic.in_flight(&InstanceId::from_bits(2)), Some(0));
        assert_eq!(report.traffic.of_app(&AppId::from_bits(1)).requests(), 9);
        assert_eq!(Traffic::default().in_flight(&run), None);
    }

    #[test]
    fn a_reading_settles_when_every_live_worker_knows_the_members() {
        assert!(!report("g 3\nw 1 3\nw 2 2\n").unwrap().settled);
        assert!(report("g 3\nw 1 3\nw 2 4\n").unwrap().settled);
        assert!(report("g 3\nw 1 3\nw 2 always\nw 100 1\n").unwrap().settled);
    }

    #[test]
    fn a_counter_that_started_again_counts_from_zero() {
        let earlier = Counters { failures: 5, bytes_out: 10, ..Counters::default() };
        let now = Counters { failures: 2, bytes_out: 15, ..Counters::default() };
        let since = now.since(&earlier);
        assert_eq!((since.failures, since.bytes_out), (2, 5));
    }

    #[test]
    fn a_report_that_is_not_understood_is_an_error() {
        assert!(report("x\n").is_none());
        assert!(report("f one RUN 1\n").is_none());
        assert!(report("n nobody 2xx 1\n").is_none());
    }
}
