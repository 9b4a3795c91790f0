//! Limits on the steps of a build, where BuildKit has none.
//!
//! `/build` takes a memory limit and a parent cgroup; BuildKit of Docker 20.10 heeds neither. Each of
//! its steps runs in a cgroup of its own, unlimited, below one that all builds of the host share. So
//! the step's own cgroup is limited as soon as the step is there. A step of ours is known by its
//! environment: `NO_PROXY` is an argument that BuildKit hands to every step and leaves out of its
//! cache's keys, and ours carries a host name that is this build's alone. What others build is not
//! touched, and cgroups of version 1 and 2 are served alike.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often steps are looked for; what one allocates before it is found, it has.
const LOOK: Duration = Duration::from_millis(50);
/// How often a process is looked at before it is somebody else's: its first looks see it before it
/// has become the step's command.
const LOOKS: u32 = 20;
/// The argument that carries the mark.
const CARRIER: &str = "NO_PROXY";
/// Processes of one step.
const PROCESSES: u64 = 4096;
/// How much rather than others a step is killed when the host runs out of memory.
const OOM_SCORE: &str = "500";
const CGROUPS: &str = "/sys/fs/cgroup";

/// Limits the steps of one build while it is [watched](Self::watch).
#[derive(Debug)]
pub struct Confinement {
    mark: String,
    memory_bytes: u64,
    /// Processes by how often they were looked at.
    looks: BTreeMap<u32, u32>,
    /// Where the kernel counts what it kills of each step that was found.
    counters: BTreeSet<PathBuf>,
    killed: bool,
}

impl Confinement {
    /// For the build that has this tag. Processes that exist already are not its steps.
    pub fn new(tag: &str, memory_bytes: u64) -> Self {
        let label: String =
            tag.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        Self {
            mark: format!("{label}.build.slipway.invalid"),
            memory_bytes,
            looks: processes().map(|pid| (pid, LOOKS)).collect(),
            counters: BTreeSet::new(),
            killed: false,
        }
    }

    /// The build's arguments with the mark among them.
    pub fn mark(&self, arguments: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut marked = arguments.clone();
        let given = marked.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case(CARRIER));
        match given {
            Some((_, hosts)) => *hosts = format!("{hosts},{}", self.mark),
            None => {
                marked.insert(CARRIER.to_owned(), self.mark.clone());
            }
        }
        marked
    }

    /// Limits every step that appears, until it is dropped.
    pub async fn watch(&mut self) -> Infallible {
        loop {
            tokio::time::sleep(LOOK).await;
            self.look();
        }
    }

    /// Whether the kernel killed a process of a step for its memory; `status` is what the failed
    /// step ended with. A step that is killed itself takes the kernel's count with it.
    pub fn has_killed(&mut self, status: &str) -> bool {
        self.look();
        self.killed || (!self.counters.is_empty() && status.ends_with("exit code 137"))
    }

    fn look(&mut self) {
        let before = std::mem::take(&mut self.looks);
        for pid in processes() {
            let mut looks = before.get(&pid).copied().unwrap_or(0);
            if looks < LOOKS {
                looks += 1;
                if is_marked(pid, &self.mark) {
                    looks = LOOKS;
                    self.confine(pid);
                }
            }
            self.looks.insert(pid, looks);
        }
        self.killed |= self.counters.iter().any(|counter| kills(counter) > 0);
    }

    fn confine(&mut self, pid: u32) {
        // A step may be over before it is limited; one that goes on is, or it is said why not.
        if let Err(error) = fs::write(format!("/proc/{pid}/oom_score_adj"), OOM_SCORE) {
            tracing::debug!(pid, %error, "could not offer a build step to the kernel");
        }
        let Ok(membership) = fs::read_to_string(format!("/proc/{pid}/cgroup")) else { return };
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let others: Vec<&str> = membership.lines().filter(|line| !own.contains(line)).collect();
        for (file, value) in limits(&others, Path::new(CGROUPS), self.memory_bytes) {
            if !file.exists() {
                continue;
            }
            match fs::write(&file, value.to_string()) {
                Ok(()) => self.counters.extend(counter_beside(&file)),
                Err(error) if file.exists() => {
                    tracing::warn!(file = %file.display(), %error, "could not limit a build step");
                }
                Err(_) => {}
            }
        }
    }
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn is_marked(pid: u32, mark: &str) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.windows(mark.len()).any(|part| part == mark.as_bytes())
}

