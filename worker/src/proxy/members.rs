//! The members of every app: written to a file, put into nginx, read back.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use slipway_core::id::{AppId, InstanceId};
use slipway_core::instance::Endpoint;
use tokio::time::{Instant, sleep};

use super::ProxyError;
use super::control::{Control, unexpected};
use super::layout::Layout;

const HEADER: &str = "slipway-members 1 ";
/// Another writer holds the lock for a millisecond, unless it was frozen with it.
const LOCK: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(5);

/// Somebody who serves an app.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    pub instance: InstanceId,
    pub endpoint: Endpoint,
    /// Its share of the requests, relative to the other members'. 0: known, and given none.
    pub weight: u16,
}

type Table = BTreeMap<AppId, Vec<Member>>;

/// The members written last. There is one writer: it has seen every generation of the file. Who
/// finds a newer one has been replaced (it was frozen while another process took over, say) and
/// must not write over it.
///
/// The file is replaced as a whole, so a reader never sees half of it. It is not synced to disk:
/// after a crash of the machine none of the members is there any more.
#[derive(Debug)]
pub(super) struct Roster {
    file: PathBuf,
    lock: PathBuf,
    generation: u64,
    table: Table,
}

impl Roster {
    /// Reads the file, if there is one.
    pub(super) fn open(layout: &Layout) -> Result<Self, ProxyError> {
        let (file, lock) = (layout.members(), layout.members_lock());
        let (generation, table) = load(&file)?;
        Ok(Self { file, lock, generation, table })
    }

    /// Makes exactly these the members of an app, on disk and in nginx.
    pub(super) async fn set(
        &mut self,
        control: &Control,
        app: &AppId,
        members: &[Member],
    ) -> Result<(), ProxyError> {
        let mut members = members.to_vec();
        members.sort();
        let text = lines(&members);
        let path = format!("/members/{app}");
        if self.table.get(app).map_or(&[][..], Vec::as_slice) == members
            && control.get(&path).await? == text
        {
            return Ok(());
        }
        self.store(app, members).await?;
        let answer = control.put(&path, self.generation, &text).await?;
        match answer.status {
            200 if answer.body == text => Ok(()),
            409 => Err(ProxyError::Stale),
            _ => Err(unexpected(&path, &answer.body)),
        }
    }

    /// Replaces the file, unless another writer has been at it.
    ///
    /// Nothing is awaited between the file and what is remembered of it: a caller that gives up in
    /// between would leave a writer that takes its own file for somebody else's. It is one small
    /// write without a sync, well below a millisecond.
    async fn store(&mut self, app: &AppId, members: Vec<Member>) -> Result<(), ProxyError> {
        let _held = self.hold().await?;
        if load(&self.file)?.0 != self.generation {
            return Err(ProxyError::Stale);
        }
        let mut table = self.table.clone();
        if members.is_empty() {
            table.remove(app);
        } else {
            table.insert(app.clone(), members);
        }
        let generation = self.generation + 1;
        let new = self.file.with_extension("new");
        fs::write(&new, render(generation, &table)).map_err(ProxyError::file("write", &new))?;
        fs::rename(&new, &self.file).map_err(ProxyError::file("replace", &self.file))?;
        self.generation = generation;
        self.table = table;
        Ok(())
    }

    /// Takes the lock that is held until the returned file is dropped.
    async fn hold(&self) -> Result<File, ProxyError> {
        let held = File::create(&self.lock).map_err(ProxyError::file("open", &self.lock))?;
        let deadline = Instant::now() + LOCK;
        loop {
            match flock(&held, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(held),
                Err(Errno::WOULDBLOCK) if Instant::now() < deadline => sleep(PAUSE).await,
                Err(error) => return Err(ProxyError::file("lock", &self.lock)(error.into())),
            }
        }
    }
}

/// What nginx has.
pub(super) async fn read_all(control: &Control) -> Result<Table, ProxyError> {
    let path = "/members";
    let body = control.get(path).await?;
    parse_table(&body).ok_or_else(|| unexpected(path, &body))
}

fn load(file: &PathBuf) -> Result<(u64, Table), ProxyError> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok((0, Table::new()));
        }
        Err(error) => return Err(ProxyError::file("read", file)(error)),
    };
    Ok(parse(&text).unwrap_or_else(|| {
        tracing::warn!(file = %file.display(), "the members file is not readable: starting without");
        (0, Table::new())
    }))
}

fn parse(text: &str) -> Option<(u64, Table)> {
    let (generation, rest) = text.strip_prefix(HEADER)?.split_once('\n')?;
    Some((generation.parse().ok()?, parse_table(rest)?))
}

fn render(generation: u64, table: &Table) -> String {
    let mut text = format!("{HEADER}{generation}\n");
    for (app, members) in table {
        for line in lines(members).lines() {
            let _ = writeln!(text, "{app} {line}");
        }
    }
    text
}

/// `instance host port weight` a line, the way the balancer reads it.
fn lines(members: &[Member]) -> String {
    let mut text = String::new();
    for Member { instance, endpoint: Endpoint(address), weight } in members {
        let host = match address.ip() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        let _ = writeln!(text, "{instance} {host} {} {weight}", address.port());
    }
    text
}

fn parse_table(text: &str) -> Option<Table> {
    let mut table = Table::new();
    for line in text.lines() {
        let (app, member) = line.split_once(' ')?;
        table.entry(app.parse().ok()?).or_default().push(parse_member(member)?);
    }
    Some(table)
}

fn parse_member(line: &str) -> Option<Member> {
    let words: Vec<&str> = line.split(' ').collect();
    let [instance, host, port, weight] = words[..] else { return None };
    let address: SocketAddr = format!("{host}:{port}").parse().ok()?;
    Some(Member {
        instance: instance.parse().ok()?,
        endpoint: Endpoint(address),
        weight: weight.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;
    use slipway_core::id::Id;

    use super::*;

    fn member() -> impl Strategy<Value = Member> {
        (any::<u128>(), any::<SocketAddr>(), any::<u16>()).prop_map(|(bits, address, weight)| {
            let address = SocketAddr::new(address.ip(), address.port());
            Member { instance: InstanceId::from_bits(bits), endpoint: Endpoint(address), weight }
        })
    }

    fn table() -> impl Strategy<Value = Table> {
        btree_map(any::<u128>().prop_map(AppId::from_bits), vec(member(), 1..4), 0..4)
    }

    proptest! {
        #[test]
        fn the_file_gives_back_what_was_written(generation: u64, table in table()) {
            prop_assert_eq!(parse(&render(generation, &table)), Some((generation, table)));
        }
    }

    #[test]
    fn a_file_of_another_kind_is_not_believed() {
        for text in
            ["", "slipway-members 2 1\n", "slipway-members 1 x\n", "slipway-members 1 1\nx\n"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
