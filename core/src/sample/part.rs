//! The parts of a sample.

use serde::{Deserialize, Serialize};

use super::level::Level;
use super::measured::Part;
use crate::histogram::Histogram;
use crate::time::Millis;

/// What the proxy passed on.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Traffic {
    /// Responses by class: `responses[1]` is 2xx. Websockets count as 1xx, when they end.
    #[serde(rename = "r")]
    pub responses: [u64; 5],
    /// Attempts that failed, also where another instance answered in the end.
    #[serde(rename = "f", default, skip_serializing_if = "is_zero")]
    pub failures: u64,
    /// Requests answered with an error page of the proxy because no instance answered.
    #[serde(rename = "d", default, skip_serializing_if = "is_zero")]
    pub dropped: u64,
    /// Bytes received from clients and sent to them, headers included.
    #[serde(rename = "bi")]
    pub bytes_in: u64,
    #[serde(rename = "bo")]
    pub bytes_out: u64,
    /// From a request's arrival to the end of its response; websockets are left out.
    #[serde(rename = "l")]
    pub latency: Histogram,
    /// What a request waited before an instance got it.
    #[serde(rename = "q")]
    pub queue: Histogram,
    /// Requests and websockets under way.
    #[serde(rename = "c")]
    pub in_flight: Level,
}

/// CPU time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cpu {
    /// Used, in microseconds.
    #[serde(rename = "u")]
    pub used_us: u64,
    /// What the limit would have allowed meanwhile, in microseconds; an instance without a limit
    /// may use every core of the host.
    #[serde(rename = "l")]
    pub allowed_us: u64,
}

/// Bytes in use of those there are: memory, a disk.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Room {
    #[serde(rename = "u")]
    pub used: Level,
    #[serde(rename = "l")]
    pub limit: Level,
}

/// Bytes over network interfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Network {
    #[serde(rename = "i")]
    pub bytes_in: u64,
    #[serde(rename = "o")]
    pub bytes_out: u64,
}

/// How instances were.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Condition {
    /// Instances that were ready.
    #[serde(rename = "y")]
    pub ready: Level,
    /// Instances that ended by themselves and were started again.
    #[serde(rename = "r", default, skip_serializing_if = "is_zero")]
    pub restarts: u64,
    /// Processes the kernel killed because their instance was at its memory limit.
    #[serde(rename = "o", default, skip_serializing_if = "is_zero")]
    pub oom_kills: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

fn grow(count: &mut u64, by: u64) {
    *count = count.saturating_add(by);
}

impl Traffic {
    /// All responses.
    pub fn requests(&self) -> u64 {
        self.responses.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    fn count(&mut self, other: &Self) {
        for (count, by) in self.responses.iter_mut().zip(other.responses) {
            grow(count, by);
        }
        grow(&mut self.failures, other.failures);
        grow(&mut self.dropped, other.dropped);
        grow(&mut self.bytes_in, other.bytes_in);
        grow(&mut self.bytes_out, other.bytes_out);
        self.latency.merge(&other.latency);
        self.queue.merge(&other.queue);
    }
}

impl Part for Traffic {
    fn append(&mut self, own: Millis, later: &Self, its: Millis) {
        self.count(later);
        self.in_flight.append(own, &later.in_flight, its);
    }

    fn join(&mut self, other: &Self) {
        self.count(other);
        self.in_flight.join(&other.in_flight);
    }
}

impl Part for Cpu {
    fn append(&mut self, _: Millis, later: &Self, _: Millis) {
        self.join(later);
    }

    fn join(&mut self, other: &Self) {
        grow(&mut self.used_us, other.used_us);
        grow(&mut self.allowed_us, other.allowed_us);
    }
}

impl Part for Room {
    fn append(&mut self, own: Millis, later: &Self, its: Millis) {
        self.used.append(own, &later.used, its);
        self.limit.append(own, &later.limit, its);
    }

    fn join(&mut self, other: &Self) {
        self.used.join(&other.used);
        self.limit.join(&other.limit);
    }
}

impl Part for Network {
    fn append(&mut self, _: Millis, later: &Self, _: Millis) {
        self.join(later);
    }

    fn join(&mut self, other: &Self) {
        grow(&mut self.bytes_in, other.bytes_in);
        grow(&mut self.bytes_out, other.bytes_out);
    }
}

impl Part for Condition {
    fn append(&mut self, own: Millis, later: &Self, its: Millis) {
        self.ready.append(own, &later.ready, its);
        grow(&mut self.restarts, later.restarts);
        grow(&mut self.oom_kills, later.oom_kills);
    }

    fn join(&mut self, other: &Self) {
        self.ready.join(&other.ready);
        grow(&mut self.restarts, other.restarts);
        grow(&mut self.oom_kills, other.oom_kills);
    }
}
