//! `slipway metrics`

use slipway_client::MetricsQuery;
use slipway_core::metric::Metric;
use slipway_core::name::ProcessName;
use slipway_core::wire::metrics::{AppMetrics, Marker, MarkerKind, Series};

use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::quantity::{self, Span};
use crate::sparkline::sparkline;
use crate::table::{Cell, Table};
use crate::view::{Tone, View, word};

/// What is shown when nothing is asked for by name.
const SHOWN: [Metric; 11] = [
    Metric::Rps,
    Metric::Errors,
    Metric::P50Ms,
    Metric::P95Ms,
    Metric::P99Ms,
    Metric::Concurrency,
    Metric::Cpu,
    Metric::Memory,
    Metric::NetIn,
    Metric::NetOut,
    Metric::Instances,
];
/// Points of a curve when nobody looks: one a character.
const POINTS: u32 = 40;
/// What a line takes besides its curve.
const BESIDES: usize = 50;

/// Show how an app did: requests, latency, CPU, memory, network
///
/// Each curve ends now; the numbers beside it are the lowest, the last and the highest. What was not
/// measured is a gap, and never a zero. Without `--metric`, the most telling ones are shown.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  slipway metrics
  slipway metrics --since 7d --process web
  slipway metrics --metric rps,p95_ms,custom:queue_depth
  slipway metrics --since 5m --json")]
pub struct Args {
    /// How far back: `5m`, `1h`, `7d`; at most 30 days
    #[arg(long, value_name = "SPAN", default_value = "1h")]
    since: Span,
    /// Only this process's
    #[arg(long, value_name = "NAME")]
    process: Option<ProcessName>,
    /// What to show, by name
    #[arg(long = "metric", value_name = "NAME", value_delimiter = ',')]
    metrics: Vec<Metric>,
}

pub async fn run(invocation: &Invocation, args: Args) -> Result<(), Failure> {
    let (client, app) = invocation.client_and_app().await?;
    let view = &invocation.printer.view;
    let query = MetricsQuery {
        metrics: if args.metrics.is_empty() { SHOWN.to_vec() } else { args.metrics },
        process: args.process,
        since: Some(view.now - args.since.0),
        points: Some(points(view)),
        ..MetricsQuery::default()
    };
    let metrics = client.app_metrics(&app, &query).await?;
    invocation.printer.show(&metrics, |view| render(view, &metrics))
}

/// As many points as there is room for.
fn points(view: &View) -> u32 {
    let room = view.width.map(|width| width.saturating_sub(BESIDES).clamp(10, 120));
    room.and_then(|room| u32::try_from(room).ok()).unwrap_or(POINTS)
}

fn render(view: &View, metrics: &AppMetrics) -> String {
    if metrics.series.is_empty() {
        return "nothing was measured yet\n".to_owned();
    }
    let mut out = String::new();
    let processes = metrics.series.chunk_by(|one, other| one.process == other.process);
    for series in processes {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&view.paint(Tone::Strong, series[0].process.as_str()));
        out.push('\n');
        out.push_str(&table(view, series));
    }
    if !metrics.markers.is_empty() {
        out.push('\n');
        out.extend(metrics.markers.iter().map(|marker| line_of(view, marker)));
    }
    out
}

fn table(view: &View, series: &[Series]) -> String {
    let mut table = Table::new(["METRIC", "MIN", "NOW", "MAX", ""]);
    for one in series.iter().filter(|one| one.values.iter().any(Option::is_some)) {
        let shown = |value: Option<f64>| {
            value.map_or_else(|| "-".to_owned(), |value| quantity::of(one.unit, value))
        };
        let known = || one.values.iter().flatten().copied();
        table.row([
            one.metric.to_string().into(),
            shown(known().min_by(f64::total_cmp)).into(),
            Cell::toned(Tone::Strong, shown(last(&one.values))),
            shown(known().max_by(f64::total_cmp)).into(),
            Cell::toned(Tone::Busy, sparkline(&one.values)),
        ]);
    }
    table.render(view)
}

/// The newest value. The step under way may be too young to have one, so the one before counts too.
fn last(values: &[Option<f64>]) -> Option<f64> {
    values.iter().rev().take(2).find_map(|value| *value)
}

fn line_of(view: &View, marker: &Marker) -> String {
    let tone = match marker.kind {
        MarkerKind::Deployment => Tone::Good,
        MarkerKind::Rollback | MarkerKind::Revert => Tone::Doubtful,
        MarkerKind::Failure => Tone::Bad,
        MarkerKind::Scaling => Tone::Busy,
    };
    let when = view.paint(Tone::Quiet, &view.when(marker.at));
    format!("{when}  {}\n", view.paint(tone, &word(&marker.text)))
}

#[cfg(test)]
mod tests {
    use slipway_core::time::Millis;

    use super::*;
    use crate::testing::{NOW, PLAIN, TERMINAL, minutes_ago, visible};

    fn series(process: &str, metric: Metric, values: &[Option<f64>]) -> Series {
        let process = process.parse().unwrap();
        Series { process, instance: None, unit: metric.unit(), metric, values: values.to_vec() }
    }

    fn metrics() -> AppMetrics {
        let step = Millis::from_secs(600);
        AppMetrics {
            times: (0..6).map(|slot| NOW - Millis(step.0 * (6 - slot))).collect(),
            step_ms: step,
            series: vec![
                series(
                    "web",
                    Metric::Rps,
                    &[Some(0.0), Some(120.5), Some(60.0), None, Some(1250.0), None],
                ),
                series("web", Metric::P95Ms, &[None, Some(12.0), Some(80.0), None, None, None]),
                series("web", Metric::Cpu, &[Some(5.0); 6]),
                series("web", Metric::NetOut, &[Some(12_345_678.0), None, None, None, None, None]),
                series("worker", Metric::P95Ms, &[None; 6]),
                series("worker", Metric::Memory, &[Some(91.25); 6]),
            ],
            markers: vec![
                Marker {
                    at: minutes_ago(40),
                    kind: MarkerKind::Deployment,
                    text: "v42 is live".to_owned(),
                },
                Marker {
                    at: minutes_ago(20),
                    kind: MarkerKind::Scaling,
                    text: "web 1 → 3".to_owned(),
                },
            ],
        }
    }

    #[test]
    fn curves_have_their_numbers_and_gaps() {
        let metrics = metrics();
        insta::assert_snapshot!("metrics", render(&PLAIN, &metrics));
        insta::assert_snapshot!("metrics_on_a_terminal", visible(&render(&TERMINAL, &metrics)));
        insta::assert_json_snapshot!("metrics_as_json", metrics);
    }

    #[test]
    fn an_app_without_samples_says_so() {
        let nothing = AppMetrics { series: Vec::new(), ..metrics() };
        assert_eq!(render(&PLAIN, &nothing), "nothing was measured yet\n");
    }
}
