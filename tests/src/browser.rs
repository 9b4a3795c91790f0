//! A real browser, which does what a person would do, step by step. See `tests/browser`.

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::program::of_this_crate;
use crate::tunnel::Tunnel;

/// No step may take longer; the longest watches a whole build.
const PATIENCE: Duration = Duration::from_mins(4);

/// A browser at an address; dropping it closes it.
///
/// It has a network of its own, from which only that address can be reached. On the host's, every
/// container that starts or ends beside it would fail a request of Chromium's now and then, with
/// `ERR_NETWORK_CHANGED`.
pub struct Browser {
    tunnel: Tunnel,
    /// Ends with its input.
    driver: Child,
    input: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Browser {
    /// Opens a browser with a fresh profile.
    ///
    /// # Errors
    /// When node, its packages or Chromium cannot be had; `make setup` installs them.
    pub async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let folder = of_this_crate("browser");
        install(&folder).await?;
        let tunnel = Tunnel::to(address)?;
        let mut driver = Command::new("unshare")
            .args(["--map-root-user", "--net", "node", "driver.js"])
            .arg(format!("http://{address}"))
            .arg(tunnel.socket())
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("node drives the browser")?;
        let input = driver.stdin.take().context("it is a pipe")?;
        let answers = driver.stdout.take().context("it is a pipe")?;
        Ok(Self { tunnel, driver, input, answers: BufReader::new(answers).lines() })
    }

    /// Takes a step of `tests/browser/steps.js` and returns what was seen.
    ///
    /// # Errors
    /// When the person did not get where they wanted, or the page did what none may.
    pub async fn step(&mut self, step: &str, with: Value) -> anyhow::Result<Value> {
        let asked = format!("{}\n", json!({ "step": step, "with": with }));
        self.input.write_all(asked.as_bytes()).await?;
        let answer = timeout(PATIENCE, self.answers.next_line());
        let answer = answer.await.with_context(|| format!("`{step}` takes too long"))??;
        let answer: Value = serde_json::from_str(&answer.context("the browser is gone")?)?;
        match answer.get("failed") {
            Some(why) => bail!("{}", why.as_str().unwrap_or_default()),
            None => Ok(answer["ok"].clone()),
        }
    }

    /// Closes the browser and waits until it is gone.
    ///
    /// # Errors
    /// When it does not go.
    pub async fn close(self) -> anyhow::Result<()> {
        let Self { tunnel, mut driver, input, answers } = self;
        drop(input);
        let ended = timeout(PATIENCE, driver.wait()).await.context("the browser stays open")??;
        drop((answers, tunnel));
        ensure!(ended.success(), "the browser ended with {ended}");
        Ok(())
    }
}

/// Installs what the driver needs, as its lock file has it, unless it is there. Tests are processes
/// that begin together: one installs, the others wait for it.
async fn install(folder: &Path) -> anyhow::Result<()> {
    let turn = File::open(folder.join("package-lock.json"))?;
    tokio::task::block_in_place(|| turn.lock())?;
    if folder.join("node_modules/playwright-core/package.json").exists() {
        return Ok(());
    }
    let arguments = ["ci", "--no-audit", "--no-fund"];
    let installed = Command::new("npm").args(arguments).current_dir(folder).output();
    let installed = installed.await.context("npm installs what drives the browser")?;
    ensure!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
    Ok(())
}
