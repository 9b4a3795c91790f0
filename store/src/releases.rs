//! Releases: written once, and from then on only marked.

mod content;
mod row;

use std::collections::BTreeMap;

use slipway_core::id::{AppId, DeploymentId, Id, ReleaseId};
use slipway_core::process::Formation;
use slipway_core::release::{ImageRef, Release, Source};

use crate::apps::lock_app;
use crate::config::SealedConfig;
use crate::db::{Columns, Store, WriteTx};
use crate::error::StoreError;
use crate::{clock, jobs, mint};

/// What a release is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRelease {
    pub image: ImageRef,
    pub formation: Formation,
    pub description: String,
    pub source: Option<Source>,
    /// The release this one copies.
    pub copy_of: Option<u32>,
    pub sealed_config: SealedConfig,
}

impl Store {
    /// Makes the release of a deployment, with the app's next number. A deployment has one release:
    /// asking again returns it. Processes that are new to the app get a wanted count of 1.
    ///
    /// # Errors
    /// [`StoreError::LostLease`] when `fence` is not that of the deployment's job, and
    /// [`StoreError::Stale`] when the deployment has ended.
    pub async fn create_release(
        &self,
        deployment_id: &DeploymentId,
        fence: i64,
        new: NewRelease,
    ) -> Result<Release, StoreError> {
        let missing = || StoreError::DeploymentMissing(deployment_id.clone());
        let app_id = self.deployment(deployment_id).await?.ok_or_else(missing)?.app_id;
        let mut tx = self.begin_write().await?;
        lock_app(&mut tx, &app_id).await?;
        jobs::hold(&mut tx, deployment_id, fence).await?;
        let deployment =
            crate::deployments::load(&mut tx, deployment_id).await?.ok_or_else(missing)?;
        if let Some(id) = &deployment.release_id {
            return load(&mut tx, id).await?.ok_or_else(|| StoreError::ReleaseMissing(id.clone()));
        }
        if !deployment.state.is_active() {
            return Err(StoreError::Stale);
        }
        let next = statement!("apps/next_version", app_id.as_str());
        let version = next.fetch_one(tx.connection()).await?.col("last_version")?;
        let release = Release {
            id: mint::id(),
            app_id,
            version,
            content: content::digest(&new),
            image: new.image,
            formation: new.formation,
            source: new.source,
            description: new.description,
            deployment_id: deployment_id.clone(),
            copy_of: new.copy_of,
            created_by: deployment.created_by,
            created_at: clock::now(),
            stable_at: None,
            pinned: false,
            image_kept: true,
        };
        row::insert(&mut tx, &release, &new.sealed_config).await?;
        statement!("deployments/set_release", deployment_id.as_str(), release.id.as_str())
            .execute(tx.connection())
            .await?;
        tx.commit().await?;
        Ok(release)
    }

    pub async fn release(&self, id: &ReleaseId) -> Result<Option<Release>, StoreError> {
        let row = statement!("releases/by_id", id.as_str());
        row.fetch_optional(self.reader()).await?.as_ref().map(row::release).transpose()
    }

    pub async fn release_by_version(
        &self,
        app_id: &AppId,
        version: u32,
    ) -> Result<Option<Release>, StoreError> {
        let row = statement!("releases/by_version", app_id.as_str(), i64::from(version));
        row.fetch_optional(self.reader()).await?.as_ref().map(row::release).transpose()
    }

    /// Releases of an app, newest first, from below `before`.
    pub async fn releases(
        &self,
        app_id: &AppId,
        limit: u32,
        before: Option<u32>,
    ) -> Result<Vec<Release>, StoreError> {
        let before = before.map_or(i64::MAX, i64::from);
        let rows = statement!("releases/of_app", app_id.as_str(), before, i64::from(limit));
        rows.fetch_all(self.reader()).await?.iter().map(row::release).collect()
    }

    /// The numbers of an app's releases.
    pub async fn release_versions(
        &self,
        app_id: &AppId,
    ) -> Result<BTreeMap<ReleaseId, u32>, StoreError> {
        let rows =
            statement!("releases/versions", app_id.as_str()).fetch_all(self.reader()).await?;
        rows.iter().map(|row| Ok((row.col("id")?, row.col("version")?))).collect()
    }

    /// The release that traffic is meant to reach.
    pub async fn live_release(&self, app_id: &AppId) -> Result<Option<Release>, StoreError> {
        let row = statement!("releases/live", app_id.as_str());
        row.fetch_optional(self.reader()).await?.as_ref().map(row::release).transpose()
    }

    /// Where a rollback without a number goes: the newest stable release below the live one that
    /// runs something else and whose image is kept.
    pub async fn rollback_target(&self, app_id: &AppId) -> Result<Option<Release>, StoreError> {
        let row = statement!("releases/rollback_target", app_id.as_str());
        row.fetch_optional(self.reader()).await?.as_ref().map(row::release).transpose()
    }

    /// Pins or unpins a release's image.
    pub async fn set_pinned(&self, id: &ReleaseId, pinned: bool) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let set = statement!("releases/set_pinned", id.as_str(), i64::from(pinned));
        if set.execute(tx.connection()).await?.rows_affected() == 0 {
            return Err(StoreError::ReleaseMissing(id.clone()));
        }
        tx.commit().await
    }

    /// Notes that an image goes, for every release of the app that has it, unless something still
    /// needs it. Whether the image may be removed now: nobody at all uses it any more.
    pub async fn mark_image_removed(&self, id: &ReleaseId) -> Result<bool, StoreError> {
        let missing = || StoreError::ReleaseMissing(id.clone());
        let app_id = self.release(id).await?.ok_or_else(missing)?.app_id;
        let mut tx = self.begin_write().await?;
        // A deployment that might pick the image up has to wait until we have decided.
        lock_app(&mut tx, &app_id).await?;
        let release = load(&mut tx, id).await?.ok_or_else(missing)?;
        let digest = release.image.digest.as_str();
        let uses: i64 = statement!("releases/image_in_use", digest)
            .fetch_one(tx.connection())
            .await?
            .col("uses")?;
        if uses > 0 || !release.image_kept {
            return Ok(false);
        }
        statement!("releases/mark_image_removed", app_id.as_str(), digest)
            .execute(tx.connection())
            .await?;
        tx.commit().await?;
        Ok(!self.image_is_shared(&release).await?)
    }

    /// Takes [`mark_image_removed`](Self::mark_image_removed) back: the image is still there.
    pub async fn unmark_image_removed(&self, release: &Release) -> Result<(), StoreError> {
        let (app_id, digest) = (release.app_id.as_str(), release.image.digest.as_str());
        let mut tx = self.begin_write().await?;
        statement!("releases/unmark_image_removed", app_id, digest)
            .execute(tx.connection())
            .await?;
        tx.commit().await
    }

    /// Whether a release of another app keeps the same image.
    pub async fn image_is_shared(&self, release: &Release) -> Result<bool, StoreError> {
        let (digest, app_id) = (release.image.digest.as_str(), release.app_id.as_str());
        let others = statement!("releases/image_kept_by_others", digest, app_id);
        let keepers: i64 = others.fetch_one(self.reader()).await?.col("keepers")?;
        Ok(keepers > 0)
    }
}

/// A release, as part of a transaction.
pub(crate) async fn load(tx: &mut WriteTx, id: &ReleaseId) -> Result<Option<Release>, StoreError> {
    let row = statement!("releases/by_id", id.as_str());
    row.fetch_optional(tx.connection()).await?.as_ref().map(row::release).transpose()
}
