//! The audit log: who did or tried what. No values of anything.

use slipway_core::id::{AuditId, Id};
use slipway_core::time::Timestamp;
use sqlx::any::AnyRow;

use crate::db::{Columns, Store};
use crate::error::StoreError;

/// One operation that changed something, revealed a value or was denied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    pub id: AuditId,
    pub at: Timestamp,
    /// The e-mail address, as far as it is known.
    pub actor: Option<String>,
    /// The id of the API token that was used.
    pub token: Option<String>,
    /// Where the request came from.
    pub address: Option<String>,
    /// The operation: `app.create`.
    pub action: String,
    /// What it was done to: `shop`.
    pub target: Option<String>,
    /// How it ended: `ok`, or the code of the refusal.
    pub result: String,
    pub request_id: String,
}

impl Store {
    pub async fn record_audit(&self, row: &AuditRow) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        statement!(
            "audit/insert",
            row.id.as_str(),
            row.at.0,
            row.actor.as_deref(),
            row.token.as_deref(),
            row.address.as_deref(),
            &row.action,
            row.target.as_deref(),
            &row.result,
            &row.request_id
        )
        .execute(tx.connection())
        .await?;
        tx.commit().await
    }

    /// Rows, newest first, from before `before`.
    pub async fn audit(
        &self,
        limit: u32,
        before: Option<&AuditId>,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let limit = i64::from(limit);
        let rows = if let Some(before) = before {
            statement!("audit/before", before.as_str(), limit)
        } else {
            statement!("audit/newest", limit)
        };
        rows.fetch_all(self.reader()).await?.iter().map(audit_row).collect()
    }
}

fn audit_row(row: &AnyRow) -> Result<AuditRow, StoreError> {
    Ok(AuditRow {
        id: row.col("id")?,
        at: row.col("at_ms")?,
        actor: row.col("actor")?,
        token: row.col("token")?,
        address: row.col("address")?,
        action: row.col("action")?,
        target: row.col("target")?,
        result: row.col("result")?,
        request_id: row.col("request_id")?,
    })
}
