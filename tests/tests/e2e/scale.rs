//! More instances, fewer, none.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::ensure;
use slipway_tests::{Backend, Echo, Load, Slipway, docker, eventually};

use crate::Outcome;

const SOON: Duration = Duration::from_secs(20);

/// Waits until so many containers of the app run.
async fn running(slipway: &Slipway, count: usize) -> Outcome {
    let look = || async {
        let instances = docker::instances(slipway.installation(), "shop")?;
        ensure!(instances.len() == count, "{instances:?}");
        Ok(())
    };
    eventually(format!("{count} instances run"), SOON, look).await
}

/// Waits until visitors are answered by so many instances.
async fn answering(slipway: &Slipway, count: usize) -> Outcome {
    let site = slipway.site("shop");
    let look = || async {
        let mut seen = BTreeSet::new();
        for _ in 0..count * 4 {
            seen.insert(site.text("/instance").await?);
        }
        ensure!(seen.len() == count, "{seen:?} answer");
        Ok(())
    };
    eventually(format!("{count} instances answer"), SOON, look).await
}

#[tokio::test(flavor = "multi_thread")]
async fn scaling_up_and_down_under_load_drops_no_request() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    ada.deploy(&Echo::named("one")).await;

    let load = Load::on(&slipway.site("shop"));
    ada.slipway(&["scale", "web=3"]).await.expect_success();
    answering(&slipway, 3).await?;
    ada.slipway(&["scale", "web=1"]).await.expect_success();
    running(&slipway, 1).await?;
    answering(&slipway, 1).await?;
    load.end().await.expect_nothing_dropped();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_scaled_to_nothing_says_so_and_comes_back() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    ada.deploy(&Echo::named("one")).await;

    ada.slipway(&["scale", "web=0"]).await.expect_success();
    running(&slipway, 0).await?;
    assert_eq!(slipway.site("shop").get("/").await?.status, 503);
    ada.slipway(&["scale", "web=1"]).await.expect_success();
    answering(&slipway, 1).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_keeps_the_counts() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    ada.deploy(&Echo::named("one")).await;
    ada.deploy(&Echo::named("two")).await;
    ada.slipway(&["scale", "web=2"]).await.expect_success();
    answering(&slipway, 2).await?;
    ada.slipway(&["rollback"]).await.expect_success();
    assert_eq!(slipway.site("shop").text("/").await?, "one");
    answering(&slipway, 2).await
}
