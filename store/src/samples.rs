//! What apps and the host did, interval by interval, for as long as a chart can show.
//!
//! The worker writes intervals that are over, rolls finer ones up into coarser ones and writes those
//! too; readers get one history. A coarse interval that is not over has no sample yet, so the end of
//! a history is filled up from the finer ones: a chart of 30 days still ends now.

mod history;
mod write;

use serde::Deserialize;
use slipway_core::id::{AppId, Id, InstanceId};
use slipway_core::name::ProcessName;
use slipway_core::resolution::Resolution;
use slipway_core::sample::{HostSample, Measured, Sample, Traffic};
use slipway_core::time::{Millis, Timestamp};
use sqlx::any::AnyRow;

use crate::db::{Columns, Json, Store};
use crate::error::StoreError;

/// All instances of a process in one interval.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessSample {
    pub app_id: AppId,
    pub process: ProcessName,
    /// When the interval began.
    pub at: Timestamp,
    pub sample: Sample,
}

/// One instance in one interval.
#[derive(Debug, Clone, PartialEq)]
pub struct InstanceSample {
    pub app_id: AppId,
    pub process: ProcessName,
    pub instance_id: InstanceId,
    /// When the interval began.
    pub at: Timestamp,
    pub sample: Sample,
}

/// Intervals that are written together.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SampleBatch {
    pub processes: Vec<(Resolution, ProcessSample)>,
    /// Of resolutions that have instances.
    pub instances: Vec<(Resolution, InstanceSample)>,
    pub host: Vec<(Resolution, Timestamp, HostSample)>,
}

/// The part of a stored sample that tells of traffic; the others are skipped unread.
#[derive(Deserialize)]
struct Passed {
    #[serde(rename = "ms")]
    span: Millis,
    #[serde(rename = "t", default)]
    traffic: Option<Measured<Traffic>>,
}

impl SampleBatch {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.processes.is_empty() && self.instances.is_empty() && self.host.is_empty()
    }
}

impl Store {
    /// Forgets samples that are past their keeping; how many those were.
    pub async fn prune_samples(&self, now: Timestamp) -> Result<u64, StoreError> {
        let mut pruned = 0;
        // A transaction each: nobody who writes waits for all of them.
        for resolution in Resolution::ALL {
            let (span, before) = (span(resolution), (now - resolution.kept_for()).0);
            let mut tx = self.begin_write().await?;
            for statement in [
                statement!("samples/prune_processes", span, before),
                statement!("samples/prune_instances", span, before),
                statement!("samples/prune_host", span, before),
            ] {
                pruned += statement.execute(tx.connection()).await?.rows_affected();
            }
            tx.commit().await?;
        }
        Ok(pruned)
    }

