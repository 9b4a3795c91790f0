//! The numbers that rules are about: from memory as far back as that goes, else from the store.

use std::collections::BTreeMap;

use slipway_core::alert::{Against, Reading, Rule, Subject, baseline, measure};
use slipway_core::id::AppId;
use slipway_core::metric::Metric;
use slipway_core::name::{AlertName, ProcessName};
use slipway_core::resolution::Resolution;
use slipway_core::sample::{HostSample, Sample};
use slipway_core::time::{Millis, Timestamp};
use slipway_store::{AlertScope, StoreError};

use crate::context::{Host, Shared};
use crate::metrics::live;

/// Readings in memory that are older say nothing about now.
const FRESH: Millis = Millis::from_secs(15);
/// The same of stored ones, which are written when their interval is over.
const FRESH_STORED: Millis = Millis::from_secs(30);
/// Up to here readings come from memory.
const IN_MEMORY: Millis = Millis::from_secs(60);
const WEEK: Millis = Millis::from_secs(7 * 24 * 3600);
/// How long a week's number is used before it is computed again.
const WEEK_KEPT: Millis = Millis::from_secs(600);

const _: () = assert!(IN_MEMORY.0 < live::WINDOW.0, "memory goes back as far as it is asked");

type WeekOf = (AppId, Metric, Option<ProcessName>);

/// Weeks that were computed, with when.
#[derive(Default)]
pub struct Numbers {
    weeks: BTreeMap<WeekOf, (Timestamp, Option<f64>)>,
}

impl Numbers {
    /// Drops what is too old to be used again.
    pub fn forget(&mut self, now: Timestamp) {
        self.weeks.retain(|_, (at, _)| now.since(*at) < WEEK_KEPT && *at <= now);
    }

    /// A reading for every rule that is switched on.
    pub async fn of<H: Host>(
        &mut self,
        context: &Shared<H>,
        scope: &AlertScope,
        rules: &BTreeMap<AlertName, Rule>,
        now: Timestamp,
    ) -> Result<BTreeMap<AlertName, Reading>, StoreError> {
        let mut readings = BTreeMap::new();
        for (name, rule) in rules.iter().filter(|(_, rule)| rule.enabled) {
            let (value, week) = match scope {
                AlertScope::Host => (of_host(context, rule, now).await?, None),
                AlertScope::App(id) => {
                    let subjects = subjects(context, id, rule, now).await?;
                    (measure(rule, &subjects), self.week(context, id, rule, now).await?)
                }
            };
            readings.insert(name.clone(), Reading { at: now, value, week });
        }
        Ok(readings)
    }

    async fn week<H: Host>(
        &mut self,
        context: &Shared<H>,
        app_id: &AppId,
        rule: &Rule,
        now: Timestamp,
    ) -> Result<Option<f64>, StoreError> {
        if rule.against == Against::Fixed {
            return Ok(None);
        }
        let key = (app_id.clone(), rule.metric.clone(), rule.process.clone());
        if let Some((_, known)) = self.weeks.get(&key) {
            return Ok(*known);
        }
        let (since, process) = (now - WEEK, rule.process.as_ref());
        let rows =
            context.store.stored_processes(app_id, process, Resolution::TenMinutes, since, now);
        let mut joined: BTreeMap<Timestamp, Sample> = BTreeMap::new();
        for row in rows.await? {
            add(&mut joined, row.at, &row.sample, Sample::join);
        }
        let week = baseline(&rule.metric, joined.into_values());
        self.weeks.insert(key, (now, week));
        Ok(week)
    }
}

async fn of_host<H: Host>(
    context: &Shared<H>,
    rule: &Rule,
    now: Timestamp,
) -> Result<Option<f64>, StoreError> {
    let since = now - rule.over;
    let samples: Vec<(Timestamp, HostSample)> = if rule.over <= IN_MEMORY {
        let readings = context.live.host_readings();
        readings.into_iter().map(|reading| (reading.at, reading.sample)).collect()
    } else {
        context.store.stored_host(Resolution::FiveSeconds, since, now).await?
    };
    let (newest, fresh) = (samples.last().map(|(at, _)| *at), freshness(rule));
    if newest.is_none_or(|at| now.since(at) > fresh) {
        return Ok(None);
    }
    let within = samples.into_iter().filter(|(at, _)| *at > since).map(|(_, sample)| sample);
    let all = within.reduce(|mut all, later| {
        all.append(&later);
        all
    });
    Ok(all.and_then(|all| rule.metric.host_value(&all)))
}

