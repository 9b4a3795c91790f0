//! What was measured, as charts and tables draw it.

use serde::{Deserialize, Serialize};

use crate::metric::{Metric, Unit};
use crate::name::{AppName, ProcessName};
use crate::time::{Millis, Timestamp};

/// What one series is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SeriesBy {
    /// All instances of a process together.
    #[default]
    Process,
    /// Each instance; kept for two days.
    Instance,
}

impl SeriesBy {
    /// The name as sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Instance => "instance",
        }
    }
}

/// One metric of one subject: a value for each of the times, `null` where it is not known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Series {
    pub process: ProcessName,
    /// The instance's whole id; `None` for all of the process together.
    pub instance: Option<String>,
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub metric: Metric,
    pub unit: Unit,
    pub values: Vec<Option<f64>>,
}

/// What kind of thing is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MarkerKind {
    /// A release went live.
    Deployment,
    /// An older release was brought back by somebody.
    Rollback,
    /// A release that went bad was taken back by itself.
    Revert,
    /// A deployment failed; what was live stayed.
    Failure,
    /// A wanted count changed.
    Scaling,
}

/// Something that happened and may explain a curve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Marker {
    pub at: Timestamp,
    pub kind: MarkerKind,
    /// What, in a few words: `v42 is live`, `web 1 → 3`.
    pub text: String,
}

/// A range of time of an app.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AppMetrics {
    /// When each step begins; the last one may be under way.
    pub times: Vec<Timestamp>,
    /// How long a step is.
    pub step_ms: Millis,
    /// By process, instance and metric, in this order.
    pub series: Vec<Series>,
    /// In the order of time, at most 200.
    pub markers: Vec<Marker>,
}

/// One metric of the host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct HostSeries {
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub metric: Metric,
    pub unit: Unit,
    pub values: Vec<Option<f64>>,
}

/// A range of time of the host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct HostMetrics {
    /// When each step begins; the last one may be under way.
    pub times: Vec<Timestamp>,
    /// How long a step is.
    pub step_ms: Millis,
    pub series: Vec<HostSeries>,
}

/// How a process does at the moment: over the last quarter of a minute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ProcessNow {
    pub app: AppName,
    pub process: ProcessName,
    /// Responses a second; `None` for what is not known, here and below.
    pub rps: Option<f64>,
    /// In milliseconds.
    pub p95_ms: Option<f64>,
    /// Share of responses that are 5xx, in percent.
    pub errors: Option<f64>,
    /// In percent of the limit.
    pub cpu: Option<f64>,
    /// In percent of the limit.
    pub memory: Option<f64>,
    pub memory_bytes: Option<f64>,
    /// Instances that are ready.
    pub instances: Option<f64>,
}

/// What one app passes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AppTraffic {
    pub app: AppName,
    /// Responses a second over the last minute; `None` for what is not known, here and below.
    pub rps: Option<f64>,
    /// Of the last minute, in milliseconds.
    pub p95_ms: Option<f64>,
    /// Responses a second in each of the steps.
    pub curve: Vec<Option<f64>>,
}

/// What all apps pass on, on one axis. Those that nothing is known of are left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TrafficOverview {
    /// When each step of the curves begins; the last one is under way.
    pub times: Vec<Timestamp>,
    /// How long a step is.
    pub step_ms: Millis,
    /// By name.
    pub apps: Vec<AppTraffic>,
}
