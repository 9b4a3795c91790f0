//! Several people at once.

use std::time::Duration;

use anyhow::{Context, ensure};
use slipway_core::wire::deployment::DeploymentInfo;
use slipway_tests::{Backend, Echo, Slipway, eventually};
use tokio::task::JoinSet;

use crate::Outcome;

const SOON: Duration = Duration::from_secs(30);

/// The app's newest deployment.
async fn newest(slipway: &Slipway) -> anyhow::Result<DeploymentInfo> {
    let deployments = slipway.client().deployments(&Slipway::app("shop")).await?;
    deployments.into_iter().max_by_key(|deployment| deployment.sequence).context("none")
}

/// Waits until the `sequence`th deployment is at work.
async fn at_work(slipway: &Slipway, sequence: u32) -> Outcome {
    let look = || async {
        let deployment = newest(slipway).await?;
        ensure!(deployment.sequence == sequence && deployment.state.is_active(), "{deployment:?}");
        Ok(())
    };
    eventually("the deployment is at work", SOON, look).await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_pushes_at_once_end_with_the_newer() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    ada.deploy(&Echo::named("first")).await;

    ada.commit(&Echo::named("older").booting_for(8.0)).await;
    let older = async { ada.push().await };
    let newer = async {
        at_work(&slipway, 2).await?;
        ada.commit(&Echo::named("newer")).await;
        anyhow::Ok(ada.push().await)
    };
    let (older, newer) = tokio::join!(older, newer);
    older.expect_failure(&["newer"]);
    newer?.expect_success();

    assert_eq!(slipway.site("shop").text("/").await?, "newer");
    let head = ada.git(&["rev-parse", "HEAD"]).await;
    head.expect_success();
    assert_eq!(ada.deployed_commit().await, head.stdout.trim());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_during_a_deploy_takes_its_place() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    ada.deploy(&Echo::named("one")).await;
    ada.deploy(&Echo::named("two")).await;

    ada.commit(&Echo::named("slow").booting_for(8.0)).await;
    let push = async { ada.push().await };
    let rollback = async {
        at_work(&slipway, 3).await?;
        anyhow::Ok(ada.slipway(&["rollback", "v1"]).await)
    };
    let (push, rollback) = tokio::join!(push, rollback);
    push.expect_failure(&[]);
    rollback?.expect_success();
    assert_eq!(slipway.site("shop").text("/").await?, "one");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_finds_every_builder_busy_waits_in_the_queue_and_holds_nobody_up() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    ada.deploy(&Echo::named("one")).await;
    ada.deploy(&Echo::named("two")).await;

    // One build for every two cores, and one app more than that.
    let cores = std::thread::available_parallelism()?.get();
    let builders = (cores / 2).max(1);
    let apps: Vec<String> = (0..=builders).map(|number| format!("busy{number}")).collect();
    let mut pushes = JoinSet::new();
    for app in &apps {
        let bob = slipway.developer(app).await;
        bob.commit(&Echo::named("busy").building_with("RUN sleep 8")).await;
        pushes.spawn(async move { bob.push().await });
    }
    let states = async || {
        let mut states = Vec::new();
        for app in &apps {
            let deployments = slipway.client().deployments(&Slipway::app(app)).await?;
            states.extend(deployments.into_iter().map(|deployment| deployment.state.name()));
        }
        states.sort_unstable();
        anyhow::Ok(states)
    };
    let mut expected = vec!["building"; builders];
    expected.push("queued");
    let all_but_one_build = || async {
        let seen = states().await?;
        ensure!(seen == expected, "{seen:?}");
        Ok(())
    };
    eventually("one waits for the others", SOON, all_but_one_build).await?;
    ada.slipway(&["rollback", "v1"]).await.expect_success();
    assert_eq!(slipway.site("shop").text("/").await?, "one");
    ensure!(states().await? == expected, "the rollback waited for a build");
    while let Some(push) = pushes.join_next().await {
        push?.expect_success();
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pusher_who_leaves_cancels_nothing() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    ada.commit(&Echo::named("one").booting_for(3.0)).await;
    let push = ada.start("git", &["push", "slipway", "main"]);
    at_work(&slipway, 1).await?;
    drop(push);

    let site = slipway.site("shop");
    let live = || async {
        ensure!(site.text("/").await? == "one", "another release answers");
        Ok(())
    };
    eventually("the deployment goes on", SOON * 2, live).await?;
    ada.push().await.expect_success();
    assert_eq!(newest(&slipway).await?.sequence, 1, "what is live is not deployed again");
    Ok(())
}
