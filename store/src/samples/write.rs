//! Writing intervals: many with each statement, because an exchange with the database costs more than
//! a row does.

use std::collections::BTreeMap;

use serde::Serialize;
use slipway_core::id::Id;

use super::{SampleBatch, span};
use crate::db::{Store, json};
use crate::error::StoreError;

/// Rows of one statement, which are some hundred kilobytes.
const ROWS: usize = 500;

impl Store {
    /// Writes intervals in one transaction. One that was written before is replaced; those of apps
    /// that are gone meanwhile are left out.
    pub async fn write_samples(&self, batch: &SampleBatch) -> Result<(), StoreError> {
        // By key: no statement may write the same row twice.
        let processes: BTreeMap<_, _> = batch
            .processes
            .iter()
            .map(|(resolution, row)| {
                let key = (row.app_id.as_str(), span(*resolution), row.at.0, row.process.as_str());
                (key, json(&row.sample))
            })
            .collect();
        let instances: BTreeMap<_, _> = batch
            .instances
            .iter()
            .map(|(resolution, row)| {
                let id = row.instance_id.as_str();
                let key = (row.app_id.as_str(), span(*resolution), row.at.0, id);
                (key, (row.process.as_str(), json(&row.sample)))
            })
            .collect();
        let host: BTreeMap<_, _> = batch
            .host
            .iter()
            .map(|(resolution, at, sample)| ((span(*resolution), at.0), json(sample)))
            .collect();
        let mut tx = self.begin_write().await?;
        let backend = self.backend();
        for rows in pieces(
            processes.iter().map(|((app, span, at, process), body)| (app, span, at, process, body)),
        ) {
            statement_pair!(backend, "samples/write_processes", rows)
                .execute(tx.connection())
                .await?;
        }
        for rows in pieces(
            instances
                .iter()
                .map(|((app, span, at, id), (process, body))| (app, span, at, id, process, body)),
        ) {
            statement_pair!(backend, "samples/write_instances", rows)
                .execute(tx.connection())
                .await?;
        }
        for rows in pieces(host.iter().map(|((span, at), body)| (span, at, body))) {
            statement_pair!(backend, "samples/write_host", rows).execute(tx.connection()).await?;
        }
        tx.commit().await
    }
}

/// Arrays of so many rows as a statement takes.
fn pieces(rows: impl Iterator<Item = impl Serialize>) -> Vec<String> {
    rows.collect::<Vec<_>>().chunks(ROWS).map(|piece| json(&piece)).collect()
}
