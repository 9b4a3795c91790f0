//! The metrics page, with and without something to draw.

use slipway_core::metric::{Metric, Unit};
use slipway_core::time::Millis;
use slipway_core::wire::metrics::{AppMetrics, Marker, MarkerKind, Series};

use super::fixtures::{NOW, answers};
use super::{HOSTILE, assert_nothing_ran, count, render, signed_in};
use crate::pages::app::metrics::{Asked, MetricsPage};

fn measured(series: Vec<Series>, text: &str) -> AppMetrics {
    AppMetrics {
        times: (1..4).map(|minutes| NOW - Millis::from_secs(60 * minutes)).rev().collect(),
        step_ms: Millis::from_secs(60),
        series,
        markers: vec![Marker {
            at: NOW - Millis::from_secs(90),
            kind: MarkerKind::Rollback,
            text: text.to_owned(),
        }],
    }
}

fn latency() -> Series {
    Series {
        process: "web".parse().unwrap(),
        instance: None,
        metric: Metric::P95Ms,
        unit: Unit::Milliseconds,
        values: vec![Some(40.0), None, Some(80.0)],
    }
}

#[test]
fn panels_show_curves_and_numbers_without_a_script() {
    let metrics = measured(vec![latency()], "v41 is live");
    let page = MetricsPage::new(answers().app, metrics, &Asked::default(), NOW);
    insta::assert_snapshot!("metrics", render(signed_in, &page));
}

#[test]
fn markers_show_as_text() {
    let metrics = measured(Vec::new(), HOSTILE);
    let page = MetricsPage::new(answers().app, metrics, &Asked::default(), NOW);
    let html = render(signed_in, &page);
    assert_eq!(count(&html, "&lt;script&gt;alert(1)&lt;"), 1, "{html}");
    // The metrics page has a script of its own besides the console's.
    assert_nothing_ran(&html.replacen("<script src=\"/assets/CHARTS.js\"", "", 1));
}
