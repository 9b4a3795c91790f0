//! `make bench`: Slipway against the same work done by hand, in one run on one machine.
//!
//! Every comparison alternates between the two, so that whatever else the machine does hits both,
//! and prints medians. A row's name as the argument runs that row alone.

mod autoscaling;
mod by_hand;
mod console;
mod deploys;
mod footprint;
mod measure;
mod metering;
mod monitoring;
mod panels;
mod rollbacks;
mod scaling;
mod starts;
mod table;
mod traffic;
mod waking;

use std::env;
use std::process::ExitCode;

use slipway_tests::{Backend, Slipway};

use crate::table::Table;

/// The rows, in the order of the table. Each fills in one line or a few that belong together.
const ROWS: [&str; 13] = [
    "deploy-sample",
    "deploy-tiny",
    "rollback",
    "scale",
    "traffic",
    "dropped",
    "metering",
    "autoscale",
    "wake",
    "panels",
    "footprint",
    "monitor",
    // Leaves a thousand apps behind: nothing is measured after it.
    "console",
];

#[tokio::main]
async fn main() -> ExitCode {
    let chosen: Vec<String> = env::args().skip(1).collect();
    if let Some(unknown) = chosen.iter().find(|name| !ROWS.contains(&name.as_str())) {
        table::note(&format!("no row is called `{unknown}`; there are {}", ROWS.join(", ")));
        return ExitCode::from(2);
    }
    let mut table = Table::default();
    let outcome = fill(&mut table, &chosen).await;
    table.print();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            table::note(&format!("the rest could not be measured: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn fill(table: &mut Table, chosen: &[String]) -> anyhow::Result<()> {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let is_wanted = |row: &str| chosen.is_empty() || chosen.iter().any(|name| name == row);
    for row in ROWS.into_iter().filter(|row| is_wanted(row)) {
        table::note(&format!("measuring {row}"));
        match row {
            "deploy-sample" => deploys::sample(&slipway, table).await?,
            "deploy-tiny" => deploys::tiny(&slipway, table).await?,
            "rollback" => rollbacks::cold_and_warm(&slipway, table).await?,
            "scale" => scaling::one_to_three(&slipway, table).await?,
            "traffic" => traffic::requests_per_second(&slipway, table).await?,
            "dropped" => deploys::twenty_under_load(&slipway, table).await?,
            "metering" => metering::cost(&slipway, table).await?,
            "autoscale" => autoscaling::step(&slipway, table).await?,
            "wake" => waking::from_zero(&slipway, table).await?,
            "panels" => panels::slowest(&slipway, table).await?,
            "footprint" => footprint::idle(&slipway, table).await?,
            "monitor" => monitoring::cost(table).await?,
            _ => console::thousand_apps(&slipway, table).await?,
        }
    }
    Ok(())
}
