//! How many deployments there were, and how they went.

use slipway_core::name::AppName;
use sqlx::any::AnyRow;

use crate::db::{Columns, Store};
use crate::error::StoreError;

/// So many deployments of an app are of this kind and in this state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeploymentTally {
    pub app: AppName,
    /// As stored and sent.
    pub kind: String,
    pub state: String,
    pub deployments: u32,
}

impl Store {
    /// The deployments of every app, counted.
    pub async fn deployment_tallies(&self) -> Result<Vec<DeploymentTally>, StoreError> {
        let rows = statement!("deployments/tallies").fetch_all(self.reader()).await?;
        rows.iter().map(tally).collect()
    }
}

fn tally(row: &AnyRow) -> Result<DeploymentTally, StoreError> {
    Ok(DeploymentTally {
        app: row.col("app")?,
        kind: row.col("kind")?,
        state: row.col("state")?,
        deployments: row.col("deployments")?,
    })
}
