//! What apps and visitors leave in the log, also when it is far too much.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use slipway_client::LogQuery;
use slipway_core::log::{LogLine, LogSource};
use slipway_tests::folder::bytes_below;
use slipway_tests::{Backend, Echo, Slipway, docker, eventually};

use crate::Outcome;

/// Ten seconds of lines of 1 KiB, as fast as a pipe takes them.
const HOSE: &str = "
import os, time
line = (b'x' * 1023 + b'\\n') * 64
end = time.monotonic() + 10
while time.monotonic() < end:
    os.write(1, line)
os.write(1, b'the hose is shut\\n')
time.sleep(600)
";
/// What one instance may hold in memory: its ring, what is on its way, and how its lines are kept.
const MOST_MEMORY_KIB: u64 = 64 * 1024;
/// All of an app's log, and a few lines of its neighbour's.
const MOST_DISK: u64 = 51 * 1000 * 1000;

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_writes_without_end_costs_neither_memory_nor_disk_nor_others() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let (ada, bob) = (slipway.developer("shop").await, slipway.developer("blog").await);
    bob.deploy(&Echo::named("blog").file("Procfile", "web: python app.py\nclock: python clock.py\n").file(
        "clock.py",
        "import time\nwhile True:\n    print('tick', time.time(), flush=True)\n    time.sleep(0.2)\n",
    ))
    .await;
    let before = memory_kib(&slipway)?;
    let hose = Echo::named("shop")
        .file("Procfile", "web: python app.py\nhose: python hose.py\n")
        .file("hose.py", HOSE);
    ada.deploy(&hose).await;

    let began = Instant::now();
    let (mut most_memory, mut slowest) = (0, 0.0_f64);
    while began.elapsed() < Duration::from_secs(8) {
        most_memory = most_memory.max(memory_kib(&slipway)?);
        slowest = slowest.max(age_of_the_last_tick(&slipway).await?);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let grown = most_memory.saturating_sub(before);
    assert!(grown < MOST_MEMORY_KIB, "the server grew by {grown} KiB");
    assert!(slowest < 3.0, "another app's lines came {slowest:.1} s late");

    let shut = || async {
        let lines = lines(&slipway, "shop", LogSource::App).await?;
        let last = lines.last().context("there are lines")?;
        ensure!(last.text == "the hose is shut", "{:.40}", last.text);
        Ok(())
    };
    eventually("the newest lines are kept", Duration::from_secs(30), shut).await?;
    let said = lines(&slipway, "shop", LogSource::Platform).await?;
    let dropped = said.iter().find(|line| line.text.contains("lines were dropped"));
    assert!(dropped.is_some_and(|line| line.process.as_deref() == Some("hose")), "{said:#?}");
    let kept = bytes_below(&slipway.data().join("logs"))?;
    assert!(kept <= MOST_DISK, "{kept} bytes are kept");
    Ok(())
}

async fn lines(slipway: &Slipway, app: &str, source: LogSource) -> anyhow::Result<Vec<LogLine>> {
    let query = LogQuery { lines: Some(500), sources: vec![source], ..LogQuery::default() };
    Ok(slipway.client().logs(&Slipway::app(app), &query).await?)
}

/// How old the newest line of the other app is, in seconds; it writes five each second.
async fn age_of_the_last_tick(slipway: &Slipway) -> anyhow::Result<f64> {
    let asked = std::time::SystemTime::UNIX_EPOCH.elapsed()?.as_secs_f64();
    let query = LogQuery {
        lines: Some(1),
        process: Some("clock".to_owned()),
        sources: vec![LogSource::App],
        ..LogQuery::default()
    };
    let lines = slipway.client().logs(&Slipway::app("blog"), &query).await?;
    let tick = lines.first().context("it ticks")?.text.clone();
    Ok(asked - tick.trim_start_matches("tick ").parse::<f64>()?)
}

/// The server's resident memory.
fn memory_kib(slipway: &Slipway) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", slipway.server_pid()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.context("a process has memory")?.trim().trim_end_matches(" kB");
    Ok(kib.parse()?)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_visit_is_in_the_log_and_found_by_its_status() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    ada.deploy(&Echo::named("one")).await;
    slipway.site("shop").get("/hello?from=ada").await?;
    let visited = || async {
        let log = ada.slipway(&["logs", "--source", "access", "--status", "2xx"]).await;
        ensure!(log.stdout.contains("GET /hello?from=ada 200"), "{log}");
        Ok(())
    };
    eventually("the visit is in the log", Duration::from_secs(10), visited).await?;
    let none = ada.slipway(&["logs", "--status", "404", "--json"]).await;
    assert_eq!(none.expect_success().stdout.trim(), "[]");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn following_goes_on_with_the_instance_that_takes_over_and_history_stays() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    let speaking = |word: &str| {
        let procfile = format!("web: echo {word} speaks; exec python app.py\n");
        Echo::named(word).file("Procfile", &procfile)
    };
    ada.deploy(&speaking("one")).await;
    let mut follow = ada.start("slipway", &["logs", "-f", "--source", "app"]);
    let first = docker::instances(slipway.installation(), "shop")?;
    ada.deploy(&speaking("two")).await;
    let gone = || async {
        let now = docker::instances(slipway.installation(), "shop")?;
        ensure!(now.is_disjoint(&first), "{now:?}");
        Ok(())
    };
    eventually("the first instance is gone", Duration::from_mins(1), gone).await?;
    let seen = || async {
        let log = ada.slipway(&["logs", "--source", "app"]).await;
        ensure!(log.stdout.contains("one speaks") && log.stdout.contains("two speaks"), "{log}");
        Ok(())
    };
    eventually("both are in the log", Duration::from_secs(10), seen).await?;
    follow.start_kill()?;
    let followed = String::from_utf8(follow.wait_with_output().await?.stdout)?;
    assert!(followed.contains("one speaks") && followed.contains("two speaks"), "{followed}");
    Ok(())
}
