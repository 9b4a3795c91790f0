//! Metrics by the words that a form offers them with.

use slipway_core::alert::Scope;
use slipway_core::metric::Metric;

/// A metric to choose.
#[derive(Debug, serde::Serialize)]
pub struct MetricChoice {
    /// Its name on the wire.
    name: String,
    label: &'static str,
}

/// What an alert of an app, or of the host, can watch. An app's own gauges are not among them.
pub fn choices(scope: Scope) -> Vec<MetricChoice> {
    let is_of_host = scope == Scope::Host;
    let fitting = Metric::ALL.into_iter().filter(|metric| metric.is_of_host() == is_of_host);
    fitting.map(|metric| MetricChoice { label: words(&metric), name: metric.to_string() }).collect()
}

/// What is measured, with its unit.
fn words(metric: &Metric) -> &'static str {
    match metric {
        Metric::Rps => "Requests a second",
        Metric::Errors => "Errors: 5xx responses, in %",
        Metric::Status1xx => "1xx responses a second",
        Metric::Status2xx => "2xx responses a second",
        Metric::Status3xx => "3xx responses a second",
        Metric::Status4xx => "4xx responses a second",
        Metric::Status5xx => "5xx responses a second",
        Metric::P50Ms => "Latency p50, in ms",
        Metric::P95Ms => "Latency p95, in ms",
        Metric::P99Ms => "Latency p99, in ms",
        Metric::Concurrency => "Requests at once",
        Metric::QueueMs => "Wait for an instance p95, in ms",
        Metric::BytesIn => "Bytes a second from clients",
        Metric::BytesOut => "Bytes a second to clients",
        Metric::Cpu => "CPU, in % of the limit",
        Metric::Memory => "Memory, in % of the limit",
        Metric::MemoryBytes => "Memory, in bytes",
        Metric::NetIn => "Network in, in bytes a second",
        Metric::NetOut => "Network out, in bytes a second",
        Metric::Restarts => "Restarts",
        Metric::OomKills => "Kills for want of memory",
        Metric::Instances => "Ready instances",
        Metric::HostCpu => "CPU of the host, in %",
        Metric::HostMemory => "Memory of the host, in %",
        Metric::HostDisk => "Fullest disk of the host, in %",
        Metric::HostLoad => "Load average of the host",
        Metric::Custom(_) => "A gauge of the app’s own",
    }
}
