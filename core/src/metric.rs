//! What can be asked of a sample, by the name people use for it.

mod meaning;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::name::GaugeName;
use crate::sample::{HostSample, Level, Measured, Room, Sample, Traffic, float};

/// Something measured. The order is the one of every list and chart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Responses a second.
    Rps,
    /// Share of responses that are 5xx, in percent.
    Errors,
    /// Responses a second, by class.
    Status1xx,
    Status2xx,
    Status3xx,
    Status4xx,
    Status5xx,
    /// Latency: half, 95 % and 99 % of the requests took no longer.
    P50Ms,
    P95Ms,
    P99Ms,
    /// Requests under way at once, on average.
    Concurrency,
    /// What 95 % of the requests did not wait longer than, before an instance got them.
    QueueMs,
    /// Bytes a second from and to clients, through the proxy.
    BytesIn,
    BytesOut,
    /// CPU time used, in percent of the limit.
    Cpu,
    /// Working set in percent of the limit.
    Memory,
    /// Working set.
    MemoryBytes,
    /// Bytes a second over the containers' own network interfaces.
    NetIn,
    NetOut,
    /// Instances that ended by themselves and were started again.
    Restarts,
    /// Processes killed because their instance was at its memory limit.
    OomKills,
    /// Instances that were ready.
    Instances,
    /// The host's CPU, memory and fullest disk, in percent, and its load average over a minute.
    HostCpu,
    HostMemory,
    HostDisk,
    HostLoad,
    /// A gauge the app exposes: `custom:<name>`.
    Custom(GaugeName),
}

/// What a metric's numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Events a second.
    PerSecond,
    Percent,
    Milliseconds,
    Bytes,
    BytesPerSecond,
    /// A number of things.
    Count,
    /// Whatever the app means by it.
    Number,
}

/// Why a text names no metric.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a metric\nhint: use one of {}", Metric::names())]
pub struct InvalidMetric {
    /// What was given, cut to 64 characters.
    text: String,
}

impl Metric {
    /// All but custom ones, in order.
    pub const ALL: [Self; 26] = [
        Self::Rps,
        Self::Errors,
        Self::Status1xx,
        Self::Status2xx,
        Self::Status3xx,
        Self::Status4xx,
        Self::Status5xx,
        Self::P50Ms,
        Self::P95Ms,
        Self::P99Ms,
        Self::Concurrency,
        Self::QueueMs,
        Self::BytesIn,
        Self::BytesOut,
        Self::Cpu,
        Self::Memory,
        Self::MemoryBytes,
        Self::NetIn,
        Self::NetOut,
        Self::Restarts,
        Self::OomKills,
        Self::Instances,
        Self::HostCpu,
        Self::HostMemory,
        Self::HostDisk,
        Self::HostLoad,
    ];

    /// The name without what follows a colon.
    fn stem(&self) -> &'static str {
        match self {
            Self::Rps => "rps",
            Self::Errors => "errors",
            Self::Status1xx => "status_1xx",
            Self::Status2xx => "status_2xx",
            Self::Status3xx => "status_3xx",
            Self::Status4xx => "status_4xx",
            Self::Status5xx => "status_5xx",
            Self::P50Ms => "p50_ms",
            Self::P95Ms => "p95_ms",
            Self::P99Ms => "p99_ms",
            Self::Concurrency => "concurrency",
            Self::QueueMs => "queue_ms",
            Self::BytesIn => "bytes_in",
            Self::BytesOut => "bytes_out",
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::MemoryBytes => "memory_bytes",
            Self::NetIn => "net_in",
            Self::NetOut => "net_out",
            Self::Restarts => "restarts",
            Self::OomKills => "oom_kills",
            Self::Instances => "instances",
            Self::HostCpu => "host_cpu",
            Self::HostMemory => "host_memory",
            Self::HostDisk => "host_disk",
            Self::HostLoad => "host_load",
            Self::Custom(_) => "custom",
        }
    }

    /// What the numbers are.
    pub fn unit(&self) -> Unit {
        match self {
            Self::Rps
            | Self::Status1xx
            | Self::Status2xx
            | Self::Status3xx
            | Self::Status4xx
            | Self::Status5xx => Unit::PerSecond,
            Self::Errors
            | Self::Cpu
            | Self::Memory
            | Self::HostCpu
            | Self::HostMemory
            | Self::HostDisk => Unit::Percent,
            Self::P50Ms | Self::P95Ms | Self::P99Ms | Self::QueueMs => Unit::Milliseconds,
            Self::MemoryBytes => Unit::Bytes,
            Self::BytesIn | Self::BytesOut | Self::NetIn | Self::NetOut => Unit::BytesPerSecond,
            Self::Concurrency | Self::Restarts | Self::OomKills | Self::Instances => Unit::Count,
            Self::HostLoad | Self::Custom(_) => Unit::Number,
        }
    }

    /// Whether it is about the host, and not about an app.
    pub fn is_of_host(&self) -> bool {
        matches!(self, Self::HostCpu | Self::HostMemory | Self::HostDisk | Self::HostLoad)
    }

    /// Its value over an interval. `None` is "not known" or "does not exist" (a latency without
    /// requests), and never stands for 0. Metrics of the host have none here.
    pub fn value(&self, sample: &Sample) -> Option<f64> {
        let traffic = sample.traffic.as_ref();
        let network = sample.network.as_ref();
        match self {
            Self::Rps => traffic?.per_second(Traffic::requests),
            Self::Errors => {
                let traffic = &traffic?.value;
                percent(float(traffic.responses[4]), float(traffic.requests()))
            }
            Self::Status1xx => responses(traffic, 0),
            Self::Status2xx => responses(traffic, 1),
            Self::Status3xx => responses(traffic, 2),
            Self::Status4xx => responses(traffic, 3),
            Self::Status5xx => responses(traffic, 4),
            Self::P50Ms => traffic?.value.latency.quantile(500).map(float),
            Self::P95Ms => traffic?.value.latency.quantile(950).map(float),
            Self::P99Ms => traffic?.value.latency.quantile(990).map(float),
            Self::Concurrency => Some(traffic?.value.in_flight.mean),
            Self::QueueMs => traffic?.value.queue.quantile(950).map(float),
            Self::BytesIn => traffic?.per_second(|traffic| traffic.bytes_in),
            Self::BytesOut => traffic?.per_second(|traffic| traffic.bytes_out),
            Self::Cpu => {
                let cpu = sample.cpu.as_ref()?.value;
                percent(float(cpu.used_us), float(cpu.allowed_us))
            }
            Self::Memory => share(sample.memory.as_ref()?),
            Self::MemoryBytes => Some(sample.memory.as_ref()?.value.used.mean),
            Self::NetIn => network?.per_second(|network| network.bytes_in),
            Self::NetOut => network?.per_second(|network| network.bytes_out),
            Self::Restarts => Some(float(sample.condition.as_ref()?.value.restarts)),
            Self::OomKills => Some(float(sample.condition.as_ref()?.value.oom_kills)),
            Self::Instances => Some(sample.condition.as_ref()?.value.ready.mean),
            Self::Custom(name) => sample.gauges.get(name).map(|gauge| gauge.value.mean),
            Self::HostCpu | Self::HostMemory | Self::HostDisk | Self::HostLoad => None,
        }
    }

    /// Its value over an interval of the host, under the same rule. Metrics of apps have none here.
    pub fn host_value(&self, host: &HostSample) -> Option<f64> {
        if !self.is_of_host() {
            return None;
        }
        if *self == Self::HostCpu {
            let cpu = host.cpu.as_ref()?.value;
            return percent(float(cpu.used_us), float(cpu.allowed_us));
        }
        if *self == Self::HostMemory {
            return share(host.memory.as_ref()?);
        }
        if *self == Self::HostDisk {
            return host.disks.values().filter_map(share).max_by(f64::total_cmp);
        }
        host.load.as_ref().map(|load: &Measured<Level>| load.value.mean)
    }

    /// All names, for an error.
    fn names() -> String {
        let names = Self::ALL.iter().map(Self::stem).chain(["custom:<name>"]);
        names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    }
}

