//! From asking for a rollback to the first answer of the old release.

use std::time::{Duration, Instant};

use slipway_core::wire::deployment::RollbackRequest;
use slipway_tests::{Echo, Slipway};

use crate::by_hand::{ByHand, python_base};
use crate::measure::{in_ms, median, ratio, until_answered};
use crate::table::{Line, Table};

const ROUNDS: usize = 7;
const WARM_GOAL: Duration = Duration::from_millis(100);
const WARM: &str = "[rollout]\nobserve = \"10m\"\n";
const DOCKERFILE: &str = include_str!("tiny.dockerfile");

/// Rollbacks of a tiny app: with its old instances gone, and still warm.
pub async fn cold_and_warm(slipway: &Slipway, table: &mut Table) -> anyhow::Result<()> {
    let cold = times(slipway, "cold", None).await?;
    let limit = start_again().await?;
    let ratio = ratio(cold, limit);
    table.add(Line {
        what: "rollback, cold (by hand: `docker start` → first 200)".to_owned(),
        slipway: in_ms(cold),
        by_hand: in_ms(limit),
        ratio: Some(ratio),
        goal: "≤ 1.0".to_owned(),
        is_met: ratio <= 1.0,
    });
    let warm = times(slipway, "warm", Some(WARM)).await?;
    table.add(Line {
        what: "rollback, warm".to_owned(),
        slipway: in_ms(warm),
        by_hand: String::new(),
        ratio: None,
        goal: format!("≤ {}", in_ms(WARM_GOAL)),
        is_met: warm <= WARM_GOAL,
    });
    Ok(())
}

/// The median over rollbacks from a new release to the one before.
async fn times(slipway: &Slipway, app: &str, manifest: Option<&str>) -> anyhow::Result<Duration> {
    let release = |name: &str| match manifest {
        Some(manifest) => Echo::named(name).manifest(manifest),
        None => Echo::named(name),
    };
    let ada = slipway.developer(app).await;
    let site = slipway.site(app);
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        ada.deploy(&release("old")).await;
        let old = slipway.client().app(&Slipway::app(app)).await?.summary.version;
        ada.deploy(&release("new")).await;
        let started = Instant::now();
        let request = RollbackRequest { version: old };
        slipway.client().roll_back(&Slipway::app(app), &request).await?;
        until_answered(&site, "old").await?;
        times.push(started.elapsed());
    }
    median(&times)
}

/// The limit: `docker start` of a stopped container until it answers, its proxy left out.
async fn start_again() -> anyhow::Result<Duration> {
    let by_hand = ByHand::start()?;
    let folder = tempfile::tempdir()?;
    Echo::named("old").write(folder.path());
    let dockerfile = DOCKERFILE.replace("{base}", &python_base()?);
    std::fs::write(folder.path().join("Dockerfile"), dockerfile)?;
    let image = by_hand.build(folder.path(), "rollback")?;
    let container = by_hand.run(&image)?;
    container.ready("old").await?;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        container.stop()?;
        let started = Instant::now();
        container.start_again()?.ready("old").await?;
        times.push(started.elapsed());
    }
    median(&times)
}
