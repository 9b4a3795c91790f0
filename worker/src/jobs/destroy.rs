//! Removes an app that was tombstoned: its traffic, its instances, its images, its files, its rows.
//!
//! The order is outside in, and each step may be repeated; the name is free again at the very end.

use std::time::Duration;

use slipway_core::id::AppId;

use super::Outcome;
use crate::context::{Host, Shared};
use crate::runner::Run;

/// SIGTERM to SIGKILL for instances of an app that is being removed.
const GRACE: Duration = Duration::from_secs(10);

/// Removes everything of the app.
pub async fn perform<H: Host>(
    context: &Shared<H>,
    app_id: &AppId,
    run: &Run,
) -> anyhow::Result<Outcome> {
    context.proxy.set_members(app_id, &[]).await?;
    let instances = context.host.list().await?;
    let own = instances.iter().filter(|observed| observed.app_id == *app_id);
    let stops = own.map(|observed| context.host.stop(&observed.id, GRACE));
    for stopped in futures_util::future::join_all(stops).await {
        stopped?;
    }
    context.host.forget(app_id).await?;
    for release in context.store.releases(app_id, u32::MAX, None).await? {
        if release.image_kept && !context.store.image_is_shared(&release).await? {
            context.host.remove(&release.image).await?;
        }
        if run.stop.is_cancelled() {
            return Ok(Outcome::Later(slipway_core::time::Millis(0)));
        }
    }
    for source in context.store.sources(app_id).await? {
        remove_file(&context.data.source(&source)).await?;
    }
    remove_directory(&context.data.repository(app_id)).await?;
    remove_directory(&context.data.static_files(app_id)).await?;
    context.logs.remove(app_id)?;
    context.store.forget_app(app_id).await?;
    tracing::info!(%app_id, "an app was destroyed");
    Ok(Outcome::Done(None))
}

async fn remove_directory(path: &std::path::Path) -> std::io::Result<()> {
    absent_is_done(tokio::fs::remove_dir_all(path).await)
}

async fn remove_file(path: &std::path::Path) -> std::io::Result<()> {
    absent_is_done(tokio::fs::remove_file(path).await)
}

fn absent_is_done(result: std::io::Result<()>) -> std::io::Result<()> {
    match result {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
