//! How an app does, at a glance: one of its processes over the last hour.

use slipway_client::MetricsQuery;
use slipway_core::metric::Metric;
use slipway_core::wire::metrics::{AppMetrics, Series};

use crate::view::tile::{Tile, tiles};

/// A point a minute.
const POINTS: u32 = 60;

static SHOWN: [(Metric, &str); 4] = [
    (Metric::Rps, "Requests"),
    (Metric::P95Ms, "Latency p95"),
    (Metric::Cpu, "CPU"),
    (Metric::MemoryBytes, "Memory"),
];

/// What is asked of the API: the last hour.
pub fn query() -> MetricsQuery {
    MetricsQuery {
        metrics: SHOWN.iter().map(|(metric, _)| metric.clone()).collect(),
        points: Some(POINTS),
        ..MetricsQuery::default()
    }
}

/// The tiles of `web`, or of the first process when there is none; empty when nothing was measured.
pub fn glance(metrics: &AppMetrics) -> Vec<Tile> {
    let web = metrics.series.iter().find(|series| series.process.is_web());
    let Some(process) = web.or(metrics.series.first()).map(|series| &series.process) else {
        return Vec::new();
    };
    let of = |metric: &Metric| {
        let is_it = |series: &&Series| series.process == *process && series.metric == *metric;
        metrics.series.iter().find(is_it).map(|series| series.values.as_slice())
    };
    tiles(&SHOWN, of)
}