fn responses(traffic: Option<&Measured<Traffic>>, class: usize) -> Option<f64> {
    traffic?.per_second(|traffic| traffic.responses[class])
}

fn share(room: &Measured<Room>) -> Option<f64> {
    percent(room.value.used.mean, room.value.limit.mean)
}

fn percent(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part * 100.0 / whole)
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Custom(name) = self {
            return write!(f, "custom:{name}");
        }
        f.write_str(self.stem())
    }
}

impl FromStr for Metric {
    type Err = InvalidMetric;

    fn from_str(text: &str) -> Result<Self, InvalidMetric> {
        let custom = text.strip_prefix("custom:").and_then(|name| name.parse().ok());
        let known = || Self::ALL.into_iter().find(|metric| metric.stem() == text);
        custom
            .map(Self::Custom)
            .or_else(known)
            .ok_or_else(|| InvalidMetric { text: text.chars().take(64).collect() })
    }
}

#[cfg(feature = "schema")]
impl utoipa::PartialSchema for Metric {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        String::schema()
    }
}

#[cfg(feature = "schema")]
impl utoipa::ToSchema for Metric {}

impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Millis;

    #[test]
    fn every_metric_reads_back_from_its_name() {
        let custom = Metric::Custom("queue_depth".parse().unwrap());
        for metric in Metric::ALL.into_iter().chain([custom]) {
            assert_eq!(metric.to_string().parse::<Metric>().unwrap(), metric);
        }
    }

    #[test]
    fn the_list_is_in_the_order_of_the_type() {
        assert!(Metric::ALL.is_sorted());
        assert_eq!(Metric::HostLoad, Metric::ALL[25], "the last one but custom ones");
    }

    #[test]
    fn an_unknown_name_is_refused_with_those_there_are() {
        for bad in ["", "RPS", "custom", "custom:", "custom:a b", "p42_ms"] {
            let refusal = bad.parse::<Metric>().unwrap_err().to_string();
            assert!(refusal.contains("`p95_ms`"), "{refusal}");
        }
    }

    #[test]
    fn what_is_not_known_has_no_value() {
        let blind = Sample::over(Millis(5000));
        for metric in Metric::ALL {
            assert_eq!(metric.value(&blind), None, "{metric}");
        }
    }

    #[test]
    fn no_request_is_a_rate_of_zero_and_no_latency() {
        let idle = Sample::over(Millis(5000)).with_traffic(Traffic::default());
        assert_eq!(Metric::Rps.value(&idle), Some(0.0));
        assert_eq!(Metric::Errors.value(&idle), None);
        assert_eq!(Metric::P95Ms.value(&idle), None);
    }

    #[test]
    fn errors_are_a_share_of_all_responses() {
        let traffic = Traffic { responses: [0, 90, 0, 5, 5], ..Traffic::default() };
        let sample = Sample::over(Millis(10_000)).with_traffic(traffic);
        assert_eq!(Metric::Errors.value(&sample), Some(5.0));
        assert_eq!(Metric::Status4xx.value(&sample), Some(0.5));
    }
}
