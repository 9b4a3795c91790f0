//! A real Prometheus with a data directory of its own, which reads one installation.

use std::fs::{self, File};
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::http::Site;
use crate::network::free_address;

/// A running Prometheus; dropping it leaves nothing behind.
pub struct Prometheus {
    address: SocketAddr,
    server: Child,
    _home: TempDir,
}

impl Prometheus {
    /// Reads this address every second with this token.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn reading(target: SocketAddr, token: &str) -> anyhow::Result<Self> {
        let home = tempfile::Builder::new().prefix("slipway-prometheus-").tempdir()?;
        let file = |name: &str| home.path().join(name);
        fs::write(file("token"), token)?;
        let configuration = format!(
            "global: {{scrape_interval: 1s}}\nscrape_configs:\n  - job_name: slipway\n    \
             authorization: {{credentials_file: {}}}\n    \
             static_configs: [{{targets: [\"{target}\"]}}]\n",
            file("token").display()
        );
        fs::write(file("prometheus.yml"), configuration)?;
        let address = free_address();
        let log = File::create(file("log"))?;
        let server = Command::new("prometheus")
            .arg(format!("--config.file={}", file("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", file("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("`prometheus` starts; `make setup` installs it")?;
        Ok(Self { address, server, _home: home })
    }

    /// The value of an expression that has one.
    ///
    /// # Errors
    /// When it has none (yet), or Prometheus does not answer.
    pub async fn value(&self, expression: &str) -> anyhow::Result<f64> {
        let found = self.get(&format!("/api/v1/query?query={}", encoded(expression))).await?;
        let value = found["data"]["result"][0]["value"][1].as_str();
        value
            .with_context(|| format!("`{expression}` has no value: {found}"))?
            .parse()
            .context("it is a number")
    }

    /// How the last reading went: `up`, or an error.
    ///
    /// # Errors
    /// When there was none yet, or it failed.
    pub async fn is_reading(&self) -> anyhow::Result<()> {
        let found = self.get("/api/v1/targets").await?;
        let target = &found["data"]["activeTargets"][0];
        ensure!(target["health"] == "up", "the target is {target}");
        Ok(())
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let site = Site { proxy: self.address, host: self.address.to_string() };
        Ok(serde_json::from_str(&site.text(path).await?)?)
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

/// What `promtool` says against something; nothing when it passes.
///
/// # Errors
/// When it cannot be run, or finds fault.
pub fn promtool(arguments: &[&str], input: &str) -> anyhow::Result<()> {
    let mut tool = Command::new("promtool")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("`promtool` starts; `make setup` installs it")?;
    tool.stdin.take().context("it is a pipe")?.write_all(input.as_bytes())?;
    let said = tool.wait_with_output()?;
    let text = [said.stdout, said.stderr].concat();
    ensure!(said.status.success(), "{}", String::from_utf8_lossy(&text));
    Ok(())
}

/// Every name of a series of Slipway's in a file.
///
/// # Errors
/// When it cannot be read.
pub fn series_in(file: &Path) -> anyhow::Result<Vec<String>> {
    let text = fs::read_to_string(file).with_context(|| format!("{}", file.display()))?;
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    Ok(words.filter(|word| word.starts_with("slipway_")).map(str::to_owned).collect())
}

fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        let digit = |half: u8| char::from(b"0123456789ABCDEF"[usize::from(half)]);
        encoded.extend(['%', digit(byte >> 4), digit(byte & 15)]);
    }
    encoded
}
