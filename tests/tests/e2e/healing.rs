//! Accidents of the host that nobody asked Slipway about.

use std::time::Duration;

use anyhow::ensure;
use rustix::process::{Signal, kill_process};
use slipway_tests::docker::docker;
use slipway_tests::{Backend, Echo, Slipway, docker, eventually};

use crate::Outcome;

async fn one_app(slipway: &Slipway) {
    let ada = slipway.developer("shop").await;
    ada.deploy(&Echo::named("one")).await;
}

async fn answers_within(slipway: &Slipway, seconds: u64) -> Outcome {
    let site = slipway.site("shop");
    let answers = || async {
        ensure!(site.text("/").await? == "one", "something else answers");
        Ok(())
    };
    eventually("the app answers again", Duration::from_secs(seconds), answers).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_an_operator_removes_is_replaced() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    one_app(&slipway).await;
    for container in docker::instances(slipway.installation(), "shop")? {
        docker(&["rm", "--force", &container])?;
    }
    answers_within(&slipway, 15).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_is_killed_comes_back() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    one_app(&slipway).await;
    for container in docker::instances(slipway.installation(), "shop")? {
        docker(&["kill", &container])?;
    }
    answers_within(&slipway, 15).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_proxy_is_back_within_seconds() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    one_app(&slipway).await;
    let killed = slipway.proxy_pid()?;
    kill_process(killed, Signal::KILL)?;
    let replaced = || async {
        ensure!(slipway.proxy_pid()? != killed, "it is the old one");
        Ok(())
    };
    eventually("there is a new proxy", Duration::from_secs(4), replaced).await?;
    answers_within(&slipway, 2).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_broke_while_the_server_was_down_is_mended_at_its_start() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    one_app(&slipway).await;
    slipway.kill_server();
    kill_process(slipway.proxy_pid()?, Signal::KILL)?;
    for container in docker::instances(slipway.installation(), "shop")? {
        docker(&["rm", "--force", &container])?;
    }
    slipway.start_server().await?;
    answers_within(&slipway, 10).await
}
