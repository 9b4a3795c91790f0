//! What the worker writes after a look at a scope's alerts.

use slipway_core::alert::{Bounds, Severity};
use slipway_core::event::EventKind;
use slipway_core::id::{FiringId, Id};
use slipway_core::name::AlertName;
use slipway_core::time::Timestamp;
use slipway_core::wire::alert::Firing;

use super::row::{Beginning, firing};
use super::{AlertScope, Statuses};
use crate::channels::owe;
use crate::db::{Store, WriteTx, json};
use crate::error::StoreError;
use crate::mint;

/// An alert that began or ceased to fire.
#[derive(Debug, Clone, PartialEq)]
pub enum AlertChange {
    Fires { alert: AlertName, severity: Severity, sentence: String, value: f64, bounds: Bounds },
    Ends { alert: AlertName, sentence: String },
}

/// A scope's alerts after a look.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertWrite {
    pub scope: AlertScope,
    pub at: Timestamp,
    /// All of them.
    pub statuses: Statuses,
    pub changes: Vec<AlertChange>,
}

impl Store {
    /// Writes where a scope's alerts stand. What changed is told in the same transaction: as an
    /// event of the app, and as a message owed to every channel. To an app that is gone meanwhile
    /// nothing happens.
    pub async fn write_alerts(&self, write: &AlertWrite) -> Result<(), StoreError> {
        let scope = &write.scope;
        if let Some(app_id) = scope.app_id()
            && self.app_by_id(app_id).await?.is_none()
        {
            return Ok(());
        }
        let mut tx = self.begin_write().await?;
        let app_id = scope.app_id().map(Id::as_str);
        statement!("alerts/set_states", scope.as_str(), app_id, json(&write.statuses))
            .execute(tx.connection())
            .await?;
        for change in &write.changes {
            match change {
                AlertChange::Fires { .. } => begin(&mut tx, write, change).await?,
                AlertChange::Ends { alert, sentence } => {
                    end(&mut tx, write, alert, sentence).await?;
                }
            }
        }
        tx.commit().await
    }
}

async fn begin(
    tx: &mut WriteTx,
    write: &AlertWrite,
    change: &AlertChange,
) -> Result<(), StoreError> {
    let AlertChange::Fires { alert, severity, sentence, value, bounds } = change else {
        return Ok(());
    };
    let id: FiringId = mint::id();
    let (sentence, severity) = (sentence.clone(), *severity);
    let beginning = Beginning { severity, sentence, value: *value, bounds: *bounds };
    let begun = statement!(
        "alerts/begin_firing",
        id.as_str(),
        write.scope.as_str(),
        write.scope.app_id().map(Id::as_str),
        alert.as_str(),
        json(&beginning),
        write.at.0
    );
    if begun.execute(tx.connection()).await?.rows_affected() == 0 {
        // It fires already: another look of ours was written whose answer was lost.
        return Ok(());
    }
    let Some(fired) = open(tx, write, alert).await? else { return Ok(()) };
    if let Some(app_id) = write.scope.app_id() {
        let (firing, alert) = (id, alert.clone());
        let sentence = beginning.sentence;
        tx.tell(app_id, EventKind::AlertFiring { alert, firing, severity, sentence });
    }
    owe(tx, &write.scope, &fired, write.at).await
}

async fn end(
    tx: &mut WriteTx,
    write: &AlertWrite,
    alert: &AlertName,
    sentence: &str,
) -> Result<(), StoreError> {
    let Some(mut fired) = open(tx, write, alert).await? else { return Ok(()) };
    statement!("alerts/end_firing", fired.id.as_str(), write.at.0, sentence)
        .execute(tx.connection())
        .await?;
    (fired.ended_at, fired.ending) = (Some(write.at), Some(sentence.to_owned()));
    if let Some(app_id) = write.scope.app_id() {
        let (firing, severity) = (fired.id.clone(), fired.severity);
        let (alert, sentence) = (alert.clone(), sentence.to_owned());
        tx.tell(app_id, EventKind::AlertResolved { alert, firing, severity, sentence });
    }
    owe(tx, &write.scope, &fired, write.at).await
}

/// The firing of this alert that is not over.
async fn open(
    tx: &mut WriteTx,
    write: &AlertWrite,
    alert: &AlertName,
) -> Result<Option<Firing>, StoreError> {
    let row = statement!("alerts/open_firing", write.scope.as_str(), alert.as_str());
    row.fetch_optional(tx.connection()).await?.as_ref().map(firing).transpose()
}
