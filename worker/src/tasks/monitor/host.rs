//! The host, as its kernel's files show it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use slipway_core::sample::{Cpu, HostSample, Level, Measured, Room};
use slipway_core::time::Millis;
use slipway_store::Space;

/// How long one tick of `/proc/stat` is; the same on every Linux.
const TICK_US: u64 = 10_000;

/// One reading; what cannot be read is absent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HostFacts {
    /// CPU time since its boot, of all cores.
    pub cpu: Option<Cpu>,
    pub cores: Option<u32>,
    pub memory: Option<Room>,
    pub disks: BTreeMap<String, Room>,
    pub load: Option<Level>,
}

impl HostFacts {
    /// Reads everything; takes well under a millisecond, unless a disk hangs.
    pub fn read(data: &Path, storage: Option<&Path>) -> Self {
        let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
        let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let loadavg = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Self {
            cpu: cpu(&stat),
            cores: cores(&stat),
            memory: memory(&meminfo),
            disks: disks(data, storage),
            load: load(&loadavg),
        }
    }

    /// What the host did in the `span` since an earlier reading.
    pub fn since(&self, earlier: &Self, span: Millis) -> HostSample {
        let over = |room: &Room| Measured::over(span, *room);
        let disks = self.disks.iter().map(|(name, room)| (name.clone(), over(room)));
        HostSample {
            span,
            cpu: self.cpu.zip(earlier.cpu).map(|(now, then)| {
                let used_us = now.used_us.saturating_sub(then.used_us);
                let allowed_us = now.allowed_us.saturating_sub(then.allowed_us);
                Measured::over(span, Cpu { used_us, allowed_us })
            }),
            memory: self.memory.as_ref().map(over),
            disks: disks.collect(),
            load: self.load.map(|load| Measured::over(span, load)),
        }
    }
}

/// From the first line of `/proc/stat`: user, nice, system, idle, waiting for a disk, interrupts,
/// and what other machines took.
fn cpu(stat: &str) -> Option<Cpu> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u64> =
        line.split_whitespace().take(8).map(|ticks| ticks.parse().ok()).collect::<Option<_>>()?;
    let all: u64 = ticks.iter().sum();
    let idle = ticks.get(3)? + ticks.get(4)?;
    Some(Cpu { used_us: (all - idle) * TICK_US, allowed_us: all * TICK_US })
}

fn cores(stat: &str) -> Option<u32> {
    let of_a_core = |line: &&str| {
        line.strip_prefix("cpu").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    u32::try_from(stat.lines().filter(of_a_core).count()).ok().filter(|cores| *cores > 0)
}

fn memory(meminfo: &str) -> Option<Room> {
    let bytes = |name: &str| -> Option<u64> {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
    };
    let total = bytes("MemTotal")?;
    let used = total.saturating_sub(bytes("MemAvailable")?);
    Some(Room { used: Level::whole(used), limit: Level::whole(total) })
}

fn load(loadavg: &str) -> Option<Level> {
    let minute: f64 = loadavg.split(' ').next()?.parse().ok()?;
    minute.is_finite().then(|| Level::steady(minute))
}

fn disks(data: &Path, storage: Option<&Path>) -> BTreeMap<String, Room> {
    let device = |path: &Path| fs::metadata(path).ok().map(|found| found.dev());
    let apart = storage.filter(|storage| device(storage) != device(data));
    let room = |path: &Path| {
        let space = Space::of(path).ok()?;
        let used = space.total_bytes.saturating_sub(space.free_bytes);
        Some(Room { used: Level::whole(used), limit: Level::whole(space.total_bytes) })
    };
    [("data", Some(data)), ("docker", apart)]
        .into_iter()
        .filter_map(|(name, path)| Some((name.to_owned(), room(path?)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use slipway_core::metric::Metric;

    use super::*;

    const STAT: &str = "cpu  100 20 30 800 50 0 5 5 0 0\ncpu0 50 10 15 400 25 0 3 2 0 0\n\
        cpu1 50 10 15 400 25 0 2 3 0 0\nintr 5\n";

    #[test]
    fn waiting_for_a_disk_is_not_work() {
        let cpu = cpu(STAT).unwrap();
        assert_eq!((cpu.used_us, cpu.allowed_us), (1_600_000, 10_100_000));
        assert_eq!(cores(STAT), Some(2));
    }

    #[test]
    fn what_is_available_is_not_used() {
        let room = memory("MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:   250 kB\n").unwrap();
        assert_eq!((room.used.mean, room.limit.mean), (750.0 * 1024.0, 1000.0 * 1024.0));
        assert_eq!(memory("MemTotal: 5 kB\n"), None);
    }

    #[test]
    fn this_host_has_values_for_all_that_is_asked() {
        let here = Path::new(".");
        let before = HostFacts::read(here, Some(here));
        let sample = HostFacts::read(here, Some(here)).since(&before, Millis(2000));
        for metric in [Metric::HostMemory, Metric::HostDisk] {
            let value = metric.host_value(&sample).unwrap();
            assert!(value > 0.0 && value <= 100.0, "{metric}: {value}");
        }
        assert!(Metric::HostLoad.host_value(&sample).is_some());
        assert_eq!(sample.disks.len(), 1, "one file system is named once");
    }
}
