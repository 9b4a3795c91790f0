//! A release's rows.

use slipway_core::id::Id;
use slipway_core::release::{ImageRef, Release};
use sqlx::any::AnyRow;

use crate::config::SealedConfig;
use crate::db::{Columns, Json, WriteTx, json};
use crate::error::StoreError;

/// Writes a release, its processes, and a wanted count for those the app did not have before.
pub(super) async fn insert(
    tx: &mut WriteTx,
    release: &Release,
    sealed_config: &SealedConfig,
) -> Result<(), StoreError> {
    let archive = release.source.as_ref().and_then(|source| source.archive());
    statement!(
        "releases/insert",
        release.id.as_str(),
        release.app_id.as_str(),
        i64::from(release.version),
        &release.image.repository,
        &release.image.digest,
        &release.content,
        json(&release.formation),
        json(sealed_config),
        release.source.as_ref().map(json),
        archive.map(Id::as_str),
        &release.description,
        release.deployment_id.as_str(),
        release.copy_of.map(i64::from),
        &release.created_by,
        release.created_at.0
    )
    .execute(tx.connection())
    .await?;
    for process in release.formation.processes.keys() {
        statement!("releases/insert_process", release.id.as_str(), process.as_str())
            .execute(tx.connection())
            .await?;
        statement!("scale/insert_if_absent", release.app_id.as_str(), process.as_str())
            .execute(tx.connection())
            .await?;
    }
    Ok(())
}

/// Reads a release.
pub(super) fn release(row: &AnyRow) -> Result<Release, StoreError> {
    Ok(Release {
        id: row.col("id")?,
        app_id: row.col("app_id")?,
        version: row.col("version")?,
        image: ImageRef {
            repository: row.col("image_repository")?,
            digest: row.col("image_digest")?,
        },
        content: row.col("content")?,
        formation: row.col::<Json<_>>("formation")?.0,
        source: row.col::<Option<Json<_>>>("source")?.map(|source| source.0),
        description: row.col("description")?,
        deployment_id: row.col("deployment_id")?,
        copy_of: row.col("copy_of")?,
        created_by: row.col("created_by")?,
        created_at: row.col("created_at_ms")?,
        stable_at: row.col("stable_at_ms")?,
        pinned: row.col("pinned")?,
        image_kept: row.col("image_kept")?,
    })
}
