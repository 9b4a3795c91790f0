//! The apps' own domains: each one app's, told to its instances and to the proxy.

use slipway_core::deployment::{Deployment, DeploymentKind};
use slipway_core::domain::{Domain, environment};
use slipway_core::event::EventKind;
use slipway_core::id::{AppId, Id};
use slipway_core::name::ConfigKey;
use slipway_core::time::Timestamp;
use sqlx::any::AnyRow;

use crate::apps::{App, AppState, lock_app};
use crate::clock;
use crate::db::{Columns, Store, WriteTx};
use crate::deployments::{self, NewDeployment};
use crate::error::StoreError;
use crate::wakes::Topic;

/// Most domains of one app.
pub const MAX_DOMAINS: usize = 50;

/// A domain to be added. That it is not reserved is for the caller to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDomain {
    pub app_id: AppId,
    pub domain: Domain,
    pub by: String,
    /// Where the lines of a deployment that carries it will begin in the app's log.
    pub log_start: u64,
}

/// A domain of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainRow {
    pub domain: Domain,
    pub added_at: Timestamp,
    pub added_by: String,
}

/// What adding a domain made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainOutcome {
    pub row: DomainRow,
    /// The deployment that tells the instances; `None` when there is nobody to tell.
    pub deployment: Option<Deployment>,
}

impl Store {
    /// Gives a domain to an app, and accepts the deployment that replaces instances which have to
    /// be told. A domain that the app has already stays as it is.
    ///
    /// # Errors
    /// [`StoreError::DomainTaken`] when it is another app's, also of one that is being destroyed;
    /// [`StoreError::TooManyDomains`], [`StoreError::AppDeleting`].
    pub async fn add_domain(&self, new: NewDomain) -> Result<DomainOutcome, StoreError> {
        let mut tx = self.begin_write().await?;
        let app = lock_app(&mut tx, &new.app_id).await?;
        if app.state == AppState::Deleting {
            return Err(StoreError::AppDeleting);
        }
        let rows = statement!("domains/of_app", app.id.as_str()).fetch_all(tx.connection()).await?;
        let mut there = rows.iter().map(row).collect::<Result<Vec<_>, _>>()?;
        if let Some(at) = there.iter().position(|row| row.domain == new.domain) {
            return Ok(DomainOutcome { row: there.swap_remove(at), deployment: None });
        }
        if there.len() >= MAX_DOMAINS {
            return Err(StoreError::TooManyDomains);
        }
        let now = clock::now();
        let inserted =
            statement!("domains/insert", new.domain.as_str(), app.id.as_str(), now.0, &new.by)
                .execute(tx.connection())
                .await?;
        if inserted.rows_affected() == 0 {
            return Err(StoreError::DomainTaken(new.domain));
        }
        let added = EventKind::DomainAdded { domain: new.domain.clone(), by: new.by.clone() };
        tx.tell(&app.id, added);
        tx.wake(Topic::Instances);
        let deployment = carry(&mut tx, &app, &new).await?;
        tx.commit().await?;
        let row = DomainRow { domain: new.domain, added_at: now, added_by: new.by };
        Ok(DomainOutcome { row, deployment })
    }

    /// Takes a domain from an app; whether it had it. Its instances are not told before they are
    /// replaced: a name that nobody asks for any more does no harm.
    pub async fn remove_domain(
        &self,
        app_id: &AppId,
        domain: &Domain,
        by: &str,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin_write().await?;
        lock_app(&mut tx, app_id).await?;
        let deleted = statement!("domains/delete", app_id.as_str(), domain.as_str());
        if deleted.execute(tx.connection()).await?.rows_affected() == 0 {
            return Ok(false);
        }
        tx.tell(app_id, EventKind::DomainRemoved { domain: domain.clone(), by: by.to_owned() });
        tx.wake(Topic::Instances);
        tx.commit().await?;
        Ok(true)
    }

    /// An app's domains, in the order of their names.
    pub async fn domains(&self, app_id: &AppId) -> Result<Vec<DomainRow>, StoreError> {
        let rows = statement!("domains/of_app", app_id.as_str()).fetch_all(self.reader()).await?;
        rows.iter().map(row).collect()
    }
}

/// Accepts the deployment that tells instances of a new domain. They know their names from their
/// environment, which is made when they start; so without instances there is nobody to tell, and
/// neither is there when the app keeps those lists itself. It is a change of configuration, so that
/// it loses no other one whose place it takes in the queue.
async fn carry(
    tx: &mut WriteTx,
    app: &App,
    new: &NewDomain,
) -> Result<Option<Deployment>, StoreError> {
    let id = app.id.as_str();
    let rows = statement!("config/of_app", id).fetch_all(tx.connection()).await?;
    let keys: Vec<ConfigKey> = rows.iter().map(|row| row.col("key")).collect::<Result<_, _>>()?;
    let instances = statement!("instances/of_app", id).fetch_all(tx.connection()).await?;
    if instances.is_empty() || !environment::lists_names(&keys) {
        return Ok(None);
    }
    let change = NewDeployment {
        app_id: app.id.clone(),
        kind: DeploymentKind::Config,
        source: None,
        description: format!("add {}", new.domain),
        by: new.by.clone(),
        log_start: new.log_start,
        target_release: None,
    };
    deployments::accept(tx, app, change).await.map(Some)
}

pub(crate) fn row(row: &AnyRow) -> Result<DomainRow, StoreError> {
    Ok(DomainRow {
        domain: row.col("domain")?,
        added_at: row.col("added_at_ms")?,
        added_by: row.col("added_by")?,
    })
}
