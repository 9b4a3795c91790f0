//! Stops a whole installation: the server, its apps, its proxy.

use std::io::Write;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use slipway_worker::engine::Engine;
use slipway_worker::engine::docker::Docker;
use slipway_worker::proxy::Proxy;

use crate::config::Down;
use crate::daemon::Foundation;
use crate::host;

/// How long the server may take to come to a safe point.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long what is left of a killed server's last requests may take to appear and go.
const LEFTOVERS: Duration = Duration::from_secs(20);
/// Time between two looks for leftovers.
const AGAIN: Duration = Duration::from_millis(250);
/// SIGTERM to SIGKILL for the apps.
const GRACE: Duration = Duration::from_secs(5);

/// Stops everything of the installation; running it again is harmless.
///
/// # Errors
/// When a part cannot be stopped; the others are.
pub async fn run(down: &Down) -> anyhow::Result<()> {
    if !down.server.data.exists() {
        say("nothing runs: there is no data directory")?;
        return Ok(());
    }
    let foundation = Foundation::open(&down.server).await?;
    stop_server(&foundation).await?;
    let proxy = Proxy::open(host::proxy_settings(&foundation))?;
    proxy.shutdown().await?;
    say("the proxy is stopped")?;
    let docker = Docker::connect(host::docker_settings(&foundation)).await?;
    let stopped = stop_apps(&docker).await?;
    say(&format!("{stopped} instances are stopped"))?;
    if down.purge {
        docker.remove_images().await?;
        say("the images are removed")?;
    }
    docker.shutdown().await;
    Ok(())
}

/// Stops every instance and removes the apps' networks; returns how many instances there were.
/// Looks again until nothing is left: Docker may still be carrying out what the server last asked.
async fn stop_apps(docker: &Docker) -> anyhow::Result<usize> {
    let deadline = tokio::time::Instant::now() + LEFTOVERS;
    let mut stopped = 0;
    loop {
        let instances = docker.list().await?;
        stopped += instances.len();
        let stops = instances.iter().map(|observed| docker.stop(&observed.id, GRACE));
        let outcomes = futures_util::future::join_all(stops).await;
        let removed = match outcomes.into_iter().collect::<Result<Vec<()>, _>>() {
            Ok(_) => docker.remove_apps().await,
            Err(error) => Err(error),
        };
        match removed {
            Ok(()) => return Ok(stopped),
            Err(error) if tokio::time::Instant::now() >= deadline => return Err(error.into()),
            Err(_) => tokio::time::sleep(AGAIN).await,
        }
    }
}

async fn stop_server(foundation: &Foundation) -> anyhow::Result<()> {
    let file = foundation.data.pid_file();
    let recorded = std::fs::read_to_string(&file).ok();
    let pid = recorded.and_then(|text| text.trim().parse().ok()).and_then(Pid::from_raw);
    // Whoever holds the lock is the server; a pid alone may be somebody else's by now.
    let (Some(pid), Err(_)) = (pid, foundation.data.lock()) else {
        say("the server does not run")?;
        return Ok(());
    };
    kill_process(pid, Signal::TERM)?;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    // The lock, not the pid: a process that nobody has buried yet still has one.
    while foundation.data.lock().is_err() {
        if tokio::time::Instant::now() >= deadline {
            kill_process(pid, Signal::KILL)?;
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    say("the server is stopped")?;
    Ok(())
}

fn say(text: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{text}")
}
