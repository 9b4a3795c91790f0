//! From asking for three instances to being answered by all of them.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use slipway_core::wire::process::ScaleRequest;
use slipway_tests::{Echo, Slipway, eventually};
use tokio::time::sleep;

use crate::by_hand::{ByHand, Container, python_base};
use crate::measure::{in_ms, median, ratio};
use crate::table::{Line, Table};

const ROUNDS: usize = 5;
const PATIENCE: Duration = Duration::from_mins(1);
/// Nobody scales an app up again in the very moment it has been scaled down.
const REST: Duration = Duration::from_secs(4);
const DOCKERFILE: &str = include_str!("tiny.dockerfile");

/// One to three instances of a tiny app.
pub async fn one_to_three(slipway: &Slipway, table: &mut Table) -> anyhow::Result<()> {
    let ours = ours(slipway).await?;
    let theirs = theirs().await?;
    let ratio = ratio(ours, theirs);
    table.add(Line {
        what: "scale 1 → 3 (by hand: two `docker run` → first 200, reload)".to_owned(),
        slipway: in_ms(ours),
        by_hand: in_ms(theirs),
        ratio: Some(ratio),
        goal: "≤ 1.0".to_owned(),
        is_met: ratio <= 1.0,
    });
    Ok(())
}

async fn ours(slipway: &Slipway) -> anyhow::Result<Duration> {
    let ada = slipway.developer("scaled").await;
    ada.deploy(&Echo::named("scaled")).await;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        scale(slipway, 3).await?;
        answering(slipway, 3).await?;
        times.push(started.elapsed());
        scale(slipway, 1).await?;
        let alone = || async {
            let left = slipway_tests::docker::instances(slipway.installation(), "scaled")?;
            anyhow::ensure!(left.len() == 1, "{left:?}");
            Ok(())
        };
        eventually("one instance is left", PATIENCE, alone).await?;
        sleep(REST).await;
    }
    median(&times)
}

async fn scale(slipway: &Slipway, count: u32) -> anyhow::Result<()> {
    let request = ScaleRequest { counts: [("web".parse()?, count)].into() };
    slipway.client().set_scale(&Slipway::app("scaled"), &request).await?;
    Ok(())
}

/// Until so many different instances have answered.
async fn answering(slipway: &Slipway, count: usize) -> anyhow::Result<()> {
    let site = slipway.site("scaled");
    let end = Instant::now() + PATIENCE;
    let mut seen = BTreeSet::new();
    while seen.len() < count {
        seen.insert(site.text("/instance").await?);
        anyhow::ensure!(Instant::now() < end, "only {seen:?} answer");
    }
    Ok(())
}

async fn theirs() -> anyhow::Result<Duration> {
    let by_hand = ByHand::start()?;
    let folder = tempfile::tempdir()?;
    Echo::named("scaled").write(folder.path());
    let dockerfile = DOCKERFILE.replace("{base}", &python_base()?);
    std::fs::write(folder.path().join("Dockerfile"), dockerfile)?;
    let image = by_hand.build(folder.path(), "scale")?;
    let first = by_hand.run(&image)?;
    first.ready("scaled").await?;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let more = [by_hand.run(&image)?, by_hand.run(&image)?];
        for container in &more {
            container.ready("scaled").await?;
        }
        let members: Vec<_> = more.iter().chain([&first]).map(|one| one.address).collect();
        by_hand.switch(&members)?;
        times.push(started.elapsed());
        more.iter().try_for_each(Container::remove)?;
        sleep(REST).await;
    }
    median(&times)
}
