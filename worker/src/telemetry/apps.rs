//! What apps do: releases, instances, traffic, resources.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use slipway_core::id::AppId;
use slipway_core::instance::{InstanceState, Usage};
use slipway_core::name::AppName;
use slipway_core::telemetry::Family;
use slipway_core::telemetry::catalogue::{self, Definition};
use slipway_store::{Instance, StoreError};
use tokio::time::timeout;

use super::{latency, number};
use crate::context::{Host, Shared};
use crate::proxy::{Counters, Times, Traffic};

/// Instances whose resources are read at the same time.
const AT_ONCE: usize = 8;
/// How long nginx may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// A number of a reading.
type Read = fn(&Usage) -> f64;

/// An instance with what tells it from others.
struct Subject<'a> {
    instance: &'a Instance,
    labels: [(&'static str, &'a str); 3],
}

/// The families of every app.
///
/// # Errors
/// When the database does not answer.
pub async fn families<H: Host>(context: &Shared<H>) -> Result<Vec<Family>, StoreError> {
    let rows = context.store.apps().await?;
    let instances = context.store.all_instances().await?;
    let names: BTreeMap<&AppId, &AppName> =
        rows.iter().map(|row| (&row.app.id, &row.app.name)).collect();
    let subject = |instance| subject(&names, instance);
    let subjects: Vec<Subject<'_>> = instances.iter().filter_map(subject).collect();

    let mut release = Family::of(&catalogue::APP_RELEASE);
    let mut wanted = Family::of(&catalogue::APP_WANTED_INSTANCES);
    for row in &rows {
        let labels = [("app", row.app.name.as_str())];
        wanted.add(&labels, row.wanted.into());
        if let Some(live) = &row.live {
            release.add(&labels, live.version.into());
        }
    }
    let mut families = vec![release, wanted];
    families.extend(condition(&subjects));
    families.push(memory_limits(context, &subjects).await?);
    families.push(own_gauges(context, &subjects));
    // A reading that failed is left out whole: absent, and not zero.
    if let Ok(Ok(traffic)) = timeout(PATIENCE, context.proxy.traffic()).await {
        families.extend(of_apps(&traffic, &names));
        families.extend(of_instances(&traffic, &subjects));
    }
    if let Ok(Ok(times)) = timeout(PATIENCE, context.proxy.times()).await {
        families.extend(latency::families(&times.since(&Times::default()), &names));
    }
    families.extend(resources(context, &subjects).await);
    Ok(families)
}

/// The label is `instance_id`, because `instance` is Prometheus' own name for who was asked.
fn subject<'a>(
    names: &BTreeMap<&AppId, &'a AppName>,
    instance: &'a Instance,
) -> Option<Subject<'a>> {
    let app = names.get(&instance.app_id)?.as_str();
    let labels = [
        ("app", app),
        ("process", instance.process.as_str()),
        ("instance_id", instance.id.short()),
    ];
    Some(Subject { instance, labels })
}

