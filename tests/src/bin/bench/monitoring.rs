//! What watching costs: CPU of `slipwayd` while so many instances run and nothing changes.

use std::time::Duration;

use anyhow::ensure;
use slipway_core::wire::process::ScaleRequest;
use slipway_tests::{Backend, Echo, Slipway, docker, eventually};
use tokio::time::sleep;

use crate::footprint::cpu_used;
use crate::table::{Line, Table};

const WATCHED: Duration = Duration::from_secs(30);
/// After the last instance is ready, until the observing windows are over.
const REST: Duration = Duration::from_secs(35);
const PATIENCE: Duration = Duration::from_mins(5);
/// How many instances there are, and of how many apps.
const SIZES: [(u32, u32); 4] = [(1, 1), (20, 2), (100, 5), (200, 10)];
const GOAL_PERCENT: f64 = 5.0;

/// Room for the networks of that many apps; a test's own pool has room for eight.
const POOL: &str = "10.224.0.0/16";

/// More and more instances of the tiny app, in an installation of their own.
pub async fn cost(table: &mut Table) -> anyhow::Result<()> {
    let more_networks = vec!["--network-pool".to_owned(), POOL.to_owned()];
    let slipway = &Slipway::start_with(Backend::Sqlite, more_networks).await?;
    let mut known = 0;
    for (instances, apps) in SIZES {
        for number in known..apps {
            let name = name(number);
            slipway.developer(&name).await.deploy(&Echo::named(&name)).await;
        }
        known = apps;
        for number in 0..apps {
            scale(slipway, &name(number), instances / apps).await?;
        }
        running(slipway, instances, apps).await?;
        sleep(REST).await;
        let used = cpu_used(slipway.server_pid(), WATCHED).await?;
        table.add(Line {
            what: format!("CPU of slipwayd watching {instances} instances of {apps} apps"),
            slipway: format!("{used:.2} % of a core"),
            by_hand: String::new(),
            ratio: None,
            goal: format!("≤ {GOAL_PERCENT} %"),
            is_met: used <= GOAL_PERCENT,
        });
    }
    Ok(())
}

fn name(number: u32) -> String {
    format!("watched-{number}")
}

async fn scale(slipway: &Slipway, app: &str, count: u32) -> anyhow::Result<()> {
    let request = ScaleRequest { counts: [("web".parse()?, count)].into() };
    slipway.client().set_scale(&Slipway::app(app), &request).await?;
    Ok(())
}

async fn running(slipway: &Slipway, instances: u32, apps: u32) -> anyhow::Result<()> {
    let look = || async {
        let mut found = 0;
        for number in 0..apps {
            found += docker::instances(slipway.installation(), &name(number))?.len();
        }
        ensure!(u32::try_from(found) == Ok(instances), "{found} run");
        Ok(())
    };
    eventually(format!("{instances} instances run"), PATIENCE, look).await
}
