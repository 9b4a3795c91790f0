//! Says how the worker's parts are, for whoever asks the API.

use std::time::Duration;

use slipway_store::Space;
use tokio_util::sync::CancellationToken;

use crate::context::{Host, Shared};

/// How often the parts are looked at.
const POLL: Duration = Duration::from_secs(5);
/// How long a part may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// Free space below which the disk counts as unwell.
const LOW_DISK_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// Looks at every part until told to stop.
pub async fn run<H: Host>(context: Shared<H>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        report(&context).await;
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }
}

async fn report<H: Host>(context: &Shared<H>) {
    let (engine, proxy) = tokio::join!(
        tokio::time::timeout(PATIENCE, context.host.describe()),
        tokio::time::timeout(PATIENCE, context.proxy.traffic()),
    );
    let engine = match engine {
        Ok(Ok(sentence)) => (true, sentence),
        Ok(Err(error)) => (false, error.to_string()),
        Err(_) => (false, "Docker does not answer".to_owned()),
    };
    let proxy = match proxy {
        Ok(Ok(_)) => (true, "nginx answers".to_owned()),
        Ok(Err(error)) => (false, error.to_string()),
        Err(_) => (false, "nginx does not answer".to_owned()),
    };
    let disk = disk(context);
    let worker = &context.settings.worker;
    let parts = [
        ("docker", engine.0, engine.1),
        ("proxy", proxy.0, proxy.1),
        ("disk", disk.0, disk.1),
        ("worker", true, format!("worker {worker} runs")),
    ];
    if let Err(error) = context.store.set_statuses(&parts, worker, &context.rounds.all()).await {
        tracing::warn!(%error, "could not write the parts' statuses down");
    }
}

fn disk<H: Host>(context: &Shared<H>) -> (bool, String) {
    match Space::of(context.data.root()) {
        Ok(space) if context.store.is_read_only() => {
            (false, format!("full: {} free; changes are refused until there is room", free(space)))
        }
        Ok(space) => {
            let sentence = format!("{} free", free(space));
            (space.free_bytes >= LOW_DISK_BYTES, sentence)
        }
        Err(error) => (false, format!("cannot be read: {error}")),
    }
}

/// `3 GiB of 40 GiB`, in whole units that are not zero on a small or a nearly full disk.
fn free(space: Space) -> String {
    const MIB: u64 = 1024 * 1024;
    let size = |bytes: u64| match bytes / (1024 * MIB) {
        0 => format!("{} MiB", bytes / MIB),
        gib => format!("{gib} GiB"),
    };
    format!("{} of {}", size(space.free_bytes), size(space.total_bytes))
}
