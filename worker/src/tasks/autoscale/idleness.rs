//! Since when nobody uses a process.

use slipway_core::name::ProcessName;
use slipway_core::sample::Sample;
use slipway_core::time::Timestamp;

use crate::metrics::live::ProcessSeries;

/// Since when there was neither a request nor an open connection, as far as is known.
#[derive(Debug, Default)]
pub(super) struct Idleness {
    since: Option<Timestamp>,
    seen: Option<Timestamp>,
}

impl Idleness {
    /// Looks at the readings that are new.
    pub(super) fn see(&mut self, now: Timestamp, series: &[ProcessSeries], process: &ProcessName) {
        let series = series.iter().find(|series| series.process == *process);
        let readings = series.into_iter().flat_map(|series| &series.readings);
        let seen = self.seen.unwrap_or(now);
        for reading in readings.filter(|reading| reading.at > seen) {
            self.seen = Some(reading.at);
            if is_idle(&reading.sample) {
                self.since = self.since.or(Some(reading.at));
            } else {
                self.since = None;
            }
        }
        self.seen = self.seen.or(Some(seen));
    }

    /// Since when it is idle.
    pub(super) fn since(&self) -> Option<Timestamp> {
        self.since
    }

    /// Begins anew.
    pub(super) fn forget(&mut self) {
        self.since = None;
    }
}

/// Whether it is certain that nobody was there. Held and refused requests are somebody, too.
fn is_idle(sample: &Sample) -> bool {
    sample.traffic.as_ref().is_some_and(|traffic| {
        let traffic = &traffic.value;
        traffic.requests() == 0 && traffic.dropped == 0 && traffic.in_flight.max <= 0.0
    })
}

#[cfg(test)]
mod tests {
    use slipway_core::sample::{Level, Traffic};
    use slipway_core::time::Millis;

    use super::*;
    use crate::metrics::live::Reading;

    fn reading(second: i64, traffic: Option<Traffic>) -> Reading {
        let sample = Sample::over(Millis(2000));
        let sample = match traffic {
            Some(traffic) => sample.with_traffic(traffic),
            None => sample,
        };
        Reading { at: Timestamp(second * 1000), sample }
    }

    fn since_after(readings: Vec<Reading>) -> Option<i64> {
        let process = ProcessName::web();
        let mut idleness = Idleness::default();
        idleness.see(Timestamp(0), &[], &process);
        let series = ProcessSeries { process: process.clone(), readings };
        idleness.see(Timestamp(99_000), &[series], &process);
        idleness.since().map(|since| since.0 / 1000)
    }

    #[test]
    fn an_open_websocket_and_an_unknown_interval_are_no_idleness() {
        let quiet = Traffic::default;
        let open = Traffic { in_flight: Level::whole(1), ..quiet() };
        let asked = Traffic { responses: [0, 1, 0, 0, 0], ..quiet() };
        let of = |middle| {
            since_after(vec![reading(2, Some(quiet())), middle, reading(6, Some(quiet()))])
        };
        assert_eq!(of(reading(4, Some(quiet()))), Some(2));
        assert_eq!(of(reading(4, Some(open.clone()))), Some(6));
        assert_eq!(of(reading(4, Some(asked))), Some(6));
        assert_eq!(of(reading(4, None)), Some(6));
        assert_eq!(since_after(vec![reading(2, Some(quiet())), reading(4, Some(open))]), None);
    }
}
