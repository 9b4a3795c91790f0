//! What was measured.

use std::collections::BTreeMap;

use axum::extract::State;
use serde::Deserialize;
use slipway_core::id::{AppId, Id as _};
use slipway_core::metric::Metric;
use slipway_core::name::{AppName, ProcessName};
use slipway_core::resolution::{Axis, MOST_POINTS, POINTS, Resolution};
use slipway_core::sample::Sample;
use slipway_core::time::{Millis, Timestamp};
use slipway_core::wire::metrics::{
    AppMetrics, HostMetrics, HostSeries, ProcessNow, Series, SeriesBy,
};
use slipway_store::{ProcessSample, clock};
use utoipa::IntoParams;

use crate::auth::permission::{Everywhere, InApp, Permitted, Read};
use crate::error::ApiError;
use crate::extract::Query;
use crate::state::ApiState;
use crate::view::marker::markers;

/// The range when nothing is said about it.
const RANGE: Millis = Millis::from_secs(3600);
/// Most metrics in one answer.
const MOST_METRICS: usize = 64;
/// What is told of an app when nothing is asked for by name.
const OF_APP: [Metric; 6] =
    [Metric::Rps, Metric::Errors, Metric::P95Ms, Metric::Cpu, Metric::Memory, Metric::Instances];
const OF_HOST: [Metric; 4] =
    [Metric::HostCpu, Metric::HostMemory, Metric::HostDisk, Metric::HostLoad];
/// Events that markers are made from.
const MOST_EVENTS: u32 = 2000;
/// How far back "now" reaches: two samples, the newest of which is still being written.
const NOW: Millis = Millis::from_secs(15);

/// Which metrics, of what, when.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AppMetricsQuery {
    /// Names, separated by commas: `rps,p95_ms,custom:queue_depth`.
    metrics: Option<String>,
    /// Only this process's.
    #[param(value_type = Option<String>)]
    process: Option<ProcessName>,
    /// A series for each process, or for each instance.
    #[serde(default)]
    by: SeriesBy,
    /// Where the range begins, in milliseconds since the epoch; an hour ago when not given.
    since: Option<i64>,
    /// Where it ends; now when not given.
    until: Option<i64>,
    /// About how many points: 240 when not given, at most 1000.
    points: Option<u32>,
}

/// Which metrics, when.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HostMetricsQuery {
    /// Names, separated by commas: `host_cpu,host_disk`.
    metrics: Option<String>,
    /// Where the range begins, in milliseconds since the epoch; an hour ago when not given.
    since: Option<i64>,
    /// Where it ends; now when not given.
    until: Option<i64>,
    /// About how many points: 240 when not given, at most 1000.
    points: Option<u32>,
}

/// An app's metrics over a range of up to 30 days, with what happened meanwhile.
#[utoipa::path(get, path = "/v1/apps/{app}/metrics", operation_id = "app_metrics", tag = "look",
    params(("app" = String, Path), AppMetricsQuery),
    responses((status = 200, body = AppMetrics)), security(("credential" = ["read"])))]
pub async fn of_app(
    State(state): State<ApiState>,
    InApp { app, .. }: InApp<Read>,
    Query(query): Query<AppMetricsQuery>,
) -> Result<axum::Json<AppMetrics>, ApiError> {
    let metrics = wanted(query.metrics.as_deref(), &OF_APP)?;
    if let Some(metric) = metrics.iter().find(|metric| metric.is_of_host()) {
        return Err(misplaced(metric, "is of the host", "ask `/v1/metrics/host`"));
    }
    let axis = axis(query.since, query.until, query.points)?;
    let end = end_of(axis);
    let process = query.process.as_ref();
    let series = match query.by {
        SeriesBy::Process => {
            let store = &state.store;
            let rows = store.process_history(&app.id, process, axis.resolution, axis.start, end);
            by_process(axis, &metrics, rows.await?)
        }
        SeriesBy::Instance => by_instance(&state, &app.id, process, axis, &metrics).await?,
    };
    let events = state.store.events_between(&app.id, axis.start, end, MOST_EVENTS).await?;
    Ok(axum::Json(AppMetrics {
        times: axis.times().collect(),
        step_ms: axis.step,
        series,
        markers: markers(&events),
    }))
}

/// The host's metrics over a range of up to 30 days.
#[utoipa::path(get, path = "/v1/metrics/host", operation_id = "host_metrics", tag = "look",
    params(HostMetricsQuery),
    responses((status = 200, body = HostMetrics)), security(("credential" = ["read"])))]
pub async fn of_host(
    State(state): State<ApiState>,
    Everywhere { .. }: Everywhere<Read>,
    Query(query): Query<HostMetricsQuery>,
) -> Result<axum::Json<HostMetrics>, ApiError> {
    let metrics = wanted(query.metrics.as_deref(), &OF_HOST)?;
    if let Some(metric) = metrics.iter().find(|metric| !metric.is_of_host()) {
        return Err(misplaced(metric, "is of apps", "ask `/v1/apps/{app}/metrics`"));
    }
    let axis = axis(query.since, query.until, query.points)?;
    let rows = state.store.host_history(axis.resolution, axis.start, end_of(axis)).await?;
    let drawn = axis.gather(rows);
    let series = metrics.into_iter().map(|metric| HostSeries {
        unit: metric.unit(),
        values: drawn.iter().map(|point| rounded(metric.host_value(point.as_ref()?))).collect(),
        metric,
    });
    Ok(axum::Json(HostMetrics {
        times: axis.times().collect(),
        step_ms: axis.step,
        series: series.collect(),
    }))
}

/// How every process does at the moment, by app and process.
#[utoipa::path(get, path = "/v1/metrics/now", operation_id = "metrics_now", tag = "look",
    responses((status = 200, body = Vec<ProcessNow>)), security(("credential" = ["read"])))]
