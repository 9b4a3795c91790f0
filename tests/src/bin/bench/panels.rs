//! How long the numbers of a panel take, with a store that is full.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use slipway_client::MetricsQuery;
use slipway_core::time::Millis;
use slipway_core::wire::metrics::SeriesBy;
use slipway_tests::load::Habit;
use slipway_tests::{Echo, Load, Slipway};
use tokio::time::sleep;

use crate::by_hand::succeed;
use crate::measure::{in_ms, median};
use crate::table::{Line, Table};

const APP: &str = "charted";
const ROUNDS: usize = 15;
const GOAL: Duration = Duration::from_millis(50);
const RANGES: [(&str, u64); 6] = [
    ("5 min", 300),
    ("1 h", 3600),
    ("6 h", 6 * 3600),
    ("1 d", 24 * 3600),
    ("7 d", 7 * 24 * 3600),
    ("30 d", 30 * 24 * 3600),
];
/// Repeats the busiest real sample over everything that is kept, for one process and ten instances.
const FILL: &str = include_str!("panels.sql");

/// Every range of an app that was busy for thirty days; the slowest counts.
pub async fn slowest(slipway: &Slipway, table: &mut Table) -> anyhow::Result<()> {
    slipway.developer(APP).await.deploy(&Echo::named(APP)).await;
    let load = Load::of(&slipway.site(APP), &[Habit::Kept, Habit::Kept]);
    sleep(Duration::from_secs(15)).await;
    load.end().await.expect_nothing_dropped();
    slipway.stop_server().await?;
    fill(&slipway.data().join("slipway.db"))?;
    slipway.start_server().await?;

    for by in [SeriesBy::Process, SeriesBy::Instance] {
        let mut all = Vec::new();
        for (name, seconds) in RANGES {
            all.push((range(slipway, by, seconds).await?, name));
        }
        let (took, name) = all.into_iter().max().context("there are ranges")?;
        table.add(Line {
            what: format!("numbers of all panels by {}, slowest range ({name})", by.as_str()),
            slipway: in_ms(took),
            by_hand: String::new(),
            ratio: None,
            goal: format!("≤ {}", in_ms(GOAL)),
            is_met: took <= GOAL,
        });
    }
    Ok(())
}

/// The median of one range, as a client sees it.
async fn range(slipway: &Slipway, by: SeriesBy, seconds: u64) -> anyhow::Result<Duration> {
    let now = slipway.client().status().await?.now;
    let since = Some(now - Millis::from_secs(seconds));
    let query = MetricsQuery { by, since, ..MetricsQuery::default() };
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let answer = slipway.client().app_metrics(&Slipway::app(APP), &query).await?;
        times.push(started.elapsed());
        let known = answer.series.iter().flat_map(|series| &series.values).flatten().count();
        ensure!(known > answer.times.len() / 2, "only {known} numbers in {seconds} s");
    }
    median(&times)
}

fn fill(database: &Path) -> anyhow::Result<()> {
    let script = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(sys.argv[2])";
    succeed(Command::new("python3").args(["-c", script]).arg(database).arg(FILL))
}
