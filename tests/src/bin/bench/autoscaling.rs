//! From a step in load to the first instance that the autoscaler adds and that answers.

use std::time::{Duration, Instant};

use anyhow::ensure;
use slipway_tests::load::Habit;
use slipway_tests::{Developer, Echo, Load, Slipway, docker, eventually};
use tokio::time::sleep;

use crate::measure::{in_ms, median};
use crate::starts;
use crate::table::{Line, Table};

const APP: &str = "stepped";
const ROUNDS: usize = 5;
const GOAL: Duration = Duration::from_secs(6);
const PATIENCE: Duration = Duration::from_mins(2);
/// Between two looks at who answers; each is a request, so not too often.
const GLANCE: Duration = Duration::from_millis(25);
/// Samples of an app that nobody visits, before everybody comes.
const CALM: Duration = Duration::from_secs(15);

/// One visitor of a tiny app becomes five times what its one instance is to take.
pub async fn step(slipway: &Slipway, table: &mut Table) -> anyhow::Result<()> {
    let ada = slipway.developer(APP).await;
    ada.deploy(&Echo::named(APP)).await;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        times.push(one_step(slipway, &ada).await?);
    }
    let start = starts::of_a_container().await?;
    let (took, goal) = (median(&times)?, start + GOAL);
    table.add(Line {
        what: "step in load → first added instance answers (by hand: `docker run` → first 200)"
            .to_owned(),
        slipway: in_ms(took),
        by_hand: in_ms(start),
        ratio: None,
        goal: format!("≤ {}", in_ms(goal)),
        is_met: took <= goal,
    });
    Ok(())
}

async fn one_step(slipway: &Slipway, ada: &Developer) -> anyhow::Result<Duration> {
    let set = ["autoscale", "set", "web", "--min", "1", "--max", "4", "--rps", "50"];
    ada.slipway(&set).await.expect_success();
    sleep(CALM).await;
    let site = slipway.site(APP);
    let first = site.text("/instance").await?;
    let started = Instant::now();
    let load = Load::of(&site, &[Habit::Kept, Habit::Kept]);
    while site.text("/instance").await? == first {
        ensure!(started.elapsed() < PATIENCE, "`{first}` stays alone");
        sleep(GLANCE).await;
    }
    let took = started.elapsed();
    load.end().await.expect_nothing_dropped();
    ada.slipway(&["autoscale", "off", "web"]).await.expect_success();
    ada.slipway(&["scale", "web=1"]).await.expect_success();
    let alone = || async {
        let left = docker::instances(slipway.installation(), APP)?;
        ensure!(left.len() == 1, "{left:?}");
        Ok(())
    };
    eventually("one instance is left", PATIENCE, alone).await?;
    Ok(took)
}