/// The files to write, and what, for a process with these lines in its `/proc/<pid>/cgroup`. The root
/// of a hierarchy is everybody's, and never limited.
fn limits(membership: &[&str], root: &Path, memory_bytes: u64) -> Vec<(PathBuf, u64)> {
    let mut limits = Vec::new();
    for line in membership {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let path = path.trim_matches('/');
        if path.is_empty() {
            continue;
        }
        let files: &[(&str, u64)] = match controllers {
            "" => &[
                ("memory.max", memory_bytes),
                ("memory.swap.max", 0),
                ("cpu.weight", 1),
                ("pids.max", PROCESSES),
            ],
            // The limit with swap may not be below the one without.
            "memory" => &[
                ("memory.limit_in_bytes", memory_bytes),
                ("memory.memsw.limit_in_bytes", memory_bytes),
            ],
            "pids" => &[("pids.max", PROCESSES)],
            _ if controllers.split(',').any(|name| name == "cpu") => &[("cpu.shares", 2)],
            _ => &[],
        };
        let folder = root.join(controllers).join(path);
        limits.extend(files.iter().map(|(name, value)| (folder.join(name), *value)));
    }
    limits
}

/// Where the kernel counts kills, for the file that holds a memory limit.
fn counter_beside(file: &Path) -> Option<PathBuf> {
    match file.file_name()?.to_str()? {
        "memory.limit_in_bytes" => Some(file.with_file_name("memory.oom_control")),
        "memory.max" => Some(file.with_file_name("memory.events")),
        _ => None,
    }
}

fn kills(counter: &Path) -> u64 {
    let text = fs::read_to_string(counter).unwrap_or_default();
    let count = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
    count.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(membership: &[&str]) -> Vec<(String, u64)> {
        let limits = limits(membership, Path::new("/cg"), 1000);
        limits.into_iter().map(|(file, value)| (file.display().to_string(), value)).collect()
    }

    #[test]
    fn both_versions_of_cgroups_are_limited_and_their_roots_never() {
        let first = written(&["4:memory:/docker/buildkit/x", "1:cpu,cpuacct:/b/x", "0::/"]);
        let memory = "/cg/memory/docker/buildkit/x";
        assert_eq!(
            first,
            [
                (format!("{memory}/memory.limit_in_bytes"), 1000),
                (format!("{memory}/memory.memsw.limit_in_bytes"), 1000),
                ("/cg/cpu,cpuacct/b/x/cpu.shares".to_owned(), 2),
            ]
        );
        let second = written(&["0::/system.slice/x"]);
        assert_eq!(second[0], ("/cg/system.slice/x/memory.max".to_owned(), 1000));
        assert_eq!(written(&["4:memory:/", "8:pids:/", "0::/", "nonsense"]), []);
    }

    #[test]
    fn the_hosts_that_need_no_proxy_are_kept_beside_the_mark() {
        let confinement = Confinement::new("slipway/shop:x", 1000);
        let given = BTreeMap::from([("no_proxy".to_owned(), "intranet".to_owned())]);
        let marked = confinement.mark(&given);
        assert_eq!(marked["no_proxy"], "intranet,slipway-shop-x.build.slipway.invalid");
        assert_eq!(marked.len(), 1);
        assert!(confinement.mark(&BTreeMap::new()).contains_key("NO_PROXY"));
    }
}
