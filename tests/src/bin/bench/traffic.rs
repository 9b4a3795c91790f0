//! How much the proxy carries: `wrk` through Slipway's nginx and through one written by hand, to the
//! very same containers.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use slipway_tests::docker::{docker, instances};
use slipway_tests::http::Site;
use slipway_tests::{Slipway, eventually};

use crate::by_hand::ByHand;
use crate::measure::median;
use crate::table::{Line, Table};

const ROUNDS: usize = 9;
const GOAL: f64 = 0.95;
const PATIENCE: Duration = Duration::from_mins(1);
/// Where the static server of an app listens.
const PORT: u16 = 8000;

/// A static site in two instances, which answer faster than either nginx asks.
pub async fn requests_per_second(slipway: &Slipway, table: &mut Table) -> anyhow::Result<()> {
    let members = serve_two(slipway, "static").await?;
    let by_hand = ByHand::start()?;
    by_hand.switch(&members)?;
    let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (one, other) = (wrk(&slipway.site("static"))?, wrk(&by_hand.site())?);
        ours.push(one.a_second);
        theirs.push(other.a_second);
        ratios.push(one.a_second / other.a_second);
    }
    // A machine gets slower and faster within a minute: what ran right after each other is compared.
    let (ours, theirs, ratio) = (median(&ours)?, median(&theirs)?, median(&ratios)?);
    table.add(Line {
        what: "requests per second through the proxy".to_owned(),
        slipway: format!("{ours:.0}/s"),
        by_hand: format!("{theirs:.0}/s"),
        ratio: Some(ratio),
        goal: format!("≥ {GOAL}"),
        is_met: ratio >= GOAL,
    });
    Ok(())
}

/// A new static site in two instances; returns where they listen.
pub async fn serve_two(slipway: &Slipway, app: &str) -> anyhow::Result<Vec<SocketAddr>> {
    let ada = slipway.developer(app).await;
    std::fs::write(ada.repository().join("index.html"), "hello, world\n")?;
    ada.commit_all("a page").await;
    ada.push().await.expect_success();
    ada.slipway(&["scale", "web=2"]).await.expect_success();
    let two = || async {
        let members = members(slipway, app)?;
        ensure!(members.len() == 2, "{members:?}");
        Ok(members)
    };
    eventually("two instances", PATIENCE, two).await
}

/// Where the app's instances listen: the address of the namespace that each has joined.
fn members(slipway: &Slipway, app: &str) -> anyhow::Result<Vec<SocketAddr>> {
    let mut members = Vec::new();
    for container in instances(slipway.installation(), app)? {
        let joined = docker(&["inspect", "--format", "{{.HostConfig.NetworkMode}}", &container])?;
        let holder = joined.strip_prefix("container:").unwrap_or(&container);
        let field = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        let address = docker(&["inspect", "--format", field, holder])?;
        members.push(SocketAddr::new(address.parse()?, PORT));
    }
    Ok(members)
}

/// What `wrk` counted.
pub struct Counted {
    pub requests: f64,
    pub a_second: f64,
}

/// Visits a site for five seconds; an error among the answers fails it.
pub fn wrk(site: &Site) -> anyhow::Result<Counted> {
    let output = Command::new("wrk")
        .args(["--threads", "2", "--connections", "64", "--duration", "5s"])
        .args(["--header", &format!("Host: {}", site.host)])
        .arg(format!("http://{}/", site.proxy))
        .output()
        .context("running wrk")?;
    let report = String::from_utf8_lossy(&output.stdout);
    ensure!(!report.contains("Non-2xx"), "{report}");
    let number = |line: Option<&str>| {
        let text = line.with_context(|| format!("no number in {report}"))?;
        anyhow::Ok(text.trim().parse()?)
    };
    Ok(Counted {
        requests: number(
            report.lines().find_map(|line| Some(line.split_once(" requests in ")?.0)),
        )?,
        a_second: number(report.lines().find_map(|line| line.strip_prefix("Requests/sec:")))?,
    })
}