/// The samples of each subject over the time that the rule looks at; none of one that is silent.
async fn subjects<H: Host>(
    context: &Shared<H>,
    app_id: &AppId,
    rule: &Rule,
    now: Timestamp,
) -> Result<Vec<Sample>, StoreError> {
    let readings = if rule.over <= IN_MEMORY {
        in_memory(context, app_id, rule)
    } else {
        in_store(context, app_id, rule, now).await?
    };
    let (since, fresh) = (now - rule.over, freshness(rule));
    let mut subjects: BTreeMap<String, Sample> = BTreeMap::new();
    let mut newest: BTreeMap<String, Timestamp> = BTreeMap::new();
    for one in readings {
        let wanted = rule.process.as_ref().is_none_or(|process| *process == one.process);
        if !wanted || one.at <= since || one.at > now {
            continue;
        }
        newest.insert(one.subject.clone(), one.at);
        add(&mut subjects, one.subject, &one.sample, Sample::append);
    }
    subjects.retain(|subject, _| newest.get(subject).is_some_and(|at| now.since(*at) <= fresh));
    Ok(subjects.into_values().collect())
}

fn freshness(rule: &Rule) -> Millis {
    if rule.over <= IN_MEMORY { FRESH } else { FRESH_STORED }
}

/// A sample of one subject: a process, or an instance.
struct One {
    subject: String,
    process: ProcessName,
    at: Timestamp,
    sample: Sample,
}

fn in_memory<H: Host>(context: &Shared<H>, app_id: &AppId, rule: &Rule) -> Vec<One> {
    let named = |subject: String, process: ProcessName, readings: Vec<live::Reading>| {
        readings.into_iter().map(move |reading| One {
            subject: subject.clone(),
            process: process.clone(),
            at: reading.at,
            sample: reading.sample,
        })
    };
    match rule.subject() {
        Subject::Processes => context
            .live
            .processes_of(app_id)
            .into_iter()
            .flat_map(|series| named(series.process.to_string(), series.process, series.readings))
            .collect(),
        Subject::WorstInstance => context
            .live
            .of_app(app_id)
            .into_iter()
            .flat_map(|series| named(series.id.to_string(), series.process, series.readings))
            .collect(),
    }
}

async fn in_store<H: Host>(
    context: &Shared<H>,
    app_id: &AppId,
    rule: &Rule,
    now: Timestamp,
) -> Result<Vec<One>, StoreError> {
    let (since, finest) = (now - rule.over, Resolution::FiveSeconds);
    Ok(match rule.subject() {
        Subject::Processes => {
            let process = rule.process.as_ref();
            let rows = context.store.stored_processes(app_id, process, finest, since, now).await?;
            let one = |row: slipway_store::samples::ProcessSample| One {
                subject: row.process.to_string(),
                process: row.process,
                at: row.at,
                sample: row.sample,
            };
            rows.into_iter().map(one).collect()
        }
        Subject::WorstInstance => {
            let rows = context.store.stored_instances(app_id, finest, since, now).await?;
            let one = |row: slipway_store::samples::InstanceSample| One {
                subject: row.instance_id.to_string(),
                process: row.process,
                at: row.at,
                sample: row.sample,
            };
            rows.into_iter().map(one).collect()
        }
    })
}

/// Puts a sample together with what is there under the same key.
fn add<K: Ord>(
    all: &mut BTreeMap<K, Sample>,
    key: K,
    sample: &Sample,
    together: fn(&mut Sample, &Sample),
) {
    match all.get_mut(&key) {
        Some(there) => together(there, sample),
        None => drop(all.insert(key, sample.clone())),
    }
}
