//! What was measured.

use slipway_core::metric::Metric;
use slipway_core::name::{AppName, ProcessName};
use slipway_core::time::Timestamp;
use slipway_core::wire::metrics::{AppMetrics, HostMetrics, ProcessNow, SeriesBy, TrafficOverview};

use crate::call::Call;
use crate::client::Client;
use crate::error::ClientError;

/// Which part of what was measured. The default is the server's choice of metrics over the last
/// hour.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MetricsQuery {
    pub metrics: Vec<Metric>,
    /// Only this process's.
    pub process: Option<ProcessName>,
    pub by: SeriesBy,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// About how many points.
    pub points: Option<u32>,
}

impl MetricsQuery {
    fn of(&self, call: Call) -> Call {
        let names: Vec<String> = self.metrics.iter().map(ToString::to_string).collect();
        call.query("metrics", (!names.is_empty()).then(|| names.join(",")))
            .query("since", self.since.map(|at| at.0))
            .query("until", self.until.map(|at| at.0))
            .query("points", self.points)
    }
}

impl Client {
    /// An app's metrics over a range of time, with what happened meanwhile.
    pub async fn app_metrics(
        &self,
        app: &AppName,
        query: &MetricsQuery,
    ) -> Result<AppMetrics, ClientError> {
        let call = query.of(Call::get(&["v1", "apps", app.as_str(), "metrics"]));
        let call =
            call.query("process", query.process.as_ref()).query("by", Some(query.by.as_str()));
        self.fetch(call).await
    }

    /// The host's metrics over a range of time; `process` and `by` mean nothing here.
    pub async fn host_metrics(&self, query: &MetricsQuery) -> Result<HostMetrics, ClientError> {
        self.fetch(query.of(Call::get(&["v1", "metrics", "host"]))).await
    }

    /// How every process does at the moment, by app and process.
    pub async fn metrics_now(&self) -> Result<Vec<ProcessNow>, ClientError> {
        self.fetch(Call::get(&["v1", "metrics", "now"])).await
    }

    /// What every app passed on in the last minute, with a curve of the last twenty.
    pub async fn traffic_overview(&self) -> Result<TrafficOverview, ClientError> {
        self.fetch(Call::get(&["v1", "metrics", "overview"])).await
    }
}
