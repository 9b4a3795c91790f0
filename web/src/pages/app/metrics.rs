//! What an app did: panels over a range of time, with what happened meanwhile.

use axum::extract::{Path, Query};
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use slipway_client::MetricsQuery;
use slipway_core::metric::Metric;
use slipway_core::name::{AppName, ProcessName};
use slipway_core::time::{Millis, Timestamp};
use slipway_core::wire::app::AppInfo;
use slipway_core::wire::metrics::{AppMetrics, Marker, MarkerKind};

use crate::failure::Failure;
use crate::pages::app::named;
use crate::templates::View;
use crate::view::app_head::{AppHead, Tab};
use crate::view::curve::Curve;
use crate::view::moment::Moment;
use crate::visit::{Page, Visit};

/// About how many points a panel gets.
const POINTS: u32 = 300;
const MARKERS_SHOWN: usize = 20;

/// The ranges one can look at, in seconds.
const RANGES: [(&str, &str, u64); 6] = [
    ("5m", "5 min", 300),
    ("1h", "1 h", 3600),
    ("6h", "6 h", 6 * 3600),
    ("1d", "1 d", 24 * 3600),
    ("7d", "7 d", 7 * 24 * 3600),
    ("30d", "30 d", 30 * 24 * 3600),
];

/// A panel: its title, its metrics, and what each is called in it.
type Panel = (&'static str, &'static [(Metric, &'static str)]);

static PANELS: [Panel; 6] = [
    (
        "Requests",
        &[
            (Metric::Status2xx, "2xx"),
            (Metric::Status3xx, "3xx"),
            (Metric::Status4xx, "4xx"),
            (Metric::Status5xx, "5xx"),
        ],
    ),
    ("Latency", &[(Metric::P50Ms, "p50"), (Metric::P95Ms, "p95"), (Metric::P99Ms, "p99")]),
    ("CPU", &[(Metric::Cpu, "cpu")]),
    ("Memory", &[(Metric::MemoryBytes, "memory")]),
    ("Network", &[(Metric::NetIn, "in"), (Metric::NetOut, "out")]),
    ("Instances", &[(Metric::Instances, "ready")]),
];

/// The panels, as tables and small curves for browsers without a script.
#[derive(Debug, Serialize)]
pub struct MetricsPage {
    head: AppHead,
    ranges: Vec<Choice>,
    processes: Vec<Choice>,
    panels: Vec<PanelView>,
    markers: Vec<MarkerRow>,
    /// Where the script gets the same as numbers.
    source: String,
}

#[derive(Debug, Serialize)]
struct Choice {
    label: String,
    query: String,
    current: bool,
}

#[derive(Debug, Serialize)]
struct PanelView {
    title: &'static str,
    /// Names of the API and of the legend, in the same order, apart by spaces.
    metrics: String,
    labels: String,
    curves: Vec<Curve>,
}

#[derive(Debug, Serialize)]
struct MarkerRow {
    kind: &'static str,
    text: String,
    at: Moment,
}

/// What to look at; the last hour of the first process, when not said.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    range: String,
    process: String,
}

impl Asked {
    fn range(&self) -> (&'static str, &'static str, u64) {
        let found = RANGES.into_iter().find(|(name, _, _)| *name == self.range);
        found.unwrap_or(RANGES[1])
    }

    fn process(&self, app: &AppInfo) -> Option<ProcessName> {
        let mut names = app.processes.iter().map(|process| &process.name);
        let asked = names.clone().find(|name| name.as_str() == self.process);
        let web = names.clone().find(|name| name.as_str() == "web");
        asked.or(web).or_else(|| names.next()).cloned()
    }
}

impl MetricsPage {
    pub fn new(app: AppInfo, metrics: AppMetrics, asked: &Asked, now: Timestamp) -> Self {
        let (range, _, _) = asked.range();
        let process = asked.process(&app).map(|name| name.to_string()).unwrap_or_default();
        let choices = RANGES.map(|(name, label, _)| Choice {
            label: label.to_owned(),
            query: format!("?range={name}&process={process}"),
            current: name == range,
        });
        let of_process = |name: &ProcessName| Choice {
            label: name.to_string(),
            query: format!("?range={range}&process={name}"),
            current: name.as_str() == process,
        };
        Self {
            ranges: choices.into(),
            processes: app.processes.iter().map(|it| of_process(&it.name)).collect(),
            panels: PANELS.iter().map(|panel| panel_view(panel, &metrics)).collect(),
            markers: markers(metrics.markers, now),
            source: format!(
                "/apps/{}/metrics/data?range={range}&process={process}",
                app.summary.name
            ),
            head: AppHead::new(app.summary, Tab::Metrics, now),
        }
    }
}

fn panel_view((title, shown): &Panel, metrics: &AppMetrics) -> PanelView {
    let words = |words: Vec<String>| words.join(" ");
    let curve = |(metric, label): &(Metric, &'static str)| {
        let series = metrics.series.iter().find(|series| series.metric == *metric)?;
        Curve::new(label, series.unit, &series.values)
    };
    PanelView {
        title,
        metrics: words(shown.iter().map(|(metric, _)| metric.to_string()).collect()),
        labels: words(shown.iter().map(|(_, label)| (*label).to_owned()).collect()),
        curves: shown.iter().filter_map(curve).collect(),
    }
}

fn markers(markers: Vec<Marker>, now: Timestamp) -> Vec<MarkerRow> {
    let row = |marker: Marker| MarkerRow {
        kind: label(marker.kind),
        text: marker.text,
        at: Moment::new(marker.at, now),
    };
    markers.into_iter().rev().take(MARKERS_SHOWN).map(row).collect()
}

fn label(kind: MarkerKind) -> &'static str {
    match kind {
        MarkerKind::Deployment => "deployment",
        MarkerKind::Rollback => "rollback",
        MarkerKind::Revert => "revert",
        MarkerKind::Failure => "failure",
        MarkerKind::Scaling => "scaling",
    }
}

impl View for MetricsPage {
    const TEMPLATE: &'static str = "app_metrics.html";
}

/// Shows the panels.
pub async fn show(
    mut visit: Visit,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    let page = load(&mut visit, &name, &asked).await;
    visit.answer(page)
}

async fn load(visit: &mut Visit, name: &str, asked: &Asked) -> Result<Page<MetricsPage>, Failure> {
    let name = named(name)?;
    let (app, status) = visit
        .ask(|client| {
            let name = name.clone();
            async move { tokio::try_join!(client.app(&name), client.status()) }
        })
        .await?;
    let metrics = measured(visit, &name, asked.process(&app), asked, status.now).await?;
    let view = MetricsPage::new(app, metrics, asked, status.now);
    Ok(Page { view, status, refresh_s: None })
}

/// The same as numbers, as the API sends them.
pub async fn data(
    mut visit: Visit,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    match numbers(&mut visit, &name, &asked).await {
        Ok(json) => visit.keep(([(CONTENT_TYPE, "application/json")], json)),
        Err(failure) => visit.lead(Err(failure)),
    }
}

async fn numbers(visit: &mut Visit, name: &str, asked: &Asked) -> Result<String, Failure> {
    let name = named(name)?;
    let status = visit.ask(|client| async move { client.status().await }).await?;
    let process = asked.process.parse().ok();
    let metrics = measured(visit, &name, process, asked, status.now).await?;
    Ok(serde_json::to_string(&metrics).expect("wire types are valid JSON"))
}

async fn measured(
    visit: &mut Visit,
    name: &AppName,
    process: Option<ProcessName>,
    asked: &Asked,
    now: Timestamp,
) -> Result<AppMetrics, Failure> {
    let (_, _, seconds) = asked.range();
    let metrics = PANELS.iter().flat_map(|(_, shown)| shown.iter());
    let query = MetricsQuery {
        metrics: metrics.map(|(metric, _)| metric.clone()).collect(),
        process,
        since: Some(now - Millis::from_secs(seconds)),
        points: Some(POINTS),
        ..MetricsQuery::default()
    };
    visit
        .ask(|client| {
            let (name, query) = (name.clone(), query.clone());
            async move { client.app_metrics(&name, &query).await }
        })
        .await
}
