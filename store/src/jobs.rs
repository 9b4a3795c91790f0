//! Durable one-off work: claimed under a lease, fenced, tried at most five times.
//!
//! ```text
//! queued ─claim─▶ running ─▶ done
//!    ▲               │  └──▶ failed
//!    └─retry, postpone, lease freed or run out
//! ```
//!
//! Each claim has a higher fence than the one before. Every write of a job carries its fence, and
//! changes nothing once it is not the newest any more.

mod input;

use serde_json::Value;
use slipway_core::deployment::DeploymentEvent;
use slipway_core::id::{AppId, DeploymentId, Id, JobId};
use slipway_core::reason::{Reason, ReasonCode};
use slipway_core::time::{Millis, Timestamp};
use sqlx::any::{AnyQueryResult, AnyRow};
use sqlx::error::DatabaseError;

pub use self::input::JobKind;
use crate::db::{Columns, Json, Store, WriteTx, json};
use crate::error::StoreError;
use crate::wakes::Topic;
use crate::{clock, mint};

/// How often a job is tried.
pub const MAX_ATTEMPTS: u32 = 5;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    Queued,
    Running,
    Done,
    /// Given up, or its work was called off.
    Failed,
}

/// A claimed job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub id: JobId,
    pub kind: JobKind,
    pub app_id: AppId,
    /// How often it was claimed, this time included.
    pub attempts: u32,
    /// Goes with every write of this claim; a later claim has a higher one.
    pub fence: i64,
}

/// A job as others see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRow {
    pub id: JobId,
    pub kind: JobKind,
    pub app_id: AppId,
    pub state: JobState,
    pub attempts: u32,
    pub result: Option<Value>,
    pub last_error: Option<String>,
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

/// How much there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JobCounts {
    pub queued: u32,
    pub running: u32,
}

