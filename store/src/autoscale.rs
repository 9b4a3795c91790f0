//! How processes are scaled by themselves: settings, decisions, and the counts that follow.
//!
//! The autoscaler changes the same counts that people do, and only from the count it decided upon: a
//! change by hand in between wins, and the next decision starts from it.

use std::collections::BTreeMap;

use slipway_core::autoscale::{AutoscaleSettings, Decision};
use slipway_core::event::EventKind;
use slipway_core::id::{AppId, Id};
use slipway_core::name::ProcessName;
use slipway_core::time::Timestamp;
use sqlx::any::AnyRow;

use crate::apps::{AppState, lock_app};
use crate::clock;
use crate::db::{Columns, Json, Store, WriteTx, json};
use crate::error::StoreError;
use crate::scale::counts_of;
use crate::wakes::Topic;

/// Decisions that are kept of each app.
pub const KEPT_DECISIONS: u32 = 500;
/// Who changes counts, in events.
const AUTOSCALER: &str = "autoscaler";

/// One process that scales by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Autoscaled {
    pub app_id: AppId,
    pub process: ProcessName,
    pub settings: AutoscaleSettings,
    /// Whether the count was set to 0 by hand.
    pub paused: bool,
    /// The newest decision, with when it was made.
    pub present: Option<(Timestamp, Decision)>,
}

/// A decision that is kept: it changed a count, or says what keeps it where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    pub process: ProcessName,
    pub at: Timestamp,
    pub decision: Decision,
}

impl Store {
    /// Every process of active apps that scales by itself.
    pub async fn all_autoscaled(&self) -> Result<Vec<Autoscaled>, StoreError> {
        let rows = statement!("autoscale/all").fetch_all(self.reader()).await?;
        rows.iter().map(autoscaled).collect()
    }

    /// The processes of one app that do.
    pub async fn autoscaled(&self, app_id: &AppId) -> Result<Vec<Autoscaled>, StoreError> {
        let rows = statement!("autoscale/of_app", app_id.as_str());
        rows.fetch_all(self.reader()).await?.iter().map(autoscaled).collect()
    }

    /// Lets a process scale by itself. One whose count is 0 stays paused until that is more.
    ///
    /// # Errors
    /// [`StoreError::UnknownProcess`].
    pub async fn set_autoscale(
        &self,
        app_id: &AppId,
        process: &ProcessName,
        settings: &AutoscaleSettings,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        if lock_app(&mut tx, app_id).await?.state == AppState::Deleting {
            return Err(StoreError::AppDeleting);
        }
        let rows = statement!("scale/of_app", app_id.as_str()).fetch_all(tx.connection()).await?;
        let counts = counts_of(&rows)?;
        let Some(count) = counts.get(process) else {
            let known = counts.into_keys().collect();
            return Err(StoreError::UnknownProcess { process: process.clone(), known });
        };
        // What sleeps already goes on sleeping; what was stopped by hand goes on being stopped.
        let before = settings_in(&mut tx, app_id).await?.remove(process);
        let paused = *count == 0 && before.is_none_or(|(_, paused)| paused);
        let (id, name, now) = (app_id.as_str(), process.as_str(), clock::now().0);
        statement!("autoscale/set", id, name, json(settings), i64::from(paused), now)
            .execute(tx.connection())
            .await?;
        tx.wake(Topic::Instances);
        tx.commit().await
    }

    /// Leaves a process at the count it has; whether it scaled by itself before.
    pub async fn unset_autoscale(
        &self,
        app_id: &AppId,
        process: &ProcessName,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin_write().await?;
        let unset = statement!("autoscale/unset", app_id.as_str(), process.as_str())
            .execute(tx.connection())
            .await?;
        tx.wake(Topic::Instances);
        tx.commit().await?;
        Ok(unset.rows_affected() > 0)
    }

    /// Carries a decision out: the count goes from `from` to the decision's, and the decision is
    /// kept. One that asks for `from` only explains.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the count is no longer `from`, or the process no longer scales by
    /// itself. Nothing is changed then.
    pub async fn carry_out(
        &self,
        app_id: &AppId,
        process: &ProcessName,
        from: u32,
        decision: &Decision,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        lock_app(&mut tx, app_id).await?;
        let settings = settings_in(&mut tx, app_id).await?;
        if settings.get(process).is_none_or(|(_, paused)| *paused && decision.count != from) {
            return Err(StoreError::Stale);
        }
        if decision.count != from {
            step(&mut tx, app_id, process, from, decision).await?;
        }
        keep(&mut tx, app_id, process, decision).await?;
        present(&mut tx, app_id, process, decision).await?;
        tx.commit().await
    }