pub async fn now(
    State(state): State<ApiState>,
    Permitted { caller, .. }: Permitted<Read>,
) -> Result<axum::Json<Vec<ProcessNow>>, ApiError> {
    let apps = state.store.apps().await?;
    let names: BTreeMap<AppId, AppName> = apps
        .into_iter()
        .filter(|row| caller.may_see(&row.app.id))
        .map(|row| (row.app.id, row.app.name))
        .collect();
    let mut samples: BTreeMap<(AppName, ProcessName), Sample> = BTreeMap::new();
    for row in state.store.newest_samples(clock::now() - NOW).await? {
        let Some(app) = names.get(&row.app_id) else { continue };
        let subject = (app.clone(), row.process);
        samples
            .entry(subject)
            .and_modify(|earlier| earlier.append(&row.sample))
            .or_insert(row.sample);
    }
    let now = samples.into_iter().map(|((app, process), sample)| {
        let value = |metric: Metric| rounded(metric.value(&sample));
        ProcessNow {
            app,
            process,
            rps: value(Metric::Rps),
            p95_ms: value(Metric::P95Ms),
            errors: value(Metric::Errors),
            cpu: value(Metric::Cpu),
            memory: value(Metric::Memory),
            memory_bytes: value(Metric::MemoryBytes),
            instances: value(Metric::Instances),
        }
    });
    Ok(axum::Json(now.collect()))
}

/// The metrics that are asked for, each once and in their order.
fn wanted(names: Option<&str>, unless_said: &[Metric]) -> Result<Vec<Metric>, ApiError> {
    let Some(names) = names else { return Ok(unless_said.to_vec()) };
    let mut metrics = Vec::new();
    for name in names.split(',').map(str::trim) {
        metrics.push(name.parse::<Metric>().map_err(|error| {
            let text = error.to_string();
            let (message, hint) = text.split_once("\nhint: ").unwrap_or((&text, ""));
            ApiError::invalid("unknown_metric", message, hint)
        })?);
    }
    metrics.sort_unstable();
    metrics.dedup();
    if metrics.len() > MOST_METRICS {
        let message = format!("more than {MOST_METRICS} metrics are asked for");
        return Err(ApiError::invalid("too_many_metrics", message, "ask for fewer at once"));
    }
    Ok(metrics)
}

fn misplaced(metric: &Metric, is: &str, hint: &str) -> ApiError {
    ApiError::invalid("misplaced_metric", format!("`{metric}` {is}"), hint)
}

fn axis(since: Option<i64>, until: Option<i64>, points: Option<u32>) -> Result<Axis, ApiError> {
    let now = clock::now();
    let until = until.map_or(now, Timestamp).min(now);
    let since = since.map_or(until - RANGE, Timestamp);
    if since >= until {
        let hint = "let `since` be before `until`, both in milliseconds since the epoch";
        return Err(ApiError::invalid("empty_range", "the range of time is empty", hint));
    }
    // Nothing older is kept, and an axis of years would have no use for its points.
    let since = since.max(now - Resolution::TenMinutes.kept_for());
    if since >= until {
        let hint = "samples are kept for 30 days";
        return Err(ApiError::invalid("empty_range", "the range of time is too old", hint));
    }
    Ok(Axis::over(since, until, points.unwrap_or(POINTS).min(MOST_POINTS), now))
}

fn end_of(axis: Axis) -> Timestamp {
    let last = axis.times().last().unwrap_or(axis.start);
    last + axis.step
}

fn by_process(axis: Axis, metrics: &[Metric], rows: Vec<ProcessSample>) -> Vec<Series> {
    let mut subjects: BTreeMap<ProcessName, Vec<(Timestamp, Sample)>> = BTreeMap::new();
    for row in rows {
        subjects.entry(row.process).or_default().push((row.at, row.sample));
    }
    let drawn = subjects
        .into_iter()
        .flat_map(|(process, samples)| drawn(axis, metrics, &process, None, samples));
    drawn.collect()
}

async fn by_instance(
    state: &ApiState,
    app_id: &AppId,
    process: Option<&ProcessName>,
    axis: Axis,
    metrics: &[Metric],
) -> Result<Vec<Series>, ApiError> {
    let resolution = axis.resolution.min(Resolution::Minute);
    let rows = state.store.instance_history(app_id, resolution, axis.start, end_of(axis)).await?;
    let mut subjects: BTreeMap<_, Vec<(Timestamp, Sample)>> = BTreeMap::new();
    for row in rows {
        if process.is_none_or(|process| *process == row.process) {
            let subject = (row.process, row.instance_id);
            subjects.entry(subject).or_default().push((row.at, row.sample));
        }
    }
    let drawn = subjects.into_iter().flat_map(|((process, instance), samples)| {
        drawn(axis, metrics, &process, Some(instance.as_str()), samples)
    });
    Ok(drawn.collect())
}

/// Every metric of one subject.
fn drawn(
    axis: Axis,
    metrics: &[Metric],
    process: &ProcessName,
    instance: Option<&str>,
    samples: Vec<(Timestamp, Sample)>,
) -> Vec<Series> {
    let points = axis.gather(samples);
    let series = metrics.iter().map(|metric| Series {
        process: process.clone(),
        instance: instance.map(str::to_owned),
        metric: metric.clone(),
        unit: metric.unit(),
        values: points.iter().map(|point| rounded(metric.value(point.as_ref()?))).collect(),
    });
    series.collect()
}

/// To a thousandth: what is beyond was not measured.
pub(crate) fn rounded(value: Option<f64>) -> Option<f64> {
    value.map(|value| (value * 1000.0).round() / 1000.0)
}
