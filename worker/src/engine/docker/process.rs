//! A container's main process, as this host's `/proc` shows it.
//!
//! Reading it costs microseconds where asking the daemon costs milliseconds or, for statistics,
//! seconds. It works only where the daemon's processes are visible; callers do without otherwise.

use std::fs::{self, File};
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use slipway_core::instance::Usage;

/// State of a listening socket in `/proc/net/tcp`.
const LISTEN: &str = "0A";
/// Where Docker answers names inside user networks.
const RESOLVER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 11);

/// How much of a file of the kernel's is read at once, and at all.
const PAGE: usize = 4096;
const LONGEST: u64 = 16 << 20;

/// The main process of a container.
#[derive(Debug)]
pub struct Process {
    directory: PathBuf,
    /// The lines of `/proc/<pid>/cgroup`: `<number>:<controllers>:<path>`.
    cgroups: String,
    container: String,
}

/// What its control groups say.
struct Resources {
    cpu_us: u64,
    memory_bytes: u64,
    oom_kills: Option<u64>,
}

impl Process {
    /// The process, if this number is visible here and belongs to the container: numbers are used
    /// again, and mean something else where Slipway itself runs in a container.
    pub fn of(container: &str, pid: u32) -> Option<Self> {
        let directory = PathBuf::from(format!("/proc/{pid}"));
        let cgroups = read(&directory, "cgroup")?;
        let belongs = cgroups.contains(container);
        belongs.then(|| Self { directory, cgroups, container: container.to_owned() })
    }

    /// What tells its network namespace from others.
    pub fn network_namespace(&self) -> Option<u64> {
        fs::metadata(self.directory.join("ns/net")).ok().map(|found| found.ino())
    }

    /// The addresses the app listens on, sorted. Docker's own resolver, which is in every network
    /// namespace, is not the app's.
    pub fn listeners(&self) -> Vec<SocketAddr> {
        let table = |name| read(&self.directory, name).unwrap_or_default();
        let mut found: Vec<SocketAddr> = [table("net/tcp"), table("net/tcp6")]
            .iter()
            .flat_map(|table| table.lines().skip(1).filter_map(listener))
            .filter(|address| address.ip() != IpAddr::V4(RESOLVER))
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Its container's resources; `None` where the control groups cannot be read, as those of a
    /// container that ended. Whoever keeps a process believes that its container has not begun anew.
    pub fn usage(&self) -> Option<Usage> {
        let Resources { cpu_us, memory_bytes, oom_kills } =
            self.unified().or_else(|| self.split())?;
        let interfaces = read(&self.directory, "net/dev")?;
        let (net_in_bytes, net_out_bytes) = traffic(&interfaces);
        Some(Usage { cpu_us, memory_bytes, net_in_bytes, net_out_bytes, oom_kills })
    }

    /// CPU and memory with one hierarchy for all controllers (version 2).
    fn unified(&self) -> Option<Resources> {
        let group = self.group("", Path::new("/sys/fs/cgroup"))?;
        let cpu_us = field(&read(&group, "cpu.stat")?, "usage_usec")?;
        let used: u64 = read(&group, "memory.current")?.trim().parse().ok()?;
        let cache = field(&read(&group, "memory.stat")?, "inactive_file")?;
        let oom_kills = read(&group, "memory.events").and_then(|text| field(&text, "oom_kill"));
        Some(Resources { cpu_us, memory_bytes: used.saturating_sub(cache), oom_kills })
    }

    /// CPU and memory with one hierarchy for each controller (version 1).
    fn split(&self) -> Option<Resources> {
        let cpu = self.group("cpuacct", Path::new("/sys/fs/cgroup/cpuacct"))?;
        let memory = self.group("memory", Path::new("/sys/fs/cgroup/memory"))?;
        let cpu_ns: u64 = read(&cpu, "cpuacct.usage")?.trim().parse().ok()?;
        let used: u64 = read(&memory, "memory.usage_in_bytes")?.trim().parse().ok()?;
        let cache = field(&read(&memory, "memory.stat")?, "total_inactive_file")?;
        let memory_bytes = used.saturating_sub(cache);
        let oom_kills =
            read(&memory, "memory.oom_control").and_then(|text| field(&text, "oom_kill"));
        Some(Resources { cpu_us: cpu_ns / 1000, memory_bytes, oom_kills })
    }

    /// The container's own directory under a controller's mount point. The process may have moved
    /// into a group below it.
    fn group(&self, controller: &str, mount: &Path) -> Option<PathBuf> {
        let path = self.cgroups.lines().find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            controllers.split(',').any(|name| name == controller).then_some(path)
        })?;
        let mut group = mount.to_owned();
        for part in path.split('/').filter(|part| !part.is_empty() && *part != "..") {
            group.push(part);
            if part.contains(&self.container) {
                return Some(group);
            }
        }
        None
    }
}

