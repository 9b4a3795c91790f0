//! Accidents of the host that nobody asked Slipway about.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rustix::process::{Signal, kill_process};
use slipway_tests::docker::docker;
use slipway_tests::relay::{Mode, Relay};
use slipway_tests::{Backend, Echo, Load, Slipway, docker, eventually};

use crate::Outcome;

/// In seconds. Even on a busy machine before everything is looked at again: the engine's events tell.
const SOON: u64 = 4;

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
    answers_within(&slipway, SOON).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_is_killed_comes_back() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    one_app(&slipway).await;
    for container in docker::instances(slipway.installation(), "shop")? {
        docker(&["kill", &container])?;
    }
    answers_within(&slipway, SOON).await
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
    eventually("there is a new proxy", Duration::from_secs(2), replaced).await?;
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

/// The containers that hold the networks of instances, those that wait for one included.
fn sandboxes(slipway: &Slipway) -> anyhow::Result<BTreeSet<String>> {
    let installation = format!("label=slipway.installation={}", slipway.installation());
    let filters = ["--filter", &installation, "--filter", "label=slipway.role=sandbox"];
    let names = docker(&[&["ps", "--format", "{{.Names}}"], filters.as_slice()].concat())?;
    Ok(names.lines().map(str::to_owned).collect())
}

fn address(sandbox: &str) -> anyhow::Result<String> {
    let addresses = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}";
    docker(&["inspect", "--format", addresses, sandbox])
}

/// As after a start of the machine: Docker brings everything back, and hands addresses out anew.
#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_came_back_at_another_address_is_found_there() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    one_app(&slipway).await;
    let [instance] = Vec::from_iter(docker::instances(slipway.installation(), "shop")?)
        .try_into()
        .map_err(|names| anyhow::anyhow!("{names:?}"))?;
    let mode = docker(&["inspect", "--format", "{{.HostConfig.NetworkMode}}", &instance])?;
    let own = mode.strip_prefix("container:").context("it has a network of its own")?;
    let own = docker(&["inspect", "--format", "{{.Name}}", own])?.replace('/', "");
    let before = address(&own)?;

    let has_spare = || async {
        ensure!(sandboxes(&slipway)?.len() > 1, "there is no other that could take its address");
        Ok(())
    };
    eventually("a spare is made", Duration::from_secs(10), has_spare).await?;
    slipway.kill_server();
    let of = |name: String| anyhow::Ok((address(&name)?, name));
    let mut by_address = sandboxes(&slipway)?.into_iter().map(of).collect::<Result<Vec<_>, _>>()?;
    by_address.sort();
    docker(&["stop", "--time", "1", &instance])?;
    for (_, sandbox) in &by_address {
        docker(&["stop", "--time", "1", sandbox])?;
    }
    // Docker hands out the lowest address that is free: in another order everybody gets another.
    by_address.rotate_left(1);
    for container in by_address.iter().map(|(_, name)| name).chain([&instance]) {
        docker(&["start", container])?;
    }
    ensure!(address(&own)? != before, "it came back where it was");
    slipway.start_server().await?;
    answers_within(&slipway, 10).await
}

/// Waits until the status says of Docker whether it is well.
async fn docker_is(slipway: &Slipway, well: bool) -> Outcome {
    let says_so = || async {
        let parts = slipway.client().status().await?.components;
        let docker = parts.iter().find(|part| part.name == "docker");
        ensure!(docker.is_some_and(|docker| docker.ok == well), "{docker:?}");
        Ok(())
    };
    eventually("the status says how Docker is", Duration::from_secs(20), says_so).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_docker_that_hangs_is_told_and_holds_up_neither_the_api_nor_the_apps() -> Outcome {
    let relay = Relay::start();
    let slipway = Slipway::start_behind(relay.socket()).await?;
    let ada = slipway.developer("shop").await;
    ada.deploy(&Echo::named("one")).await;
    let load = Load::on(&slipway.site("shop"));

    relay.set(Mode::Hang);
    docker_is(&slipway, false).await?;
    let mut durations = Vec::new();
    for _ in 0..21 {
        let began = Instant::now();
        slipway.client().status().await?;
        slipway.client().instances(&Slipway::app("shop")).await?;
        durations.push(began.elapsed());
    }
    durations.sort();
    assert!(durations[10] < Duration::from_millis(200), "{durations:?}");
    assert_eq!(slipway.site("shop").text("/").await?, "one");

    relay.set(Mode::HangUp);
    relay.set(Mode::Relay);
    docker_is(&slipway, true).await?;
    ada.deploy(&Echo::named("two")).await;
    assert_eq!(slipway.site("shop").text("/").await?, "two");
    load.end().await.expect_nothing_dropped();
    Ok(())
}
