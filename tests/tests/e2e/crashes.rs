//! The control plane dies at the worst moment.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use slipway_client::ReleasePage;
use slipway_core::deployment::DeploymentState;
use slipway_tests::{Backend, Echo, Load, Slipway, docker, eventually};

use crate::Outcome;

/// From the restart until the deployment has gone on, without the time the app itself and the
/// machine under test take for a deploy.
const RECOVERY: Duration = Duration::from_secs(10);
/// How long each app below holds the step that is interrupted.
const HELD: Duration = Duration::from_secs(4);

/// Kills the server as soon as the second deployment is in `state`, starts it again, and sees the
/// deployment through, with visitors on the app all the while.
async fn killed_while(state: &str, backend: Backend, app: Echo) -> Outcome {
    let slipway = Slipway::start(backend).await?;
    let ada = slipway.developer("shop").await;
    let began = Instant::now();
    ada.deploy(&Echo::named("one")).await;
    let undisturbed = began.elapsed();
    let load = Load::on(&slipway.site("shop"));

    ada.commit(&app).await;
    let push = ada.start("git", &["push", "slipway", "main"]);
    reached(&slipway, state).await?;
    slipway.kill_server();
    push.wait_with_output().await?;
    slipway.start_server().await?;

    let finished = || async { finished(&slipway).await };
    let limit = RECOVERY + HELD + undisturbed;
    eventually("the deployment has ended well", limit, finished).await?;
    assert_eq!(slipway.site("shop").text("/").await?, "two");
    load.end().await.expect_nothing_dropped();
    Ok(())
}

/// Waits until the second deployment has come as far as `state`.
async fn reached(slipway: &Slipway, state: &str) -> Outcome {
    const ORDER: [&str; 7] =
        ["queued", "building", "releasing", "starting", "switching", "observing", "succeeded"];
    let place = |name: &str| ORDER.iter().position(|known| *known == name);
    let wanted = place(state).context("a step of a deployment")?;
    let end = Instant::now() + Duration::from_mins(1);
    // Faster than `eventually` looks: some steps last a few milliseconds.
    while Instant::now() < end {
        let deployments = slipway.client().deployments(&Slipway::app("shop")).await?;
        if let Some(second) = deployments.iter().find(|deployment| deployment.sequence == 2) {
            let name = second.state.name();
            let now = place(name).with_context(|| format!("it is {name} already"))?;
            if now >= wanted {
                return Ok(());
            }
        }
    }
    anyhow::bail!("the deployment was never {state}")
}

async fn finished(slipway: &Slipway) -> Outcome {
    let app = Slipway::app("shop");
    let deployments = slipway.client().deployments(&app).await?;
    let states: Vec<&str> = deployments.iter().map(|d| d.state.name()).collect();
    ensure!(deployments.len() == 2, "it was deployed again: {states:?}");
    ensure!(deployments.iter().all(|d| d.state == DeploymentState::Succeeded), "{states:?}");
    let releases = slipway.client().releases(&app, ReleasePage::default()).await?;
    ensure!(releases.len() == 2, "{releases:#?}");
    let instances = docker::instances(slipway.installation(), "shop")?;
    ensure!(instances.len() == 1, "{instances:?}");
    Ok(())
}

fn two() -> Echo {
    Echo::named("two")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_survives_a_kill_while_building() -> Outcome {
    killed_while("building", Backend::Sqlite, two().building_with("RUN sleep 3")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_survives_a_kill_while_releasing() -> Outcome {
    killed_while("releasing", Backend::Postgres, two().releasing_with("sleep 3")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_survives_a_kill_while_starting() -> Outcome {
    killed_while("starting", Backend::Sqlite, two().booting_for(3.0)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_survives_a_kill_while_switching() -> Outcome {
    let watched = two().manifest("[rollout]\nobserve = \"2s\"\n");
    killed_while("switching", Backend::Sqlite, watched).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_survives_a_kill_while_observing() -> Outcome {
    let watched = two().manifest("[rollout]\nobserve = \"3s\"\n");
    killed_while("observing", Backend::Postgres, watched).await
}

#[tokio::test(flavor = "multi_thread")]
async fn restarts_and_kills_of_the_server_cost_the_apps_no_request() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    ada.deploy(&Echo::named("one")).await;
    let before = docker::instances(slipway.installation(), "shop")?;

    let load = Load::on(&slipway.site("shop"));
    slipway.stop_server().await?;
    slipway.start_server().await?;
    slipway.kill_server();
    slipway.start_server().await?;
    load.end().await.expect_nothing_dropped();
    assert_eq!(docker::instances(slipway.installation(), "shop")?, before, "none was replaced");
    Ok(())
}
