//! Metrics in words.

use super::{Metric, Unit};

impl Metric {
    /// What it measures, for people.
    pub fn meaning(&self) -> &'static str {
        match self {
            Self::Rps => "Responses a second",
            Self::Errors => "Share of the responses that are 5xx",
            Self::Status1xx => "Websockets that ended, a second",
            Self::Status2xx => "Responses of 2xx a second",
            Self::Status3xx => "Responses of 3xx a second",
            Self::Status4xx => "Responses of 4xx a second",
            Self::Status5xx => "Responses of 5xx a second",
            Self::P50Ms => "Half of the requests took no longer",
            Self::P95Ms => "95 % of the requests took no longer",
            Self::P99Ms => "99 % of the requests took no longer",
            Self::Concurrency => "Requests and websockets under way at once, on average",
            Self::QueueMs => "95 % of the requests waited no longer for an instance",
            Self::BytesIn => "From clients, through the proxy",
            Self::BytesOut => "To clients, through the proxy",
            Self::Cpu => "CPU time used, of what the limit allows; without one, of all cores",
            Self::Memory => {
                "Working set, of the limit; in alerts, of the instance that is worst off"
            }
            Self::MemoryBytes => "Working set: memory less reclaimable cache",
            Self::NetIn => "Into the instances, over their own network interfaces",
            Self::NetOut => "Out of the instances, over their own network interfaces",
            Self::Restarts => "Instances that ended by themselves and were started again",
            Self::OomKills => "Processes killed because their instance was at its memory limit",
            Self::Instances => "Instances that were ready, on average",
            Self::HostCpu => "CPU of the host",
            Self::HostMemory => "Memory of the host",
            Self::HostDisk => "The fuller of the disks of the data directory and of Docker",
            Self::HostLoad => "Load average of the host over a minute",
            Self::Custom(_) => "A gauge that the app exposes itself",
        }
    }
}

impl Unit {
    /// What the numbers are, for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::PerSecond => "a second",
            Self::Percent => "%",
            Self::Milliseconds => "ms",
            Self::Bytes => "bytes",
            Self::BytesPerSecond => "bytes a second",
            Self::Count | Self::Number => "a number",
        }
    }
}
