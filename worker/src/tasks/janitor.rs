//! Clears away what nobody needs any more: images, static files, sources, old rows.
//!
//! Images go one at a time and by id, only ours, and only after the store confirmed in the same
//! breath that no kept release uses them. There is no blanket prune anywhere.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use slipway_core::id::{AppId, ReleaseId};
use slipway_core::release::Release;
use slipway_core::retention;
use slipway_core::time::Millis;
use slipway_store::{clock, idempotency};
use tokio_util::sync::CancellationToken;

use crate::context::{Host, Shared};
use crate::rounds::Task;
use crate::static_files;

/// How often it goes round.
const ROUND: Duration = Duration::from_mins(5);
/// How long rows of what has ended are kept.
const KEPT_ROWS: Millis = Millis::from_secs(7 * 24 * 3_600);
/// How many events are kept.
const KEPT_EVENTS: u32 = 100_000;
/// How long it is kept that an alert fired, and who was told.
const KEPT_FIRINGS: Millis = Millis::from_secs(90 * 24 * 3_600);
/// How long scratch files are kept: far longer than any build or upload takes.
const KEPT_SCRATCH: Duration = Duration::from_hours(24);
/// How long steps stay in the build cache that no build uses.
const KEPT_CACHE: Duration = Duration::from_hours(7 * 24);
/// How long a source archive is kept that no deployment refers to.
const KEPT_SOURCES: Millis = Millis::from_secs(3_600);

/// Goes round until told to stop; the first round comes after a pause, when the boot is over, or at
/// once when the disk fills up.
pub async fn run<H: Host>(context: Shared<H>, stop: CancellationToken) {
    let mut pressed = false;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(ROUND) => {}
            () = context.store.became_read_only(), if !pressed => {}
        }
        // One round for each time that the disk is full, and then the usual pace.
        pressed = context.store.is_read_only();
        if let Err(error) = context.rounds.watch(Task::Janitor, round(&context)).await {
            tracing::warn!(error = format!("{error:#}"), "could not clear away");
        }
    }
}

async fn round<H: Host>(context: &Shared<H>) -> anyhow::Result<()> {
    for wish in context.store.fleet().await? {
        let app = &wish.app;
        if let Err(error) = clear_images(context, &app.id, app.live_release_id.as_ref()).await {
            // One app's images keep nothing else from being cleared away.
            tracing::warn!(app = %app.name, error = format!("{error:#}"), "could not remove an image");
        }
    }
    let before = clock::now() - KEPT_ROWS;
    context.store.delete_stopped_before(before).await?;
    context.store.delete_finished_before(before).await?;
    context.store.delete_sessions_before(before).await?;
    context.store.delete_idempotency_before(clock::now() - idempotency::KEPT).await?;
    context.store.prune_events(KEPT_EVENTS).await?;
    context.store.prune_alerts(clock::now() - KEPT_FIRINGS).await?;
    context.store.prune_samples(clock::now()).await?;
    for source in context.store.unreferenced_sources(clock::now() - KEPT_SOURCES).await? {
        absent_is_done(tokio::fs::remove_file(context.data.source(&source)).await)?;
        context.store.delete_source(&source).await?;
    }
    clear_scratch(context.data.scratch()).await?;
    context.host.trim_cache(KEPT_CACHE).await?;
    Ok(())
}

/// Removes what interrupted builds and uploads left in the scratch directory.
async fn clear_scratch(scratch: PathBuf) -> io::Result<()> {
    let mut entries = tokio::fs::read_dir(scratch).await?;
    while let Some(entry) = entries.next_entry().await? {
        let metadata = entry.metadata().await?;
        // A file of the future has the age of nothing, and stays until the clock has caught up.
        let age = metadata.modified()?.elapsed().unwrap_or_default();
        if age < KEPT_SCRATCH {
            continue;
        }
        let removed = if metadata.is_dir() {
            tokio::fs::remove_dir_all(entry.path()).await
        } else {
            tokio::fs::remove_file(entry.path()).await
        };
        absent_is_done(removed)?;
    }
    Ok(())
}

fn absent_is_done(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

async fn clear_images<H: Host>(
    context: &Shared<H>,
    app_id: &AppId,
    live: Option<&ReleaseId>,
) -> anyhow::Result<()> {
    let releases = context.store.releases(app_id, u32::MAX, None).await?;
    let mut needed: Vec<ReleaseId> = live.cloned().into_iter().collect();
    needed.extend(context.store.instances(app_id).await?.into_iter().map(|row| row.release_id));
    if let Some(active) = context.store.active_deployment(app_id).await? {
        needed.extend([active.release_id, active.previous_release_id].into_iter().flatten());
        needed.extend(active.target_release_id);
    }
    // One that is still in use keeps none of the others.
    let mut outcome = Ok(());
    for release in retention::removable(&releases, &needed, clock::now()) {
        outcome = outcome.and(clear_image(context, release).await);
    }
    outcome
}

async fn clear_image<H: Host>(context: &Shared<H>, release: &Release) -> anyhow::Result<()> {
    if !context.store.mark_image_removed(&release.id).await? {
        return Ok(());
    }
    tracing::info!(app_id = %release.app_id, version = release.version, "removing an image that is past its keeping");
    if let Err(error) = context.host.remove(&release.image).await {
        // A command may still run from it; the next round finds it again.
        context.store.unmark_image_removed(release).await?;
        return Err(error.into());
    }
    let root = context.data.static_files(&release.app_id);
    let files = static_files::directory(&root, &release.image);
    Ok(absent_is_done(tokio::fs::remove_dir_all(files).await)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn scratch_files_of_a_build_under_way_stay() {
        let scratch = tempfile::tempdir().unwrap();
        let path = |name: &str| scratch.path().join(name);
        std::fs::write(path("fresh"), "").unwrap();
        let old = std::fs::File::create(path("old")).unwrap();
        let then = old.metadata().unwrap().modified().unwrap() - Duration::from_hours(25);
        old.set_modified(then).unwrap();
        clear_scratch(scratch.path().to_owned()).await.unwrap();
        assert!(path("fresh").exists() && !path("old").exists());
    }
}
