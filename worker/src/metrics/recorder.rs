//! From looks to stored samples.

use slipway_core::id::{AppId, InstanceId};
use slipway_core::name::ProcessName;
use slipway_core::resolution::Resolution;
use slipway_core::sample::{HostSample, Sample};
use slipway_core::time::{Millis, Timestamp};
use slipway_store::{InstanceSample, ProcessSample, SampleBatch, Store, StoreError};

use super::live::Look;
use super::rungs::{Closed, Rungs};

/// Samples that wait for a database that does not take them; more are dropped, newest first.
const MOST_WAITING: usize = 20_000;

type Process = (AppId, ProcessName);
type Instance = (AppId, InstanceId, ProcessName);

/// Gathers looks into intervals, and writes those that are over.
#[derive(Debug)]
pub struct Recorder {
    store: Store,
    processes: Rungs<Process, Sample>,
    instances: Rungs<Instance, Sample>,
    host: Rungs<(), HostSample>,
    waiting: SampleBatch,
}

impl Recorder {
    /// Continues what is stored: intervals under way are completed, those that ended while nobody
    /// watched are rolled up.
    pub async fn resume(store: Store, now: Timestamp) -> Result<Self, StoreError> {
        let with_instances = Resolution::ALL.into_iter().filter(|one| one.has_instances());
        let mut recorder = Self {
            processes: Rungs::new(Resolution::ALL),
            instances: Rungs::new(with_instances),
            host: Rungs::new(Resolution::ALL),
            waiting: SampleBatch::default(),
            store,
        };
        for entry in recorder.store.fleet().await? {
            recorder.resume_app(&entry.app.id, now).await?;
        }
        recorder.resume_host(now).await?;
        Ok(recorder)
    }

    /// Takes a look in.
    pub fn take(&mut self, look: Look) {
        let at = look.at;
        for one in look.processes {
            let middle = at - Millis(one.sample.span.0 / 2);
            self.processes.add((one.app_id, one.process), middle, one.sample);
        }
        for one in look.instances {
            let middle = at - Millis(one.sample.span.0 / 2);
            self.instances.add((one.app_id, one.id, one.process), middle, one.sample);
        }
        let middle = at - Millis(look.host.span.0 / 2);
        self.host.add((), middle, look.host);
    }

    /// Writes the intervals that are over at `now`. What the database does not take is written with
    /// the next ones.
    pub async fn write(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let (processes, instances) = (self.processes.close(now), self.instances.close(now));
        let host = self.host.close(now);
        self.wait_for_writing(processes, instances, host);
        self.flush().await
    }

    /// Writes also the intervals under way, as far as they got; whoever resumes completes them.
    pub async fn finish(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.write(now).await?;
        let (processes, instances) = (self.processes.unfinished(), self.instances.unfinished());
        let host = self.host.unfinished();
        self.wait_for_writing(processes, instances, host);
        self.flush().await
    }

    async fn flush(&mut self) -> Result<(), StoreError> {
        // On a full disk only what makes room is written; samples wait, as many as may.
        if self.waiting.is_empty() || self.store.is_read_only() {
            return Ok(());
        }
        self.store.write_samples(&self.waiting).await?;
        self.waiting = SampleBatch::default();
        Ok(())
    }

    fn wait_for_writing(
        &mut self,
        processes: Vec<Closed<Process, Sample>>,
        instances: Vec<Closed<Instance, Sample>>,
        host: Vec<Closed<(), HostSample>>,
    ) {
        let waiting = &mut self.waiting;
        waiting.processes.extend(processes.into_iter().map(|closed| {
            let (app_id, process) = closed.subject;
            let row = ProcessSample { app_id, process, at: closed.at, sample: closed.sample };
            (closed.resolution, row)
        }));
        waiting.instances.extend(instances.into_iter().map(|closed| {
            let (app_id, instance_id, process) = closed.subject;
            let (at, sample) = (closed.at, closed.sample);
            (closed.resolution, InstanceSample { app_id, process, instance_id, at, sample })
        }));
        let host = host.into_iter().map(|closed| (closed.resolution, closed.at, closed.sample));
        waiting.host.extend(host);
        waiting.processes.truncate(MOST_WAITING);
        waiting.instances.truncate(MOST_WAITING);
        waiting.host.truncate(MOST_WAITING);
    }

    async fn resume_app(&mut self, app_id: &AppId, now: Timestamp) -> Result<(), StoreError> {
        let store = self.store.clone();
        for resolution in Resolution::ALL {
            let Some(coarser) = resolution.coarser() else { continue };
            let oldest = now - resolution.kept_for();
            let since = store.processes_stored_until(app_id, coarser).await?.unwrap_or(oldest);
            let since = since.max(oldest);
            let until = now + Millis(1);
            for row in store.stored_processes(app_id, None, resolution, since, until).await? {
                let subject = (row.app_id, row.process);
                let closed = Closed { resolution, subject, at: row.at, sample: row.sample };
                self.processes.resume(closed, now);
            }
            if !coarser.has_instances() {
                continue;
            }
            let since = store.instances_stored_until(app_id, coarser).await?.unwrap_or(oldest);
            let since = since.max(oldest);
            for row in store.stored_instances(app_id, resolution, since, until).await? {
                let subject = (row.app_id, row.instance_id, row.process);
                let closed = Closed { resolution, subject, at: row.at, sample: row.sample };
                self.instances.resume(closed, now);
            }
        }
        Ok(())
    }

    async fn resume_host(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let store = self.store.clone();
        for resolution in Resolution::ALL {
            let Some(coarser) = resolution.coarser() else { continue };
            let oldest = now - resolution.kept_for();
            let since = store.host_stored_until(coarser).await?.unwrap_or(oldest).max(oldest);
            for (at, sample) in store.stored_host(resolution, since, now + Millis(1)).await? {
                self.host.resume(Closed { resolution, subject: (), at, sample }, now);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