fn read(directory: &Path, name: &str) -> Option<String> {
    let file = File::open(directory.join(name)).ok()?;
    // Such a file has no length, and the kernel makes all of it for each piece that is read: one
    // page takes nearly every one of them at once.
    let mut text = String::with_capacity(PAGE);
    file.take(LONGEST).read_to_string(&mut text).ok()?;
    Some(text)
}

/// The number after a name at the start of a line.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    line.trim().parse().ok()
}

/// Bytes received and sent in a `/proc/<pid>/net/dev`, the loopback device aside.
fn traffic(interfaces: &str) -> (u64, u64) {
    let mut total = (0, 0);
    for line in interfaces.lines() {
        let Some((name, columns)) = line.split_once(':') else { continue };
        let number = |column| columns.split_whitespace().nth(column)?.parse::<u64>().ok();
        if name.trim() != "lo" {
            total.0 += number(0).unwrap_or(0);
            total.1 += number(8).unwrap_or(0);
        }
    }
    total
}

/// The local address of a line of `/proc/net/tcp` or `tcp6`, when it listens.
fn listener(line: &str) -> Option<SocketAddr> {
    let mut columns = line.split_whitespace().skip(1);
    let local = columns.next()?;
    if columns.nth(1)? != LISTEN {
        return None;
    }
    let (address, port) = local.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    // Words are in the byte order of the machine, which is little endian wherever Slipway runs.
    let words: Option<Vec<[u8; 4]>> = (0..address.len() / 8)
        .map(|word| u32::from_str_radix(address.get(word * 8..word * 8 + 8)?, 16).ok())
        .map(|word| word.map(u32::to_le_bytes))
        .collect();
    let octets = words?.concat();
    if let Ok(octets) = <[u8; 4]>::try_from(octets.as_slice()) {
        return Some((Ipv4Addr::from(octets), port).into());
    }
    let octets = <[u8; 16]>::try_from(octets.as_slice()).ok()?;
    Some((Ipv6Addr::from(octets), port).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_are_told_from_connections() {
        let line = |local: &str, state: &str| {
            listener(&format!("   0: {local} 00000000:0000 {state} 00000000:00000000 00:00000000"))
                .map(|address| address.to_string())
        };
        assert_eq!(line("00000000:1F90", "0A").as_deref(), Some("0.0.0.0:8080"));
        assert_eq!(line("0100007F:0BB8", "0A").as_deref(), Some("127.0.0.1:3000"));
        assert_eq!(line("0100007F:0BB8", "01"), None);
        let any = "00000000000000000000000000000000:1388";
        assert_eq!(line(any, "0A").as_deref(), Some("[::]:5000"));
        let loopback = "00000000000000000000000001000000:1388";
        assert_eq!(line(loopback, "0A").as_deref(), Some("[::1]:5000"));
        assert_eq!(listener("  sl  local_address rem_address   st"), None);
    }

    #[test]
    fn traffic_is_summed_without_loopback() {
        let interfaces = "Inter-|   Receive                            |  Transmit\n \
            face |bytes    packets errs drop fifo frame compressed multicast|bytes\n    \
            lo:     999      9    0    0    0     0          0         0     999   9 0 0 0 0 0 0\n  \
            eth0:    1000     10    0    0    0     0          0         0     300   3 0 0 0 0 0 0\n  \
            eth1:1     1    0    0    0     0          0         0     2   1 0 0 0 0 0 0\n";
        assert_eq!(traffic(interfaces), (1001, 302));
    }

    #[test]
    fn a_group_is_the_containers_own_even_for_a_process_further_down() {
        let process = |cgroups: &str| Process {
            directory: PathBuf::new(),
            cgroups: cgroups.to_owned(),
            container: "abc".to_owned(),
        };
        let group = |cgroups: &str, controller: &str| {
            process(cgroups)
                .group(controller, Path::new("/c"))
                .map(|path| path.display().to_string())
        };
        let split = "5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n";
        assert_eq!(group(split, "cpuacct").as_deref(), Some("/c/docker/abc"));
        assert_eq!(group(split, ""), None);
        let unified = "0::/system.slice/docker-abc.scope/init\n";
        assert_eq!(group(unified, "").as_deref(), Some("/c/system.slice/docker-abc.scope"));
    }

    #[test]
    fn a_number_that_belongs_to_another_program_is_no_process_of_the_container() {
        assert!(Process::of("0123456789abcdef", std::process::id()).is_none());
    }
}
