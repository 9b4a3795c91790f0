//! A release that cannot serve never gets to.

use slipway_tests::{Backend, Developer, Echo, Slipway};

use crate::Outcome;

/// Pushes `bad` over a release that serves, and sees it refused for a reason that names `cause`.
async fn refused(bad: Echo, cause: &[&str]) -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    ada.deploy(&Echo::named("good")).await;
    let serving = ada.deployed_commit().await;

    ada.commit(&bad).await;
    ada.push().await.expect_failure(cause);
    assert_eq!(slipway.site("shop").text("/").await?, "good");
    assert_eq!(ada.deployed_commit().await, serving, "the ref stays with what serves");
    let live = slipway.client().app(&Slipway::app("shop")).await?.summary.version;
    assert_eq!(live, Some(1));
    goes_live_again(&slipway, &ada).await
}

/// A failure stands in nobody's way.
async fn goes_live_again(slipway: &Slipway, ada: &Developer) -> Outcome {
    ada.deploy(&Echo::named("mended")).await;
    assert_eq!(slipway.site("shop").text("/").await?, "mended");
    Ok(())
}

fn bad() -> Echo {
    let quick = "[health]\nboot_timeout = \"5s\"\n[rollout]\nobserve = \"0s\"\n";
    Echo::named("bad").manifest(quick)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_build_leaves_the_old_release_serving() -> Outcome {
    let build = bad().building_with("RUN echo no such compiler && exit 7");
    refused(build, &["no such compiler", "7"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_crashes_at_boot_leaves_the_old_release_serving() -> Outcome {
    refused(bad().crashing(), &["exited with 1", "the settings are missing: DATABASE_URL"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_port_leaves_the_old_release_serving() -> Outcome {
    refused(bad().listening_on_port(9999), &["9999", "PORT"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn listening_on_loopback_only_leaves_the_old_release_serving() -> Outcome {
    refused(bad().listening_on_loopback(), &["127.0.0.1", "0.0.0.0"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_release_command_leaves_the_old_release_serving() -> Outcome {
    let release = bad().releasing_with("echo the migration is broken && exit 3");
    refused(release, &["the migration is broken", "3"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_in_the_manifest_is_refused_with_its_line() -> Outcome {
    let mistake = Echo::named("bad").manifest("[health]\npth = \"/up\"\n");
    refused(mistake, &["slipway.toml", "2", "pth"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn pushing_the_same_commit_again_retries() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    let picky = "python -c \"import os, sys; sys.exit('READY' not in os.environ)\"";
    ada.commit(&Echo::named("one").releasing_with(picky)).await;
    ada.push().await.expect_failure(&["release"]);
    assert_eq!(ada.deployed_commit().await, "", "nothing was deployed");

    ada.slipway(&["config", "set", "READY=1"]).await.expect_success();
    ada.push().await.expect_success();
    assert_eq!(slipway.site("shop").text("/").await?, "one");
    Ok(())
}
