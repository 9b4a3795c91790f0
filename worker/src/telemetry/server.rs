//! What Slipway itself and its host do.

use std::fs;

use slipway_core::telemetry::{Family, catalogue};
use slipway_store::StoreError;

use super::number;
use crate::context::Shared;

/// What the kernel counts CPU time in, a second.
const TICKS: f64 = 100.0;

/// The families of the server and the host. What cannot be read is left out.
pub async fn families<H>(context: &Shared<H>) -> Vec<Family> {
    let mut families = vec![build()];
    for own in [components(context).await, jobs(context).await, deployments(context).await] {
        match own {
            Ok(family) => families.push(family),
            Err(error) => tracing::warn!(%error, "could not gather what the server does"),
        }
    }
    families.extend(host(context));
    families
}

fn build() -> Family {
    let mut info = Family::of(&catalogue::BUILD_INFO);
    info.add(&[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    info
}

async fn components<H>(context: &Shared<H>) -> Result<Family, StoreError> {
    let mut up = Family::of(&catalogue::COMPONENT_UP);
    for part in context.store.component_statuses().await? {
        up.add(&[("component", &part.name)], f64::from(u8::from(part.ok)));
    }
    Ok(up)
}

async fn jobs<H>(context: &Shared<H>) -> Result<Family, StoreError> {
    let counts = context.store.job_counts().await?;
    let mut jobs = Family::of(&catalogue::JOBS);
    jobs.add(&[("state", "queued")], counts.queued.into());
    jobs.add(&[("state", "running")], counts.running.into());
    Ok(jobs)
}

/// A deployment changes its state, so a number by state goes down as well: no counter.
async fn deployments<H>(context: &Shared<H>) -> Result<Family, StoreError> {
    let mut deployments = Family::of(&catalogue::DEPLOYMENTS);
    for tally in context.store.deployment_tallies().await? {
        let labels = [("app", tally.app.as_str()), ("kind", &tally.kind), ("state", &tally.state)];
        deployments.add(&labels, tally.deployments.into());
    }
    Ok(deployments)
}

fn host<H>(context: &Shared<H>) -> Vec<Family> {
    let mut families = Vec::new();
    if let Some((busy, idle)) = fs::read_to_string("/proc/stat").ok().and_then(|text| cpu(&text)) {
        let mut family = Family::of(&catalogue::HOST_CPU);
        family.add(&[("mode", "busy")], busy);
        family.add(&[("mode", "idle")], idle);
        families.push(family);
    }
    let memory = fs::read_to_string("/proc/meminfo").ok().and_then(|text| memory(&text));
    if let Some((total, available)) = memory {
        let mut family = Family::of(&catalogue::HOST_MEMORY);
        family.add(&[("kind", "total")], total);
        family.add(&[("kind", "available")], available);
        families.push(family);
    }
    let load = fs::read_to_string("/proc/loadavg").ok();
    if let Some(load) = load.and_then(|text| text.split(' ').next()?.parse().ok()) {
        let mut family = Family::of(&catalogue::HOST_LOAD);
        family.add(&[], load);
        families.push(family);
    }
    if let Ok(space) = slipway_store::Space::of(context.data.root()) {
        let mut family = Family::of(&catalogue::HOST_DISK);
        family.add(&[("kind", "total")], number(space.total_bytes));
        family.add(&[("kind", "free")], number(space.free_bytes));
        families.push(family);
    }
    families
}

/// Busy and idle seconds from the first line of `/proc/stat`: user, nice, system, idle, iowait, irq,
/// softirq, steal; guests are counted as users.
fn cpu(stat: &str) -> Option<(f64, f64)> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<f64> = line.split_whitespace().take(8).map_while(|t| t.parse().ok()).collect();
    let [user, nice, system, idle, iowait, rest @ ..] = ticks.as_slice() else { return None };
    let busy = user + nice + system + rest.iter().sum::<f64>();
    Some((busy / TICKS, (idle + iowait) / TICKS))
}

/// Total and available bytes from `/proc/meminfo`.
fn memory(meminfo: &str) -> Option<(f64, f64)> {
    let field = |name: &str| -> Option<f64> {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        let kibibytes: f64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kibibytes * 1024.0)
    };
    Some((field("MemTotal:")?, field("MemAvailable:")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_tables_are_read() {
        let stat = "cpu  100 20 30 400 50 6 7 8 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n";
        assert_eq!(cpu(stat), Some((1.71, 4.5)));
        assert_eq!(cpu("intr 1 2"), None);
        let meminfo = "MemTotal:  2048 kB\nMemFree: 1 kB\nMemAvailable:   1024 kB\n";
        assert_eq!(memory(meminfo), Some((2_097_152.0, 1_048_576.0)));
        assert_eq!(memory("MemTotal: 2048 kB\n"), None);
    }
}
