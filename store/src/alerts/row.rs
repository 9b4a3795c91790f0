//! Firings as they are stored.

use serde::{Deserialize, Serialize};
use slipway_core::alert::{Bounds, Severity};
use slipway_core::wire::alert::Firing;
use sqlx::any::AnyRow;

use crate::db::{Columns, Json};
use crate::error::StoreError;

/// What does not change while an alert fires.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Beginning {
    pub severity: Severity,
    pub sentence: String,
    pub value: f64,
    pub bounds: Bounds,
}

pub(super) fn firing(row: &AnyRow) -> Result<Firing, StoreError> {
    let Json::<Beginning>(beginning) = row.col("body")?;
    Ok(Firing {
        id: row.col("id")?,
        app: row.col("app")?,
        alert: row.col("name")?,
        severity: beginning.severity,
        sentence: beginning.sentence,
        value: beginning.value,
        bounds: beginning.bounds,
        started_at: row.col("started_at_ms")?,
        ended_at: row.col("ended_at_ms")?,
        ending: row.col("ending")?,
    })
}
