//! Stops a whole installation: the server, its apps, its proxy.

use std::collections::BTreeSet;
use std::io::Write;
use std::time::Duration;

use futures_util::StreamExt;
use rustix::process::{Pid, Signal, kill_process};
use slipway_core::id::InstanceId;
use slipway_worker::engine::docker::Docker;
use slipway_worker::engine::{Engine, EngineError};
use slipway_worker::proxy::Proxy;
use tokio::time::Instant;

use crate::config::Down;
use crate::daemon::Foundation;
use crate::host;

/// How long the server may take to come to a safe point.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long nothing may get less: what is left of a killed server's last requests takes a while to
/// appear and go, and so does a daemon that is busy with hundreds of containers.
const LEFTOVERS: Duration = Duration::from_secs(20);
/// Instances that are stopped at the same time: more of them only wait for each other in the daemon,
/// longer than it may take to answer.
const AT_ONCE: usize = 8;
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
    let mut stopped = BTreeSet::new();
    let mut deadline = Instant::now() + LEFTOVERS;
    loop {
        let before = stopped.len();
        match stop_what_is_there(docker, &mut stopped).await {
            Ok(()) => return Ok(stopped.len()),
            Err(_) if stopped.len() > before => deadline = Instant::now() + LEFTOVERS,
            Err(error) if Instant::now() >= deadline => return Err(error.into()),
            Err(_) => {}
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// One pass; an instance that did not stop does not keep the others.
async fn stop_what_is_there(
    docker: &Docker,
    stopped: &mut BTreeSet<InstanceId>,
) -> Result<(), EngineError> {
    let instances = docker.list().await?;
    let stops = instances.into_iter().map(|observed| async move {
        docker.stop(&observed.id, GRACE).await.map(|()| observed.id)
    });
    let mut stops = futures_util::stream::iter(stops).buffer_unordered(AT_ONCE);
    let mut failed = None;
    while let Some(outcome) = stops.next().await {
        match outcome {
            Ok(id) => drop(stopped.insert(id)),
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        Some(error) => Err(error),
        None => docker.remove_apps().await,
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
    let deadline = Instant::now() + PATIENCE;
    // The lock, not the pid: a process that nobody has buried yet still has one.
    while foundation.data.lock().is_err() {
        if Instant::now() >= deadline {
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
