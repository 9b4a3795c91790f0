//! What is measured: here, of requests, and by the worker, which tells it over its socket.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::Method;
use slipway_core::telemetry::{Buckets, Family, catalogue};
use tokio::io::AsyncReadExt as _;
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::state::ApiState;

/// How long the worker may take. Prometheus gives up after 10 s unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(8);
/// Most bytes of what the worker tells.
const MOST_BYTES: u64 = 64 * 1024 * 1024;
/// Upper bounds of durations in seconds, from a quick look-up to the longest ordinary request.
const BOUNDS: [f64; 9] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// What the worker measures.
///
/// # Errors
/// When it does not answer, or with something else.
pub async fn of_worker(state: &ApiState) -> io::Result<Vec<Family>> {
    let socket = state.data_dir.telemetry_socket();
    let told = timeout(PATIENCE, async {
        let mut body = Vec::new();
        UnixStream::connect(&socket).await?.take(MOST_BYTES).read_to_end(&mut body).await?;
        Ok(serde_json::from_slice(&body)?)
    });
    told.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Counts requests, by method, route and status: all of them bounded, as routes are patterns.
#[derive(Debug, Default)]
pub struct Tally(Mutex<BTreeMap<Key, u64>>, Mutex<BTreeMap<&'static str, Durations>>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    method: &'static str,
    route: String,
    status: u16,
}

/// How long requests took, in the buckets of [`BOUNDS`] and one above.
#[derive(Debug, Clone, Default)]
struct Durations {
    counts: [u64; BOUNDS.len()],
    above: u64,
    sum_s: f64,
}

impl Tally {
    /// Counts a request that was answered after this long.
    pub fn count(&self, method: &Method, route: &str, status: u16, took: Duration) {
        let method = name_of(method);
        let key = Key { method, route: route.to_owned(), status };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += 1;
        let mut durations = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        durations.entry(method).or_default().count(took);
    }

    /// All that was counted.
    pub fn families(&self) -> [Family; 2] {
        let mut requests = Family::of(&catalogue::HTTP_REQUESTS);
        for (key, count) in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let status = key.status.to_string();
            let labels =
                [("method", key.method), ("route", key.route.as_str()), ("status", &status)];
            requests.add(&labels, number(*count));
        }
        let mut took = Family::of(&catalogue::HTTP_REQUEST_DURATION);
        for (method, durations) in self.1.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            took.add_buckets(&[("method", method)], durations.buckets());
        }
        [requests, took]
    }
}

impl Durations {
    fn count(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        self.sum_s += seconds;
        match BOUNDS.iter().position(|bound| seconds <= *bound) {
            Some(bucket) => self.counts[bucket] += 1,
            None => self.above += 1,
        }
    }

    fn buckets(&self) -> Buckets {
        let counts = BOUNDS.into_iter().zip(self.counts).collect();
        Buckets { counts, above: self.above, sum: self.sum_s }
    }
}

/// The methods that routes have; anything else that is sent is one more.
fn name_of(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

#[expect(clippy::cast_precision_loss, reason = "exact to 2^53")]
fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_and_their_durations_fall_into_buckets() {
        let tally = Tally::default();
        let strange = Method::from_bytes(b"BREW").unwrap();
        for (method, took_ms) in [(&Method::GET, 4), (&Method::GET, 700), (&strange, 40_000)] {
            tally.count(method, "/v1/apps/{app}", 200, Duration::from_millis(took_ms));
        }
        let [requests, took] = tally.families();
        let found = |family: &Family| serde_json::to_value(&family.points).unwrap();
        assert_eq!(found(&requests)[0]["value"], 2.0);
        assert_eq!(found(&requests)[1]["labels"][0][1], "other");
        assert_eq!(found(&took)[0]["value"]["counts"][0], serde_json::json!([0.005, 1]));
        assert_eq!(found(&took)[0]["value"]["counts"][6], serde_json::json!([1.0, 1]));
        assert_eq!(found(&took)[1]["value"]["above"], 1);
    }
}
