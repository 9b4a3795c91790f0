//! What counting and timing every request costs the proxy: its own configuration, once as it is and
//! once with the counting cut out, in an nginx each, to the very same containers.
//!
//! Two cores run the visitors, both servers and the app, which hides a few percent in the noise of
//! throughput. What nginx's own processes use of a core for one request does not depend on that.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use rustix::process::{Pid, Signal, kill_process};
use slipway_tests::http::Site;
use slipway_tests::network::free_address;
use slipway_tests::repository::copy;
use slipway_tests::{Slipway, eventually};
use tempfile::TempDir;

use crate::by_hand::succeed;
use crate::footprint::ticks;
use crate::measure::median;
use crate::table::{Line, Table};
use crate::traffic;

const APP: &str = "metered";
const ROUNDS: usize = 9;
const GOAL: f64 = 1.03;
const PATIENCE: Duration = Duration::from_secs(20);
const MICROSECONDS_A_TICK: f64 = 10_000.0;
/// Ends the module that counts.
const MODULE_END: &str = "return _M";
const CUT: &str = "function _M.answered() end\nreturn _M";

/// A static site in two instances, as in the row of the proxy's throughput.
pub async fn cost(slipway: &Slipway, table: &mut Table) -> anyhow::Result<()> {
    traffic::serve_two(slipway, APP).await?;
    let counting = Proxy::start(slipway, false).await?;
    let blind = Proxy::start(slipway, true).await?;
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        with.push(counting.microseconds_a_request()?);
        without.push(blind.microseconds_a_request()?);
    }
    let (with, without) = (median(&with)?, median(&without)?);
    let ratio = with / without;
    table.add(Line {
        what: "CPU of the proxy a request, metered (by hand: the same, not metered)".to_owned(),
        slipway: format!("{with:.1} us"),
        by_hand: format!("{without:.1} us"),
        ratio: Some(ratio),
        goal: format!("≤ {GOAL}"),
        is_met: ratio <= GOAL,
    });
    Ok(())
}

/// A copy of the installation's nginx on another port.
struct Proxy {
    folder: TempDir,
    site: Site,
}

impl Proxy {
    async fn start(slipway: &Slipway, is_cut: bool) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("slipway-test-metering-").tempdir()?;
        let original = slipway.data().join("proxy");
        let address = free_address();
        let site = Site { proxy: address, host: slipway.site(APP).host };
        for name in ["run", "logs", "temp"] {
            fs::create_dir(folder.path().join(name))?;
        }
        fs::copy(original.join("members"), folder.path().join("members"))?;
        let current = folder.path().join("current");
        copy(&original.join("current"), &current);
        // The generation's own path first: it begins with the other one.
        let moves = [
            (path(&fs::canonicalize(original.join("current"))?)?, path(&current)?),
            (path(&original)?, path(folder.path())?),
            (slipway.site(APP).proxy.to_string(), address.to_string()),
        ];
        let configuration = current.join("nginx.conf");
        let text = fs::read_to_string(&configuration)?;
        let moved = moves.iter().fold(text, |text, (from, to)| text.replace(from, to));
        fs::write(&configuration, moved)?;
        if is_cut {
            let module = current.join("lua/slipway/traffic.lua");
            let text = fs::read_to_string(&module)?;
            let (before, end) = text.rsplit_once(MODULE_END).context("a module returns itself")?;
            fs::write(&module, format!("{before}{CUT}{end}"))?;
        }
        let proxy = Self { folder, site };
        proxy.nginx(&[])?;
        let answers = || async { proxy.site.text("/").await.map(drop) };
        eventually("the copied proxy answers", PATIENCE, answers).await?;
        Ok(proxy)
    }

    fn microseconds_a_request(&self) -> anyhow::Result<f64> {
        let before = self.ticks()?;
        let requests = traffic::wrk(&self.site)?.requests;
        Ok((self.ticks()? - before) * MICROSECONDS_A_TICK / requests)
    }

    /// Of the workers, which are the master's children.
    fn ticks(&self) -> anyhow::Result<f64> {
        let master = self.master()?.as_raw_nonzero();
        let children = fs::read_to_string(format!("/proc/{master}/task/{master}/children"))?;
        ensure!(!children.is_empty(), "nginx has no workers");
        children.split_whitespace().map(|pid| ticks(pid.parse()?)).sum()
    }

    fn master(&self) -> anyhow::Result<Pid> {
        let text = fs::read_to_string(self.folder.path().join("run/nginx.pid"))?;
        Pid::from_raw(text.trim().parse()?).context("a process has a positive number")
    }

    fn nginx(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let mut nginx = Command::new("/usr/sbin/nginx");
        nginx.arg("-p").arg(self.folder.path());
        nginx.arg("-c").arg(self.folder.path().join("current/nginx.conf"));
        succeed(nginx.args(arguments))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let ended = self.master().and_then(|pid| Ok(kill_process(pid, Signal::TERM)?));
        if let Err(error) = ended {
            crate::table::note(&format!("a copied proxy is left behind: {error:#}"));
        }
    }
}

fn path(path: &Path) -> anyhow::Result<String> {
    Ok(path.to_str().context("the path is text")?.to_owned())
}
