//! A push goes live.

use std::fs;
use std::time::Duration;

use anyhow::ensure;
use slipway_tests::program::of_this_crate;
use slipway_tests::repository::copy;
use slipway_tests::{Backend, Echo, Load, Slipway, docker, eventually};
use tokio::time::sleep;

use crate::Outcome;

#[tokio::test(flavor = "multi_thread")]
async fn a_second_push_under_load_drops_no_request() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    let site = slipway.site("shop");

    let address = format!("=====> shop v1 is live at http://{}", site.host);
    ada.deploy(&Echo::named("one")).await.expect_said(&[&address]);
    assert_eq!(site.text("/").await?, "one");

    let load = Load::on(&site);
    let asked_before = site.clone();
    let slow = tokio::task::spawn(async move { asked_before.text("/slow/5").await });
    let push = ada.deploy(&Echo::named("two")).await;
    push.expect_said(&["shop v2 is live", "0 dropped", "Undo: slipway rollback v1"]);
    assert_eq!(site.text("/").await?, "two");

    // The old instance leaves while the load is on, too.
    let replaced = || async {
        let instances = docker::instances(slipway.installation(), "shop")?;
        ensure!(instances.len() == 1, "{instances:?}");
        Ok(())
    };
    eventually("one instance is left", Duration::from_secs(20), replaced).await?;
    assert_eq!(slow.await??, "one", "who asked the old release is answered by it");
    let tally = load.end().await;
    tally.expect_nothing_dropped();
    let answers: Vec<&str> = tally.bodies.keys().map(String::as_str).collect();
    assert_eq!(answers, ["one", "two"], "visitors were served by the old and the new release");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_app_goes_live() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    copy(&of_this_crate("../deploy/sample"), ada.repository());
    ada.commit_all("a small shop").await;

    let push = ada.push().await;
    push.expect_success();
    push.expect_said(&["Django", "static files", "migrate", "shop v1 is live"]);
    let site = slipway.site("shop");
    let page = site.text("/").await?;
    let stylesheet = page.split('"').find(|text| text.contains(".css"));
    let stylesheet = stylesheet.expect("the page has a stylesheet");
    assert!(!site.text(stylesheet).await?.is_empty(), "static files are served");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_push_to_the_deploy_branch_deploys() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    ada.deploy(&Echo::named("one")).await;
    ada.commit(&Echo::named("two")).await;

    let elsewhere = ada.git(&["push", "slipway", "main:refs/heads/draft"]).await;
    elsewhere.expect_said(&["`main`"]);
    ada.git(&["push", "slipway", ":main"]).await.expect_failure(&["main"]);
    assert_eq!(slipway.site("shop").text("/").await?, "one");

    let deployments = slipway.client().deployments(&Slipway::app("shop")).await?;
    assert_eq!(deployments.len(), 1, "{deployments:#?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uploaded_folder_goes_live_without_a_repository() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.person().await;
    Echo::named("uploaded").file("huge.log", "not for the server").write(ada.repository());
    std::fs::write(ada.repository().join(".gitignore"), "*.log\n")?;

    ada.slipway(&["create", "shop"]).await.expect_success();
    ada.slipway(&["deploy", "-a", "shop"]).await.expect_success();
    assert_eq!(slipway.site("shop").text("/").await?, "uploaded");
    let look = ada.slipway(&["run", "-a", "shop", "--", "ls"]).await;
    look.expect_success();
    assert!(!look.stdout.contains("huge.log"), "{look}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn builds_leave_no_connection_behind() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    let settled = async |most: usize| {
        let instances = docker::instances(slipway.installation(), "shop")?;
        ensure!(instances.len() == 1, "{instances:?}");
        let open = connections(slipway.server_pid())?;
        ensure!(open <= most, "{open} connections are open, at most {most} should be");
        Ok(open)
    };
    ada.deploy(&Echo::named("0")).await.expect_success();
    let wait = Duration::from_secs(20);
    let mut before = eventually("one instance runs", wait, || settled(usize::MAX)).await?;
    for _ in 0..20 {
        sleep(Duration::from_millis(100)).await;
        before = before.min(connections(slipway.server_pid())?);
    }
    for name in ["1", "2", "3", "4"] {
        ada.deploy(&Echo::named(name)).await.expect_success();
    }
    eventually("it is as before", wait, || settled(before + 1)).await?;
    Ok(())
}

/// How many sockets a process has open.
fn connections(pid: u32) -> anyhow::Result<usize> {
    let targets = fs::read_dir(format!("/proc/{pid}/fd"))?
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    Ok(targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count())
}
