//! What the server takes when nobody asks anything of it.

use std::fs;
use std::time::Duration;

use anyhow::Context;
use slipway_tests::{Echo, Slipway};
use tokio::time::sleep;

use crate::table::{Line, Table};

const WATCHED: Duration = Duration::from_mins(1);
const MEMORY_GOAL_MIB: f64 = 40.0;
const CPU_GOAL_PERCENT: f64 = 0.5;
/// Linux counts a process's time in hundredths of a second, on every machine there is.
const TICKS_A_SECOND: f64 = 100.0;

/// Resident memory and idle CPU, with one app running.
pub async fn idle(slipway: &Slipway, table: &mut Table) -> anyhow::Result<()> {
    let ada = slipway.developer("idle").await;
    ada.deploy(&Echo::named("idle")).await;
    // A fresh process: what earlier rows made it allocate is not its idle size.
    slipway.stop_server().await?;
    slipway.start_server().await?;
    sleep(Duration::from_secs(5)).await;

    let pid = slipway.server_pid();
    let used = cpu_used(pid, WATCHED).await?;
    let memory = resident_mib(pid)?;
    table.add(Line {
        what: "resident memory of slipwayd".to_owned(),
        slipway: format!("{memory:.1} MiB"),
        by_hand: String::new(),
        ratio: None,
        goal: format!("≤ {MEMORY_GOAL_MIB} MiB"),
        is_met: memory <= MEMORY_GOAL_MIB,
    });
    table.add(Line {
        what: format!("CPU of slipwayd, idle, over {} s", WATCHED.as_secs()),
        slipway: format!("{used:.2} % of a core"),
        by_hand: String::new(),
        ratio: None,
        goal: format!("≤ {CPU_GOAL_PERCENT} %"),
        is_met: used <= CPU_GOAL_PERCENT,
    });
    Ok(())
}

/// How much of a core a process takes over so long, in percent.
///
/// # Errors
/// When there is no such process.
pub async fn cpu_used(pid: u32, watched: Duration) -> anyhow::Result<f64> {
    let before = ticks(pid)?;
    sleep(watched).await;
    Ok((ticks(pid)? - before) / TICKS_A_SECOND / watched.as_secs_f64() * 100.0)
}

/// User and system time of a process so far.
pub fn ticks(pid: u32) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in brackets may contain blanks; what follows it does not.
    let (_, fields) = stat.rsplit_once(") ").context("a line of /proc/*/stat")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let number = |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok());
    // utime and stime are fields 14 and 15, counted from 1 with the number and the name.
    number(11).zip(number(12)).map(|(user, system)| user + system).context("two times")
}

fn resident_mib(pid: u32) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()).context("VmRSS")?;
    Ok(kib.parse::<f64>()? / 1024.0)
}
