//! As many instances as the load asks for.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::ensure;
use slipway_core::autoscale::Verdict;
use slipway_core::event::{Event, EventKind};
use slipway_tests::load::Habit;
use slipway_tests::{Backend, Developer, Echo, Load, Slipway, docker, eventually};
use tokio::task::JoinSet;

use crate::Outcome;

/// Short, so that a test sees the end of everything.
const TIMES: [&str; 4] = ["--warm-up", "2s", "--down-window", "10s"];

async fn running(slipway: &Slipway, count: usize, within: u64) -> Outcome {
    let look = || async {
        let instances = docker::instances(slipway.installation(), "shop")?;
        ensure!(instances.len() == count, "{instances:?}");
        Ok(())
    };
    eventually(format!("{count} instances run"), Duration::from_secs(within), look).await
}

#[tokio::test(flavor = "multi_thread")]
async fn load_brings_instances_that_are_all_asked_and_its_end_takes_them_away() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    ada.deploy(&Echo::named("one")).await;
    let set = ["autoscale", "set", "web", "--max", "3", "--rps", "50"];
    ada.slipway(&[&set[..], &TIMES[..]].concat()).await.expect_success();

    // Two visitors with up to 125 requests a second each.
    let site = slipway.site("shop");
    let load = Load::of(&site, &[Habit::Kept, Habit::Kept]);
    running(&slipway, 3, 30).await?;
    let all_answer = || async {
        let mut seen = BTreeSet::new();
        for _ in 0..12 {
            seen.insert(site.text("/instance").await?);
        }
        ensure!(seen.len() == 3, "{seen:?} answer");
        Ok(())
    };
    eventually("all three answer", Duration::from_secs(10), all_answer).await?;
    ada.slipway(&["scale", "web=9"]).await.expect_failure(&["between 1 and 3", "hint:"]);
    load.end().await.expect_nothing_dropped();
    // 3 to 2, and to 1 no sooner than a minute later.
    let fewer = || async {
        let counts = slipway.client().scale(&Slipway::app("shop")).await?.counts;
        ensure!(counts.values().all(|count| *count == 2), "{counts:?}");
        Ok(())
    };
    eventually("one is taken away", Duration::from_secs(45), fewer).await?;
    let told = ada.slipway(&["autoscale", "show"]).await;
    told.expect_success();
    told.expect_said(&["rps is at", "down from 3 to 2"]);
    Ok(())
}

/// An app that went to sleep, as it does after 5 s without a request.
async fn asleep(app: &Echo) -> anyhow::Result<(Slipway, Developer)> {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    ada.deploy(app).await;
    let set = ["autoscale", "set", "web", "--min", "0", "--max", "2", "--rps", "500"];
    ada.slipway(&[&set[..], &TIMES[..], &["--idle", "5s"]].concat()).await.expect_success();
    running(&slipway, 0, 30).await?;
    Ok((slipway, ada))
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_requests_wake_an_app_once_and_none_is_lost() -> Outcome {
    let (slipway, ada) = asleep(&Echo::named("one")).await?;
    let before = slipway.client().events(Some(&Slipway::app("shop")), None).await?.len();
    let mut visitors = JoinSet::new();
    for _ in 0..50 {
        let site = slipway.site("shop");
        visitors.spawn(async move { site.text_when_awake("/").await });
    }
    while let Some(answer) = visitors.join_next().await {
        assert_eq!(answer??, "one");
    }
    let events = slipway.client().events(Some(&Slipway::app("shop")), None).await?;
    let woken = events[before..].iter().filter(|event| {
        matches!(&event.kind, EventKind::Scaled { from: 0, to: 1, by, .. } if by == "autoscaler")
    });
    assert_eq!(woken.count(), 1, "{events:#?}");
    let started = |event: &&Event| matches!(event.kind, EventKind::InstanceReady { .. });
    assert_eq!(events[before..].iter().filter(started).count(), 1, "{events:#?}");

    // By hand it stays where it is.
    ada.slipway(&["scale", "web=0"]).await.expect_success();
    running(&slipway, 0, 20).await?;
    assert_eq!(slipway.site("shop").get("/").await?.status, 503);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_boots_for_longer_than_it_may_idle_is_woken_all_the_same() -> Outcome {
    let (slipway, _ada) = asleep(&Echo::named("one").booting_for(9.0)).await?;
    let before = slipway.client().events(Some(&Slipway::app("shop")), None).await?.len();
    assert_eq!(slipway.site("shop").text_when_awake("/").await?, "one");
    let events = slipway.client().events(Some(&Slipway::app("shop")), None).await?;
    let scaled = |event: &&Event| matches!(event.kind, EventKind::Scaled { .. });
    assert_eq!(events[before..].iter().filter(scaled).count(), 1, "who waits is somebody");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn load_that_comes_and_goes_within_the_window_makes_nothing_flap() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    ada.deploy(&Echo::named("one")).await;
    let set = ["autoscale", "set", "web", "--max", "2", "--rps", "50"];
    let times = ["--warm-up", "2s", "--down-window", "20s"];
    ada.slipway(&[&set[..], &times[..]].concat()).await.expect_success();

    let site = slipway.site("shop");
    for _ in 0..4 {
        let load = Load::of(&site, &[Habit::Kept, Habit::Kept]);
        tokio::time::sleep(Duration::from_secs(8)).await;
        load.end().await.expect_nothing_dropped();
        tokio::time::sleep(Duration::from_secs(8)).await;
    }
    let events = slipway.client().events(Some(&Slipway::app("shop")), None).await?;
    let scalings: Vec<(u32, u32)> = events
        .iter()
        .filter_map(|event| {
            let EventKind::Scaled { from, to, by, .. } = &event.kind else { return None };
            (by == "autoscaler").then_some((*from, *to))
        })
        .collect();
    assert_eq!(scalings, [(1, 2)], "once up, and no way back before it is quiet for good");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_numbers_the_count_holds_and_says_so() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    ada.deploy(&Echo::named("one")).await;
    // Nothing exposes this gauge.
    let set = ["autoscale", "set", "web", "--max", "3", "--cpu", "60", "--custom", "jobs=5"];
    ada.slipway(&[&set[..], &TIMES[..]].concat()).await.expect_success();
    ada.slipway(&["scale", "web=2"]).await.expect_success();
    let blind = || async {
        let process: slipway_core::name::ProcessName = "web".parse()?;
        let info = slipway.client().autoscale_of(&Slipway::app("shop"), &process).await?;
        let decision = info.present.map(|present| present.decision);
        ensure!(decision.as_ref().is_some_and(|d| d.verdict == Verdict::Blind), "{decision:?}");
        ensure!(info.count == 2, "{}", info.count);
        Ok(())
    };
    eventually("it says that it cannot tell", Duration::from_secs(15), blind).await?;
    // Longer than the down window.
    tokio::time::sleep(Duration::from_secs(12)).await;
    blind().await
}
