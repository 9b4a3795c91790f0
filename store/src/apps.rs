//! Apps, from creation to the finaliser that frees their name.

use std::collections::BTreeMap;

use slipway_core::event::EventKind;
use slipway_core::id::{AppId, Id, ReleaseId};
use slipway_core::name::{AppName, ProcessName};
use slipway_core::release::Source;
use slipway_core::time::Timestamp;
use sqlx::any::AnyRow;

use crate::db::{Columns, Json, Store, WriteTx};
use crate::domains::{self, DomainRow};
use crate::error::StoreError;
use crate::jobs::JobKind;
use crate::wakes::Topic;
use crate::{clock, deployments, jobs, mint};

/// The branch whose pushes deploy, until another one is set.
const DEPLOY_BRANCH: &str = "main";

/// Whether an app is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppState {
    Active,
    /// Tombstoned: a job removes what it left, then its rows.
    Deleting,
}

/// An app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    pub id: AppId,
    pub name: AppName,
    pub state: AppState,
    /// The branch whose pushes deploy.
    pub deploy_branch: String,
    /// The release that traffic is meant to reach.
    pub live_release_id: Option<ReleaseId>,
    pub created_at: Timestamp,
    pub created_by: String,
}

/// The live release of an app, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveRelease {
    pub version: u32,
    /// One line about its code; `None` when it came from nowhere.
    pub source: Option<String>,
    /// When traffic was switched to it.
    pub since: Timestamp,
}

/// An app with what a listing shows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppRow {
    pub app: App,
    pub live: Option<LiveRelease>,
    /// Wanted instances of the live release's processes.
    pub wanted: u32,
    /// Instances that are ready.
    pub ready: u32,
    /// Whether a deployment is queued or under way before its switch.
    pub deploying: bool,
}

/// An active app with its wanted counts and its domains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetEntry {
    pub app: App,
    pub scale: BTreeMap<ProcessName, u32>,
    /// In the order of their names.
    pub domains: Vec<DomainRow>,
}

impl Store {
    /// Creates an app without anything in it.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`], also while an app of that name is being destroyed.
    pub async fn create_app(&self, name: &AppName, by: &str) -> Result<App, StoreError> {
        let app = App {
            id: mint::id(),
            name: name.clone(),
            state: AppState::Active,
            deploy_branch: DEPLOY_BRANCH.to_owned(),
            live_release_id: None,
            created_at: clock::now(),
            created_by: by.to_owned(),
        };
        let mut tx = self.begin_write().await?;
        let inserted = statement!(
            "apps/insert",
            app.id.as_str(),
            name.as_str(),
            &app.deploy_branch,
            app.created_at.0,
            by
        )
        .execute(tx.connection())
        .await?;
        if inserted.rows_affected() == 0 {
            return Err(StoreError::NameTaken(name.clone()));
        }
        tx.tell(&app.id, EventKind::AppCreated { by: by.to_owned() });
        tx.wake(Topic::Instances);
        tx.commit().await?;
        Ok(app)
    }

    /// The active app with this name.
    pub async fn app(&self, name: &AppName) -> Result<Option<App>, StoreError> {
        let row = statement!("apps/active_by_name", name.as_str());
        row.fetch_optional(self.reader()).await?.as_ref().map(app).transpose()
    }

    /// The active app with this id.
    pub async fn app_by_id(&self, id: &AppId) -> Result<Option<App>, StoreError> {
        let row = statement!("apps/active_by_id", id.as_str());
        row.fetch_optional(self.reader()).await?.as_ref().map(app).transpose()
    }

    /// Every app, those being destroyed included, by name.
    pub async fn apps(&self) -> Result<Vec<AppRow>, StoreError> {
        let rows = statement!("apps/list").fetch_all(self.reader()).await?;
        rows.iter().map(app_row).collect()
    }

    /// How many apps there are, those being destroyed included.
    pub async fn app_count(&self) -> Result<u32, StoreError> {
        statement!("apps/count").fetch_one(self.reader()).await?.col("apps")
    }

    /// One app as [`Store::apps`] lists it.
    pub async fn app_row(&self, id: &AppId) -> Result<Option<AppRow>, StoreError> {
        let row = statement!("apps/listed", id.as_str());
        row.fetch_optional(self.reader()).await?.as_ref().map(app_row).transpose()
    }

