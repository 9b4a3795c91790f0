//! What an app did can be looked at, also after the server was killed.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use slipway_tests::{Backend, Developer, Echo, Load, Slipway, eventually};

use crate::Outcome;

/// Two intervals and a write, on a busy machine.
const SOON: Duration = Duration::from_secs(40);

/// The newest known value of each metric of the process `web`.
async fn newest(ada: &Developer, metric: &str) -> anyhow::Result<Vec<f64>> {
    let arguments = ["metrics", "--json", "--since", "5m", "--process", "web", "--metric", metric];
    let output = ada.slipway(&arguments).await;
    let metrics: Value = serde_json::from_str(&output.stdout).context("metrics are JSON")?;
    let series = metrics["series"].as_array().context("series")?;
    let newest = series
        .iter()
        .filter_map(|series| series["values"].as_array()?.iter().rev().find_map(Value::as_f64));
    Ok(newest.collect())
}

/// Waits until a metric has a value that is as it should be.
async fn shows(ada: &Developer, metric: &str, is: impl Fn(f64) -> bool) -> Outcome {
    eventually(format!("`{metric}` is as it should be"), SOON, || async {
        let values = newest(ada, metric).await?;
        ensure!(values.first().copied().is_some_and(&is), "{metric}: {values:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_show_what_visitors_and_instances_do() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    ada.deploy(&Echo::named("one")).await;

    let load = Load::on(&slipway.site("shop"));
    shows(&ada, "rps", |rps| rps > 5.0).await?;
    shows(&ada, "p95_ms", |p95| (0.0..5_000.0).contains(&p95)).await?;
    shows(&ada, "errors", |share| share < 0.001).await?;
    shows(&ada, "cpu", |share| share > 0.0 && share <= 100.0).await?;
    shows(&ada, "memory", |share| share > 0.5 && share < 50.0).await?;
    shows(&ada, "net_in", |bytes| bytes > 100.0).await?;
    shows(&ada, "instances", |count| (0.9..1.1).contains(&count)).await?;
    slipway.kill_server();
    slipway.start_server().await?;
    shows(&ada, "rps", |rps| rps > 5.0).await?;
    load.end().await.expect_nothing_dropped();
    ada.slipway(&["metrics", "--since", "5m"]).await.expect_said(&["web", "rps", "v1 is live"]);
    ada.slipway(&["top"]).await.expect_said(&["APP", "shop", "web"]);
    shows(&ada, "rps", |rps| rps < 0.001).await
}