    /// Samples of one resolution whose interval began from `since` on and before `until`, in order;
    /// of one process or of all.
    pub async fn stored_processes(
        &self,
        app_id: &AppId,
        process: Option<&ProcessName>,
        resolution: Resolution,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<ProcessSample>, StoreError> {
        let (id, span) = (app_id.as_str(), span(resolution));
        let rows = if let Some(process) = process {
            statement!("samples/of_process", id, span, since.0, until.0, process.as_str())
        } else {
            statement!("samples/of_processes", id, span, since.0, until.0)
        };
        rows.fetch_all(self.reader()).await?.iter().map(process_sample).collect()
    }

    /// The same of all instances.
    pub async fn stored_instances(
        &self,
        app_id: &AppId,
        resolution: Resolution,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<InstanceSample>, StoreError> {
        let (id, span) = (app_id.as_str(), span(resolution));
        let rows = statement!("samples/of_instances", id, span, since.0, until.0);
        rows.fetch_all(self.reader()).await?.iter().map(instance_sample).collect()
    }

    /// The same of the host.
    pub async fn stored_host(
        &self,
        resolution: Resolution,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<(Timestamp, HostSample)>, StoreError> {
        let rows = statement!("samples/of_host", span(resolution), since.0, until.0);
        let host = |row: &AnyRow| Ok((row.col("at_ms")?, row.col::<Json<_>>("body")?.0));
        rows.fetch_all(self.reader()).await?.iter().map(host).collect()
    }

    /// The finest samples of every active app from `since` on, by app, process and time.
    pub async fn newest_samples(&self, since: Timestamp) -> Result<Vec<ProcessSample>, StoreError> {
        let finest = span(Resolution::FiveSeconds);
        let rows = statement!("samples/newest_of_all", finest, since.0);
        rows.fetch_all(self.reader()).await?.iter().map(process_sample).collect()
    }

    /// The traffic of every active app in one query: minutes from `minutes` on and the finest samples
    /// from `finest` on, by app and time. Of each sample there is the traffic alone; those without
    /// any are left out.
    pub async fn traffic_of_all(
        &self,
        minutes: Timestamp,
        finest: Timestamp,
    ) -> Result<Vec<(Resolution, ProcessSample)>, StoreError> {
        let (minute, five) = (span(Resolution::Minute), span(Resolution::FiveSeconds));
        let rows = statement!("samples/traffic_of_all", minute, minutes.0, five, finest.0);
        let passed = |row: &AnyRow| {
            let Json(Passed { span, traffic }) = row.col("body")?;
            let is_minute = row.col::<i64>("span_ms")? == minute;
            let resolution = if is_minute { Resolution::Minute } else { Resolution::FiveSeconds };
            let sample = ProcessSample {
                app_id: row.col("app_id")?,
                process: row.col("process")?,
                at: row.col("at_ms")?,
                sample: Sample { span, traffic, ..Sample::default() },
            };
            Ok((resolution, sample))
        };
        let rows = rows.fetch_all(self.reader()).await?;
        let samples: Result<Vec<_>, StoreError> = rows.iter().map(passed).collect();
        let mut samples = samples?;
        samples.retain(|(_, one)| one.sample.traffic.is_some());
        Ok(samples)
    }

    /// Until when an app's processes have samples of a resolution.
    pub async fn processes_stored_until(
        &self,
        app_id: &AppId,
        resolution: Resolution,
    ) -> Result<Option<Timestamp>, StoreError> {
        let newest = statement!("samples/newest_process", app_id.as_str(), span(resolution));
        end_of(&newest.fetch_one(self.reader()).await?, resolution)
    }

    /// The same of its instances.
    pub async fn instances_stored_until(
        &self,
        app_id: &AppId,
        resolution: Resolution,
    ) -> Result<Option<Timestamp>, StoreError> {
        let newest = statement!("samples/newest_instance", app_id.as_str(), span(resolution));
        end_of(&newest.fetch_one(self.reader()).await?, resolution)
    }

    /// The same of the host.
    pub async fn host_stored_until(
        &self,
        resolution: Resolution,
    ) -> Result<Option<Timestamp>, StoreError> {
        let newest = statement!("samples/newest_host", span(resolution));
        end_of(&newest.fetch_one(self.reader()).await?, resolution)
    }
}

/// Where the newest interval ends.
fn end_of(row: &AnyRow, resolution: Resolution) -> Result<Option<Timestamp>, StoreError> {
    let newest: Option<Timestamp> = row.col("at_ms")?;
    Ok(newest.map(|at| at + resolution.span()))
}

fn process_sample(row: &AnyRow) -> Result<ProcessSample, StoreError> {
    Ok(ProcessSample {
        app_id: row.col("app_id")?,
        process: row.col("process")?,
        at: row.col("at_ms")?,
        sample: row.col::<Json<_>>("body")?.0,
    })
}

fn instance_sample(row: &AnyRow) -> Result<InstanceSample, StoreError> {
    Ok(InstanceSample {
        app_id: row.col("app_id")?,
        process: row.col("process")?,
        instance_id: row.col("instance_id")?,
        at: row.col("at_ms")?,
        sample: row.col::<Json<_>>("body")?.0,
    })
}

fn span(resolution: Resolution) -> i64 {
    let Millis(span) = resolution.span();
    i64::try_from(span).expect("ten minutes are not many milliseconds")
}