fn condition(subjects: &[Subject<'_>]) -> [Family; 2] {
    let mut ready = Family::of(&catalogue::INSTANCE_READY);
    let mut restarts = Family::of(&catalogue::INSTANCE_RESTARTS);
    for Subject { instance, labels } in subjects {
        ready.add(labels, f64::from(u8::from(instance.state == InstanceState::Ready)));
        restarts.add(labels, instance.restarts.into());
    }
    [ready, restarts]
}

/// The limits that releases set.
async fn memory_limits<H>(
    context: &Shared<H>,
    subjects: &[Subject<'_>],
) -> Result<Family, StoreError> {
    let mut limits = Family::of(&catalogue::INSTANCE_MEMORY_LIMIT);
    let mut releases = BTreeMap::new();
    for Subject { instance, labels } in subjects {
        let id = &instance.release_id;
        if !releases.contains_key(id) {
            releases.insert(id, context.store.release(id).await?);
        }
        let release = releases.get(id).and_then(Option::as_ref);
        if let Some(spec) = release.and_then(|one| one.formation.processes.get(&instance.process)) {
            limits.add(labels, number(spec.limits.memory_bytes));
        }
    }
    Ok(limits)
}

/// What apps expose themselves, as last read.
fn own_gauges<H>(context: &Shared<H>, subjects: &[Subject<'_>]) -> Family {
    let mut own = Family::of(&catalogue::CUSTOM);
    for Subject { instance, labels: [app, process, id] } in subjects {
        for (name, value) in context.gauges.of(&instance.id) {
            own.add(&[*app, *process, *id, ("name", name.as_str())], value);
        }
    }
    own
}

/// Totals of apps: also what no instance answered.
fn of_apps(traffic: &Traffic, names: &BTreeMap<&AppId, &AppName>) -> Vec<Family> {
    let mut requests = Family::of(&catalogue::APP_REQUESTS);
    let mut dropped = Family::of(&catalogue::APP_DROPPED_REQUESTS);
    let mut in_flight = Family::of(&catalogue::APP_REQUESTS_IN_FLIGHT);
    let mut bytes = Family::of(&catalogue::APP_RESPONSE_BYTES);
    let mut bytes_in = Family::of(&catalogue::APP_REQUEST_BYTES);
    for (id, counters) in &traffic.apps {
        let Some(name) = names.get(id) else { continue };
        let label = ("app", name.as_str());
        by_class(&mut requests, &[label], counters);
        dropped.add(&[label], number(counters.dropped));
        in_flight.add(&[label], number(counters.in_flight));
        bytes.add(&[label], number(counters.bytes_out));
        bytes_in.add(&[label], number(counters.bytes_in));
    }
    vec![requests, dropped, in_flight, bytes, bytes_in]
}

fn of_instances(traffic: &Traffic, subjects: &[Subject<'_>]) -> Vec<Family> {
    let mut requests = Family::of(&catalogue::INSTANCE_REQUESTS);
    let mut failures = Family::of(&catalogue::INSTANCE_FAILED_ATTEMPTS);
    for Subject { instance, labels } in subjects {
        if let Some(counters) = traffic.instances.get(&instance.id) {
            by_class(&mut requests, labels, counters);
            failures.add(labels, number(counters.failures));
        }
    }
    vec![requests, failures]
}

fn by_class(family: &mut Family, labels: &[(&'static str, &str)], counters: &Counters) {
    for (class, count) in CLASSES.iter().zip(counters.responses) {
        family.add(&[labels, &[("class", *class)]].concat(), number(count));
    }
}

async fn resources<H: Host>(context: &Shared<H>, subjects: &[Subject<'_>]) -> Vec<Family> {
    let readings: Vec<_> = subjects.iter().map(|subject| usage_of(context, subject)).collect();
    let mut readings: Vec<_> =
        futures_util::stream::iter(readings).buffer_unordered(AT_ONCE).collect().await;
    readings.sort_by_key(|(subject, _)| subject.labels);
    let families: [(&Definition, Read); 4] = [
        (&catalogue::INSTANCE_CPU, |usage| number(usage.cpu_us) / 1e6),
        (&catalogue::INSTANCE_MEMORY, |usage| number(usage.memory_bytes)),
        (&catalogue::INSTANCE_NETWORK_RECEIVE, |usage| number(usage.net_in_bytes)),
        (&catalogue::INSTANCE_NETWORK_TRANSMIT, |usage| number(usage.net_out_bytes)),
    ];
    let family = |(definition, read): (&Definition, Read)| {
        let mut family = Family::of(definition);
        for (subject, usage) in &readings {
            if let Some(usage) = usage {
                family.add(&subject.labels, read(usage));
            }
        }
        family
    };
    families.into_iter().map(family).collect()
}

/// What an instance uses; nothing when that cannot be read.
async fn usage_of<'a, H: Host>(
    context: &Shared<H>,
    subject: &'a Subject<'a>,
) -> (&'a Subject<'a>, Option<Usage>) {
    let reading = timeout(PATIENCE, context.host.stats(&subject.instance.id)).await;
    (subject, reading.ok().and_then(Result::ok))
}
