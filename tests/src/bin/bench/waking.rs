//! An app that sleeps, and whoever wakes it.

use std::time::{Duration, Instant};

use anyhow::ensure;
use slipway_core::event::EventKind;
use slipway_tests::{Echo, Slipway, docker, eventually};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::measure::{in_ms, median};
use crate::starts;
use crate::table::{Line, Table};

const APP: &str = "sleeper";
const ROUNDS: usize = 5;
const VISITORS: usize = 50;
const GOAL: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_mins(2);
/// After the last container is gone, the rest of the installation comes to rest too.
const REST: Duration = Duration::from_secs(2);
const SETTINGS: [&str; 15] = [
    "autoscale",
    "set",
    "web",
    "--min",
    "0",
    "--max",
    "2",
    "--rps",
    "500",
    "--warm-up",
    "2s",
    "--down-window",
    "10s",
    "--idle",
    "5s",
];

/// One visitor, several times, and then fifty at once.
pub async fn from_zero(slipway: &Slipway, table: &mut Table) -> anyhow::Result<()> {
    let ada = slipway.developer(APP).await;
    ada.deploy(&Echo::named(APP)).await;
    ada.slipway(&SETTINGS).await.expect_success();
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        asleep(slipway).await?;
        let started = Instant::now();
        let answer = slipway.site(APP).text("/").await?;
        ensure!(answer == APP, "{answer}");
        times.push(started.elapsed());
    }
    let start = starts::of_a_container().await?;
    let (took, goal) = (median(&times)?, start + GOAL);
    table.add(Line {
        what: "wake from zero (by hand: `docker run` → first 200)".to_owned(),
        slipway: in_ms(took),
        by_hand: in_ms(start),
        ratio: None,
        goal: format!("≤ {}", in_ms(goal)),
        is_met: took <= goal,
    });
    many_at_once(slipway, table).await
}

async fn many_at_once(slipway: &Slipway, table: &mut Table) -> anyhow::Result<()> {
    asleep(slipway).await?;
    let app = Slipway::app(APP);
    let before = slipway.client().events(Some(&app), None).await?.last().map(|event| event.id);
    let mut visitors = JoinSet::new();
    for _ in 0..VISITORS {
        let site = slipway.site(APP);
        visitors.spawn(async move { site.text("/").await });
    }
    let answers = visitors.join_all().await;
    let failed = answers.iter().filter(|answer| !matches!(answer, Ok(text) if text == APP)).count();
    let events = slipway.client().events(Some(&app), before).await?;
    let ready = |kind: &EventKind| matches!(kind, EventKind::InstanceReady { .. });
    let starts = events.iter().filter(|event| ready(&event.kind)).count();
    table.add(Line {
        what: format!("{VISITORS} wake it at once"),
        slipway: format!("{starts} start, {failed} errors"),
        by_hand: String::new(),
        ratio: None,
        goal: "1 start, 0 errors".to_owned(),
        is_met: starts == 1 && failed == 0,
    });
    Ok(())
}

async fn asleep(slipway: &Slipway) -> anyhow::Result<()> {
    let gone = || async {
        let left = docker::instances(slipway.installation(), APP)?;
        ensure!(left.is_empty(), "{left:?}");
        Ok(())
    };
    eventually("the app sleeps", PATIENCE, gone).await?;
    sleep(REST).await;
    Ok(())
}
