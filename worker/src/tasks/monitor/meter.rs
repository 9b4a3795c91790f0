//! What came between two looks.

use std::collections::BTreeMap;
use std::time::Instant;

use slipway_core::id::{AppId, InstanceId};
use slipway_core::instance::{InstanceState, Usage};
use slipway_core::name::ProcessName;
use slipway_core::reason::ReasonCode;
use slipway_core::sample::{Condition, Cpu, Level, Measured, Network, Room, Sample, Traffic};
use slipway_core::time::Millis;

use super::host::HostFacts;
use super::sighting::{Seen, Sighting};
use crate::metrics::live::{InstanceLook, Look, ProcessLook};
use crate::proxy::{Counters, Times, TimesSince, Timing, Traffic as Counted};

/// What the last looks found, part by part: a part that could not be read is measured from the last
/// time it could.
#[derive(Debug, Default)]
pub struct Meter {
    moment: Option<Instant>,
    instances: BTreeMap<InstanceId, Earlier>,
    proxy: Option<(Instant, Counted, Times)>,
    host: HostFacts,
}

#[derive(Debug, Clone, Copy)]
struct Earlier {
    usage: Option<(Instant, Usage)>,
    restarts: u32,
}

/// What went through the proxy since it was read last.
struct Passed {
    over: Millis,
    earlier: Counted,
    now: Counted,
    times: TimesSince,
}

impl Meter {
    /// What happened since the look before; `None` for the first.
    pub fn measure(&mut self, sighting: Sighting) -> Option<Look> {
        let moment = sighting.moment?;
        let span = self.moment.replace(moment).map(|earlier| between(earlier, moment));
        let passed = self.pass(sighting.proxy);
        let host = sighting.host.since(&self.host, span.unwrap_or_default());
        let cores = sighting.host.cores.or(self.host.cores).unwrap_or(1);
        self.host = sighting.host;
        let mut earlier = std::mem::take(&mut self.instances);
        let instances: Vec<(Seen, Sample)> = sighting
            .instances
            .into_iter()
            .map(|seen| {
                let before = earlier.remove(&seen.row.id);
                let span = span.unwrap_or_default();
                let sample = instance_sample(&seen, before, passed.as_ref(), span, cores);
                self.remember(&seen, before);
                (seen, sample)
            })
            .collect();
        let processes = process_looks(
            sighting.processes,
            &instances,
            passed.as_ref(),
            span.unwrap_or_default(),
        );
        let instances = instances.into_iter().filter(|(seen, _)| has_begun(seen)).map(look_of);
        span.map(|_| Look { at: sighting.at, instances: instances.collect(), processes, host })
    }

    fn remember(&mut self, seen: &Seen, before: Option<Earlier>) {
        let usage = seen.usage.or(before.and_then(|before| before.usage));
        let earlier = Earlier { usage, restarts: seen.row.restarts };
        self.instances.insert(seen.row.id.clone(), earlier);
    }

    fn pass(&mut self, proxy: Option<(Instant, Counted, Times)>) -> Option<Passed> {
        let (moment, now, times) = proxy?;
        let before = self.proxy.replace((moment, now.clone(), times.clone()));
        let (earlier_moment, earlier, earlier_times) = before?;
        let over = between(earlier_moment, moment);
        Some(Passed { over, earlier, now, times: times.since(&earlier_times) })
    }
}

impl Passed {
    fn of_instance(&self, id: &InstanceId) -> Measured<Traffic> {
        let since = self.now.of_instance(id).since(&self.earlier.of_instance(id));
        self.traffic(&since, self.times.instances.get(id))
    }

    fn of_app(&self, id: &AppId) -> Measured<Traffic> {
        let since = self.now.of_app(id).since(&self.earlier.of_app(id));
        self.traffic(&since, self.times.apps.get(id))
    }

    fn traffic(&self, since: &Counters, timing: Option<&Timing>) -> Measured<Traffic> {
        let timing = timing.cloned().unwrap_or_default();
        let busy = Level::whole(since.busy_ms).mean;
        let span = Level::whole(self.over.0.max(1)).mean;
        let mean = busy / span;
        let now = Level::whole(since.in_flight).mean;
        let traffic = Traffic {
            responses: since.responses,
            failures: since.failures,
            dropped: since.dropped,
            bytes_in: since.bytes_in,
            bytes_out: since.bytes_out,
            latency: timing.latency,
            queue: timing.queue,
            in_flight: Level { mean, max: mean.max(now) },
        };
        Measured::over(self.over, traffic)
    }
}

fn between(earlier: Instant, later: Instant) -> Millis {
    let span = later.saturating_duration_since(earlier).as_millis();
    Millis(u64::try_from(span).unwrap_or(u64::MAX))
}