impl Store {
    /// Enqueues a job of an app.
    pub async fn enqueue(&self, kind: JobKind, app_id: &AppId) -> Result<JobId, StoreError> {
        let mut tx = self.begin_write().await?;
        let id = insert(&mut tx, &kind, app_id).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Claims the job that waits longest, for `lease`: one that is due, or whose lease ran out. An
    /// app's deployments are carried by one job at a time. Times are the database's.
    ///
    /// A job whose attempts are used up is not claimed: it fails, and its deployment with it.
    pub async fn claim(&self, owner: &str, lease: Millis) -> Result<Option<Job>, StoreError> {
        while let Some((job, last_error)) = self.claim_next(owner, lease).await? {
            if job.attempts <= MAX_ATTEMPTS {
                return Ok(Some(job));
            }
            self.give_up(&job, last_error).await?;
        }
        Ok(None)
    }

    /// How long until a job that was put off can be claimed; `None` when none was. Where the
    /// database's clock differs from this one, it is a guess.
    pub async fn next_job_due(&self) -> Result<Option<Millis>, StoreError> {
        let now = clock::now();
        let row = statement!("jobs/next_due", now.0).fetch_one(self.reader()).await?;
        let due: Option<Timestamp> = row.col("due_at_ms")?;
        Ok(due.map(|due| due.since(now)))
    }

    async fn claim_next(
        &self,
        owner: &str,
        lease: Millis,
    ) -> Result<Option<(Job, Option<String>)>, StoreError> {
        let mut tx = self.begin_write().await?;
        let now = self.database_now(&mut tx).await?;
        let claim = statement_pair!(self.backend(), "jobs/claim", owner, now.0, (now + lease).0);
        let row = match claim.fetch_optional(tx.connection()).await {
            // Two claimers, each skipping what the other had locked, took two deployments of one
            // app. One of them comes too late, and looks again later.
            Err(error)
                if error.as_database_error().is_some_and(DatabaseError::is_unique_violation) =>
            {
                return Ok(None);
            }
            row => row?,
        };
        let Some(row) = row else { return Ok(None) };
        let claimed = (job(&row)?, row.col("last_error")?);
        tx.commit().await?;
        Ok(Some(claimed))
    }

    async fn give_up(&self, job: &Job, last_error: Option<String>) -> Result<(), StoreError> {
        let last_error = last_error.unwrap_or_else(|| "the worker ended while it ran".to_owned());
        let error = format!("given up after {MAX_ATTEMPTS} attempts: {last_error}");
        if let JobKind::Deploy { deployment_id } = &job.kind {
            let reason = Reason::new(ReasonCode::Internal, error.clone());
            match self.advance(deployment_id, DeploymentEvent::Failed { reason }, None).await {
                Ok(_) | Err(StoreError::Illegal(_) | StoreError::DeploymentMissing(_)) => {}
                Err(error) => return Err(error),
            }
        }
        match self.fail(&job.id, job.fence, &error).await {
            Ok(()) | Err(StoreError::LostLease) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Prolongs a lease to `lease` from now.
    ///
    /// # Errors
    /// [`StoreError::LostLease`], here and for the other verbs that take a `fence`.
    pub async fn renew(&self, id: &JobId, fence: i64, lease: Millis) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let until = self.database_now(&mut tx).await? + lease;
        let renew = statement!("jobs/renew", id.as_str(), fence, until.0);
        held(&renew.execute(tx.connection()).await?)?;
        tx.commit().await
    }

    /// Ends a job well.
    pub async fn complete(
        &self,
        id: &JobId,
        fence: i64,
        result: Option<Value>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let result = result.map(|result| result.to_string());
        let complete = statement!("jobs/complete", id.as_str(), fence, result, clock::now().0);
        held(&complete.execute(tx.connection()).await?)?;
        tx.wake(Topic::Jobs);
        tx.commit().await
    }

    /// Lets a job be tried again at `at`.
    pub async fn retry(
        &self,
        id: &JobId,
        fence: i64,
        at: Timestamp,
        error: &str,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let at = self.database_now(&mut tx).await? + at.since(clock::now());
        let retry = statement!("jobs/retry", id.as_str(), fence, error, at.0);
        held(&retry.execute(tx.connection()).await?)?;
        tx.wake(Topic::Jobs);
        tx.commit().await
    }

    /// Puts a job off until `until`; that is no attempt.
    pub async fn postpone(
        &self,
        id: &JobId,
        fence: i64,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let until = self.database_now(&mut tx).await? + until.since(clock::now());
        let postpone = statement!("jobs/postpone", id.as_str(), fence, until.0);
        held(&postpone.execute(tx.connection()).await?)?;
        tx.commit().await
    }

    /// Ends a job badly.
    pub async fn fail(&self, id: &JobId, fence: i64, error: &str) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let fail = statement!("jobs/fail", id.as_str(), fence, error, clock::now().0);
        held(&fail.execute(tx.connection()).await?)?;
        tx.wake(Topic::Jobs);
        tx.commit().await
    }

    pub async fn job(&self, id: &JobId) -> Result<Option<JobRow>, StoreError> {
        let row = statement!("jobs/by_id", id.as_str()).fetch_optional(self.reader()).await?;
        row.as_ref().map(job_row).transpose()
    }

    /// Gives back every lease of `owner`, whose earlier incarnation is known to be gone; how many
    /// those were.
    pub async fn free_leases(&self, owner: &str) -> Result<u64, StoreError> {
        let mut tx = self.begin_write().await?;
        let freed = statement!("jobs/free_leases", owner).execute(tx.connection()).await?;
        tx.wake(Topic::Jobs);
        tx.commit().await?;
        Ok(freed.rows_affected())
    }

    pub async fn job_counts(&self) -> Result<JobCounts, StoreError> {
        let mut counts = JobCounts::default();
        for row in statement!("jobs/counts").fetch_all(self.reader()).await? {
            match row.col::<String>("state")?.as_str() {
                "running" => counts.running = row.col("jobs")?,
                _ => counts.queued = row.col("jobs")?,
            }
        }
        Ok(counts)
    }

    /// Forgets jobs that ended before `before`; how many those were.
    pub async fn delete_finished_before(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut tx = self.begin_write().await?;
        let deleted = statement!("jobs/delete_finished", before.0).execute(tx.connection()).await?;
        tx.commit().await?;
        Ok(deleted.rows_affected())
    }
}

/// Enqueues a job as part of a transaction.
pub(crate) async fn insert(
    tx: &mut WriteTx,
    kind: &JobKind,
    app_id: &AppId,
) -> Result<JobId, StoreError> {
    let id: JobId = mint::id();
    let now = clock::now().0;
    statement!(
        "jobs/insert",
        id.as_str(),
        kind.name(),
        app_id.as_str(),
        kind.deployment_id().map(Id::as_str),
        json(kind),
        // Due at once, whatever the database's clock says.
        0_i64,
        now
    )
    .execute(tx.connection())
    .await?;
    tx.wake(Topic::Jobs);
    Ok(id)
}

/// Ends every job of the app badly, but for the one that destroys it.
pub(crate) async fn call_off(
    tx: &mut WriteTx,
    app_id: &AppId,
    why: &str,
) -> Result<(), StoreError> {
    let call_off = statement!("jobs/call_off", app_id.as_str(), why, clock::now().0);
    call_off.execute(tx.connection()).await?;
    Ok(())
}

/// Takes the job of a deployment for the rest of the transaction, if the lease is still ours.
pub(crate) async fn hold(
    tx: &mut WriteTx,
    deployment_id: &DeploymentId,
    fence: i64,
) -> Result<(), StoreError> {
    let hold = statement!("jobs/hold_of_deployment", deployment_id.as_str(), fence);
    held(&hold.execute(tx.connection()).await?)
}

fn held(written: &AnyQueryResult) -> Result<(), StoreError> {
    if written.rows_affected() == 0 { Err(StoreError::LostLease) } else { Ok(()) }
}

fn job(row: &AnyRow) -> Result<Job, StoreError> {
    Ok(Job {
        id: row.col("id")?,
        kind: row.col::<Json<JobKind>>("input")?.0,
        app_id: row.col("app_id")?,
        attempts: row.col("attempts")?,
        fence: row.col("fence")?,
    })
}

fn job_row(row: &AnyRow) -> Result<JobRow, StoreError> {
    let state = match row.col::<String>("state")?.as_str() {
        "queued" => JobState::Queued,
        "running" => JobState::Running,
        "done" => JobState::Done,
        _ => JobState::Failed,
    };
    Ok(JobRow {
        id: row.col("id")?,
        kind: row.col::<Json<JobKind>>("input")?.0,
        app_id: row.col("app_id")?,
        state,
        attempts: row.col("attempts")?,
        result: row.col::<Option<Json<Value>>>("result")?.map(|result| result.0),
        last_error: row.col("last_error")?,
        created_at: row.col("created_at_ms")?,
        finished_at: row.col("finished_at_ms")?,
    })
}
