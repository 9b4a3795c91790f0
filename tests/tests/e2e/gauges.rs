//! Gauges of an app's own: drawn, alerted on, scaled by, and gone.

use std::time::Duration;

use anyhow::{Context, ensure};
use slipway_client::MetricsQuery;
use slipway_core::autoscale::Verdict;
use slipway_core::metric::Metric;
use slipway_core::name::ProcessName;
use slipway_tests::docker::{docker, instances};
use slipway_tests::{Backend, Echo, Slipway, eventually};

use crate::Outcome;

const MANIFEST: &str = "[rollout]\nobserve = \"0s\"\n[metrics]\npath = \"/metrics\"\n";
const EXPOSED: &str = "# TYPE queue_depth gauge\nqueue_depth 12\n";
/// A reading every 5 s, a look every 5 s, and a slow machine.
const SOON: Duration = Duration::from_mins(1);
/// Longer than the down window below.
const WINDOW: Duration = Duration::from_secs(13);

#[tokio::test(flavor = "multi_thread")]
async fn a_gauge_is_drawn_alerted_on_and_scaled_by_until_it_vanishes() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    ada.deploy(&Echo::named("one").exposing(EXPOSED).manifest(MANIFEST)).await;
    let add = ["alerts", "add", "deep", "--metric", "custom:queue_depth", "--above", "10"];
    ada.slipway(&[&add[..], &["--over", "10s"]].concat()).await.expect_success();
    let set = ["autoscale", "set", "web", "--max", "3", "--custom", "queue_depth=5"];
    let times = ["--warm-up", "2s", "--down-window", "10s"];
    ada.slipway(&[&set[..], &times].concat()).await.expect_success();

    // 12 where 5 are to be: three instances, and no more, though each of them says 12.
    eventually("it is scaled up", SOON, || async { holds(&slipway, 3) }).await?;
    eventually("it is drawn", SOON, || is_drawn(&slipway)).await?;
    eventually("it is alerted on", SOON, || is_firing(&slipway)).await?;

    // The app lives on and says nothing any more.
    for instance in instances(slipway.installation(), "shop")? {
        docker(&["exec", &instance, "touch", "/tmp/silent"])?;
    }
    let blind = || async {
        let process: ProcessName = "web".parse()?;
        let info = slipway.client().autoscale_of(&Slipway::app("shop"), &process).await?;
        let verdict = info.present.map(|present| present.decision.verdict);
        ensure!(verdict == Some(Verdict::Blind), "{verdict:?}");
        Ok(())
    };
    eventually("it cannot tell any more", SOON, blind).await?;
    tokio::time::sleep(WINDOW).await;
    holds(&slipway, 3)?;
    is_firing(&slipway).await.context("silence is not health")
}

fn holds(slipway: &Slipway, count: usize) -> anyhow::Result<()> {
    let running = instances(slipway.installation(), "shop")?;
    ensure!(running.len() == count, "{running:?}");
    Ok(())
}

async fn is_drawn(slipway: &Slipway) -> anyhow::Result<()> {
    let metric: Metric = "custom:queue_depth".parse()?;
    let query = MetricsQuery { metrics: vec![metric], ..MetricsQuery::default() };
    let drawn = slipway.client().app_metrics(&Slipway::app("shop"), &query).await?;
    let values: Vec<f64> =
        drawn.series.iter().flat_map(|series| &series.values).flatten().copied().collect();
    ensure!(values.contains(&12.0), "{values:?}");
    Ok(())
}

async fn is_firing(slipway: &Slipway) -> anyhow::Result<()> {
    let alerts = slipway.client().alerts(Some(&Slipway::app("shop"))).await?;
    let deep = alerts.iter().find(|alert| alert.name.as_str() == "deep").context("it is listed")?;
    let status = serde_json::to_value(deep.status)?;
    ensure!(status["state"]["name"] == "firing", "{status}");
    Ok(())
}