    /// Says how a process is now, without keeping it.
    pub async fn explain(
        &self,
        app_id: &AppId,
        process: &ProcessName,
        decision: &Decision,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        present(&mut tx, app_id, process, decision).await?;
        tx.commit().await
    }

    /// The app's decisions, newest first.
    pub async fn decisions(&self, app_id: &AppId, limit: u32) -> Result<Vec<Decided>, StoreError> {
        let rows = statement!("autoscale/decisions", app_id.as_str(), i64::from(limit));
        let decided = |row: &AnyRow| {
            Ok(Decided {
                process: row.col("process")?,
                at: row.col("at_ms")?,
                decision: row.col::<Json<_>>("decision")?.0,
            })
        };
        rows.fetch_all(self.reader()).await?.iter().map(decided).collect()
    }
}

/// The settings of every process of an app, with whether each is paused.
pub(crate) async fn settings_in(
    tx: &mut WriteTx,
    app_id: &AppId,
) -> Result<BTreeMap<ProcessName, (AutoscaleSettings, bool)>, StoreError> {
    let rows = statement!("autoscale/of_app", app_id.as_str()).fetch_all(tx.connection()).await?;
    let read = |row: &AnyRow| autoscaled(row).map(|one| (one.process, (one.settings, one.paused)));
    rows.iter().map(read).collect()
}

/// Notes whether a count was set to 0 by hand.
pub(crate) async fn set_paused(
    tx: &mut WriteTx,
    app_id: &AppId,
    process: &ProcessName,
    paused: bool,
) -> Result<(), StoreError> {
    statement!("autoscale/set_paused", app_id.as_str(), process.as_str(), i64::from(paused))
        .execute(tx.connection())
        .await?;
    Ok(())
}

async fn step(
    tx: &mut WriteTx,
    app_id: &AppId,
    process: &ProcessName,
    from: u32,
    decision: &Decision,
) -> Result<(), StoreError> {
    let (id, name, to) = (app_id.as_str(), process.as_str(), decision.count);
    let stepped = statement!("scale/step", id, name, i64::from(from), i64::from(to))
        .execute(tx.connection())
        .await?;
    if stepped.rows_affected() == 0 {
        return Err(StoreError::Stale);
    }
    let (process, by) = (process.to_string(), AUTOSCALER.to_owned());
    let reason = Some(decision.sentence.clone());
    tx.tell(app_id, EventKind::Scaled { process, from, to, by, reason });
    tx.wake(Topic::Instances);
    Ok(())
}

async fn keep(
    tx: &mut WriteTx,
    app_id: &AppId,
    process: &ProcessName,
    decision: &Decision,
) -> Result<(), StoreError> {
    let id = app_id.as_str();
    let last: i64 =
        statement!("autoscale/last_number", id).fetch_one(tx.connection()).await?.col("number")?;
    let (number, now) = (last + 1, clock::now().0);
    statement!("autoscale/insert_decision", id, number, process.as_str(), now, json(decision))
        .execute(tx.connection())
        .await?;
    statement!("autoscale/prune_decisions", id, number - i64::from(KEPT_DECISIONS))
        .execute(tx.connection())
        .await?;
    Ok(())
}

async fn present(
    tx: &mut WriteTx,
    app_id: &AppId,
    process: &ProcessName,
    decision: &Decision,
) -> Result<(), StoreError> {
    let (id, name, now) = (app_id.as_str(), process.as_str(), clock::now().0);
    statement!("autoscale/set_present", id, name, json(decision), now)
        .execute(tx.connection())
        .await?;
    Ok(())
}

fn autoscaled(row: &AnyRow) -> Result<Autoscaled, StoreError> {
    let present: Option<Json<Decision>> = row.col("present")?;
    let at: Option<Timestamp> = row.col("present_at_ms")?;
    Ok(Autoscaled {
        app_id: row.col("app_id")?,
        process: row.col("process")?,
        settings: row.col::<Json<_>>("settings")?.0,
        paused: row.col("paused")?,
        present: at.zip(present.map(|decision| decision.0)),
    })
}