    /// Every active app with its wanted counts and its domains, in three queries.
    pub async fn fleet(&self) -> Result<Vec<FleetEntry>, StoreError> {
        let mut scales: BTreeMap<AppId, BTreeMap<ProcessName, u32>> = BTreeMap::new();
        for row in statement!("scale/of_active_apps").fetch_all(self.reader()).await? {
            let scale = scales.entry(row.col("app_id")?).or_default();
            scale.insert(row.col("process")?, row.col("wanted")?);
        }
        let mut domains: BTreeMap<AppId, Vec<DomainRow>> = BTreeMap::new();
        for row in statement!("domains/of_active_apps").fetch_all(self.reader()).await? {
            domains.entry(row.col("app_id")?).or_default().push(domains::row(&row)?);
        }
        let rows = statement!("apps/active").fetch_all(self.reader()).await?;
        let entry = |row| {
            let app = app(row)?;
            let scale = scales.remove(&app.id).unwrap_or_default();
            let domains = domains.remove(&app.id).unwrap_or_default();
            Ok(FleetEntry { app, scale, domains })
        };
        rows.iter().map(entry).collect()
    }

    /// Sets the branch whose pushes deploy.
    pub async fn set_deploy_branch(&self, id: &AppId, branch: &str) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let set = statement!("apps/set_deploy_branch", id.as_str(), branch);
        if set.execute(tx.connection()).await?.rows_affected() == 0 {
            return Err(StoreError::AppMissing);
        }
        tx.commit().await
    }

    /// Marks an app as being destroyed: its deployments end, its jobs are called off, and the job
    /// that removes what it left is enqueued. Repeating it changes nothing.
    pub async fn tombstone_app(&self, id: &AppId, by: &str) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        if lock_app(&mut tx, id).await?.state == AppState::Deleting {
            return Ok(());
        }
        deployments::end_all(&mut tx, id, by).await?;
        jobs::call_off(&mut tx, id, "the app is being destroyed").await?;
        statement!("apps/tombstone", id.as_str()).execute(tx.connection()).await?;
        jobs::insert(&mut tx, &JobKind::Destroy { app_id: id.clone() }, id).await?;
        tx.tell(id, EventKind::AppDestroyed { by: by.to_owned() });
        tx.wake(Topic::Instances);
        tx.commit().await
    }

    /// Deletes every row of a tombstoned app; its name is free again. Repeating it is success, and
    /// an active app is left alone.
    pub async fn forget_app(&self, id: &AppId) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        statement!("apps/delete", id.as_str()).execute(tx.connection()).await?;
        tx.wake(Topic::Instances);
        tx.commit().await
    }
}

/// Takes the app's row for the rest of the transaction: whatever is decided by the app's state, and
/// by that of its deployments, is decided one transaction after the other.
pub(crate) async fn lock_app(tx: &mut WriteTx, id: &AppId) -> Result<App, StoreError> {
    let row = statement!("apps/lock", id.as_str()).fetch_optional(tx.connection()).await?;
    row.as_ref().map(app).transpose()?.ok_or(StoreError::AppMissing)
}

fn app(row: &AnyRow) -> Result<App, StoreError> {
    let deleting = row.col::<String>("state")? == "deleting";
    Ok(App {
        id: row.col("id")?,
        name: row.col("name")?,
        state: if deleting { AppState::Deleting } else { AppState::Active },
        deploy_branch: row.col("deploy_branch")?,
        live_release_id: row.col("live_release_id")?,
        created_at: row.col("created_at_ms")?,
        created_by: row.col("created_by")?,
    })
}

fn app_row(row: &AnyRow) -> Result<AppRow, StoreError> {
    let source: Option<Json<Source>> = row.col("live_source")?;
    let live = match (row.col("live_version")?, row.col("live_since_ms")?) {
        (Some(version), Some(since)) => {
            Some(LiveRelease { version, source: source.map(|source| source.0.summary()), since })
        }
        _ => None,
    };
    Ok(AppRow {
        app: app(row)?,
        live,
        wanted: row.col("wanted")?,
        ready: row.col("ready")?,
        deploying: row.col("deploying")?,
    })
}
