//! The way back.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, ensure};
use slipway_client::ReleasePage;
use slipway_core::deployment::DeploymentState;
use slipway_core::wire::release::ReleaseInfo;
use slipway_tests::{Backend, Echo, Load, Slipway, docker, eventually};

use crate::Outcome;

const UNWATCHED: &str = "[rollout]\nobserve = \"0s\"\n";
const WARM: &str = "[rollout]\nobserve = \"60s\"\n";

async fn release(slipway: &Slipway, version: u32) -> anyhow::Result<ReleaseInfo> {
    Ok(slipway.client().release(&Slipway::app("shop"), version).await?)
}

/// What the installation has built.
fn images(slipway: &Slipway) -> anyhow::Result<BTreeSet<String>> {
    let mut belongings = docker::belongings(slipway.installation())?;
    belongings.retain(|name| name.starts_with("image "));
    Ok(belongings)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_restores_image_and_configuration_without_a_build() -> Outcome {
    let slipway = Slipway::start(Backend::Postgres).await?;
    let ada = slipway.developer("shop").await;
    ada.deploy(&Echo::named("one")).await;
    ada.slipway(&["config", "set", "COLOUR=blue"]).await.expect_success();
    ada.deploy(&Echo::named("three")).await;
    let site = slipway.site("shop");
    assert_eq!(site.text("/env/COLOUR").await?, "blue");

    let images = images(&slipway)?;
    let load = Load::on(&site);
    ada.slipway(&["rollback", "v1"]).await.expect_success().expect_said(&["v4"]);
    load.end().await.expect_nothing_dropped();
    assert_eq!(site.text("/").await?, "one");
    assert_eq!(site.text("/env/COLOUR").await?, "(unset)");
    assert_eq!(self::images(&slipway)?, images, "nothing was built");

    let (first, copy) = (release(&slipway, 1).await?, release(&slipway, 4).await?);
    assert_eq!(copy.summary.copy_of, Some(1));
    assert_eq!((copy.image, copy.formation), (first.image, first.formation));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_inside_the_warm_window_starts_no_container() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    ada.deploy(&Echo::named("one").manifest(WARM)).await;
    ada.deploy(&Echo::named("two").manifest(WARM)).await;
    let before = docker::instances(slipway.installation(), "shop")?;
    assert_eq!(before.len(), 2, "the old instance is kept warm: {before:?}");

    let load = Load::on(&slipway.site("shop"));
    ada.slipway(&["rollback"]).await.expect_success();
    assert_eq!(slipway.site("shop").text("/").await?, "one");
    let after = docker::instances(slipway.installation(), "shop")?;
    assert!(after.is_subset(&before), "{after:?} were not all running before: {before:?}");
    load.end().await.expect_nothing_dropped();

    let releases = slipway.client().releases(&Slipway::app("shop"), ReleasePage::default()).await?;
    let live: Vec<u32> = releases.iter().filter(|r| r.live).map(|r| r.version).collect();
    assert_eq!(live, [3]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_goes_past_releases_that_run_the_same() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    ada.deploy(&Echo::named("one").manifest(UNWATCHED)).await;
    ada.deploy(&Echo::named("two").manifest(UNWATCHED)).await;
    ada.slipway(&["restart"]).await.expect_success();
    ada.slipway(&["rollback"]).await.expect_success().expect_said(&["from v3 to v1"]);
    assert_eq!(slipway.site("shop").text("/").await?, "one");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_that_is_impossible_is_refused_before_anything_happens() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    let nothing = ada.slipway(&["rollback"]).await;
    nothing.expect_failure(&["hint:"]);
    ada.deploy(&Echo::named("one")).await;
    ada.slipway(&["rollback", "v1"]).await.expect_failure(&["v1", "hint:"]);
    ada.slipway(&["rollback", "v9"]).await.expect_failure(&["`9`", "hint:"]);
    assert_eq!(slipway.site("shop").text("/").await?, "one");
    let deployments = slipway.client().deployments(&Slipway::app("shop")).await?;
    assert_eq!(deployments.len(), 1, "{deployments:#?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_dies_after_its_switch_is_taken_back_by_itself() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    ada.deploy(&Echo::named("one")).await;
    ada.deploy(&Echo::named("two").manifest(WARM).dying_after(3.0)).await;

    let app = Slipway::app("shop");
    let taken_back = || async {
        let deployments = slipway.client().deployments(&app).await?;
        let newest = deployments.iter().max_by_key(|deployment| deployment.sequence);
        let state = &newest.context("there are two")?.state;
        ensure!(matches!(state, DeploymentState::Reverted { .. }), "it is {state}");
        Ok(())
    };
    eventually("it was taken back", Duration::from_mins(1), taken_back).await?;
    assert_eq!(slipway.site("shop").text("/").await?, "one");
    assert_eq!(slipway.client().app(&app).await?.summary.version, Some(1));
    Ok(())
}