/// Whether an instance has a container that could have been measured.
fn has_begun(seen: &Seen) -> bool {
    seen.row.started || seen.row.endpoint.is_some() || seen.usage.is_some()
}

/// Whether an instance is one of those that make up its process: others are kept warm, or go.
fn belongs(seen: &Seen) -> bool {
    !matches!(
        seen.row.state,
        InstanceState::Draining | InstanceState::Stopping | InstanceState::Stopped
    )
}

fn is_ready(seen: &Seen) -> bool {
    seen.row.state == InstanceState::Ready
}

fn look_of((seen, sample): (Seen, Sample)) -> InstanceLook {
    let ready_since = if is_ready(&seen) { seen.row.ready_at } else { None };
    InstanceLook {
        app_id: seen.row.app_id,
        id: seen.row.id,
        process: seen.row.process,
        ready_since,
        in_proxy: seen.row.in_proxy,
        sample,
    }
}

fn instance_sample(
    seen: &Seen,
    before: Option<Earlier>,
    passed: Option<&Passed>,
    span: Millis,
    cores: u32,
) -> Sample {
    let mut sample = Sample::over(span);
    if seen.row.process.is_web() {
        sample.traffic = passed.map(|passed| passed.of_instance(&seen.row.id));
    }
    let restarts = before.map_or(0, |before| seen.row.restarts.saturating_sub(before.restarts));
    let mut oom_kills = 0;
    if let Some((moment, usage)) = seen.usage {
        sample = sample.with_memory(Room {
            used: Level::whole(usage.memory_bytes),
            limit: Level::whole(seen.limits.memory_bytes),
        });
        if let Some((earlier_moment, earlier)) = before.and_then(|before| before.usage) {
            let over = between(earlier_moment, moment);
            let allowed = seen.limits.cpu_millis.unwrap_or(cores.saturating_mul(1000));
            sample.cpu = Some(Measured::over(over, cpu(&usage, &earlier, allowed, over)));
            sample.network = Some(Measured::over(over, network(&usage, &earlier)));
            let kills = usage.oom_kills.zip(earlier.oom_kills);
            oom_kills = kills.map_or(0, |(now, then)| grown(now, then));
        }
    }
    // A control group that went with its process has not told of the kill that ended it.
    let was_killed = seen.row.reason.as_ref().is_some_and(|r| r.code == ReasonCode::OomKilled);
    if restarts > 0 && was_killed && oom_kills == 0 {
        oom_kills = u64::from(restarts);
    }
    for (name, value) in &seen.gauges {
        sample = sample.with_gauge(name.clone(), *value);
    }
    let ready = Level::whole(u64::from(is_ready(seen)));
    sample.with_condition(Condition { ready, restarts: u64::from(restarts), oom_kills })
}

fn cpu(now: &Usage, earlier: &Usage, allowed_millis: u32, over: Millis) -> Cpu {
    // A thousandth of a core is a microsecond in each millisecond.
    let allowed_us = u64::from(allowed_millis).saturating_mul(over.0);
    Cpu { used_us: grown(now.cpu_us, earlier.cpu_us), allowed_us }
}

fn network(now: &Usage, earlier: &Usage) -> Network {
    Network {
        bytes_in: grown(now.net_in_bytes, earlier.net_in_bytes),
        bytes_out: grown(now.net_out_bytes, earlier.net_out_bytes),
    }
}

/// How much a counter grew; one that started again counts from 0.
fn grown(now: u64, then: u64) -> u64 {
    if now < then { now } else { now - then }
}

/// Each process as the sum of its instances; of the process behind the proxy, what went through it is
/// the app's, which has the requests that no instance answered.
fn process_looks(
    wanted: Vec<(AppId, ProcessName)>,
    instances: &[(Seen, Sample)],
    passed: Option<&Passed>,
    span: Millis,
) -> Vec<ProcessLook> {
    let mut samples: BTreeMap<(AppId, ProcessName), Sample> = BTreeMap::new();
    for subject in wanted {
        let none = Condition { ready: Level::whole(0), ..Condition::default() };
        samples.insert(subject, Sample::over(span).with_condition(none));
    }
    for (seen, sample) in instances {
        let subject = (seen.row.app_id.clone(), seen.row.process.clone());
        let process = samples.entry(subject).or_insert_with(|| Sample::over(span));
        if belongs(seen) {
            process.join(sample);
        }
    }
    let looks = samples.into_iter().map(|((app_id, process), mut sample)| {
        if process.is_web() {
            sample.traffic = passed.map(|passed| passed.of_app(&app_id));
        }
        ProcessLook { app_id, process, sample }
    });
    looks.collect()
}

#[cfg(test)]
mod tests;
