//! What apps do: releases, instances, traffic, resources.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use slipway_core::id::AppId;
use slipway_core::instance::{InstanceState, Usage};
use slipway_core::name::AppName;
use slipway_core::telemetry::{Family, Kind, Unit};
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

    let mut release = Family::new(
        "slipway_app_release",
        Kind::Gauge,
        Unit::Count,
        "Version of the release that serves.",
    );
    let mut wanted = Family::new(
        "slipway_app_wanted_instances",
        Kind::Gauge,
        Unit::Count,
        "Instances an app is to have.",
    );
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
    let mut ready = Family::new(
        "slipway_instance_ready",
        Kind::Gauge,
        Unit::Count,
        "1 for an instance that passes its health check, else 0.",
    );
    let mut restarts = Family::new(
        "slipway_instance_restarts",
        Kind::Counter,
        Unit::Count,
        "Starts after the process ended by itself.",
    );
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
    let mut limits = Family::new(
        "slipway_instance_memory_limit_bytes",
        Kind::Gauge,
        Unit::Bytes,
        "What an instance may use before it is killed.",
    );
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
    let mut own = Family::new(
        "slipway_custom",
        Kind::Gauge,
        Unit::Count,
        "Gauges that an app exposes itself, by name.",
    );
    for Subject { instance, labels: [app, process, id] } in subjects {
        for (name, value) in context.gauges.of(&instance.id) {
            own.add(&[*app, *process, *id, ("name", name.as_str())], value);
        }
    }
    own
}

/// Totals of apps: also what no instance answered.
fn of_apps(traffic: &Traffic, names: &BTreeMap<&AppId, &AppName>) -> Vec<Family> {
    let mut requests = Family::new(
        "slipway_app_requests",
        Kind::Counter,
        Unit::Count,
        "Responses by class, whoever made them.",
    );
    let mut dropped = Family::new(
        "slipway_app_dropped_requests",
        Kind::Counter,
        Unit::Count,
        "Requests answered by the proxy because no instance did.",
    );
    let mut in_flight = Family::new(
        "slipway_app_requests_in_flight",
        Kind::Gauge,
        Unit::Count,
        "Requests and websockets at this moment.",
    );
    let mut bytes = Family::new(
        "slipway_app_response_bytes",
        Kind::Counter,
        Unit::Bytes,
        "Bytes sent to clients, headers included.",
    );
    let mut bytes_in = Family::new(
        "slipway_app_request_bytes",
        Kind::Counter,
        Unit::Bytes,
        "Bytes received from clients, headers included.",
    );
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
    let mut requests =
        Family::new("slipway_instance_requests", Kind::Counter, Unit::Count, "Responses by class.");
    let mut failures = Family::new(
        "slipway_instance_failed_attempts",
        Kind::Counter,
        Unit::Count,
        "Attempts that got no answer, also where another instance answered in the end.",
    );
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
    let families: [(&str, Kind, Unit, &str, Read); 4] = [
        ("slipway_instance_cpu_seconds", Kind::Counter, Unit::Seconds, "CPU time used.", |usage| {
            number(usage.cpu_us) / 1e6
        }),
        (
            "slipway_instance_memory_bytes",
            Kind::Gauge,
            Unit::Bytes,
            "Working set: memory less reclaimable cache.",
            |usage| number(usage.memory_bytes),
        ),
        (
            "slipway_instance_network_receive_bytes",
            Kind::Counter,
            Unit::Bytes,
            "Bytes received over the instance's own network interface.",
            |usage| number(usage.net_in_bytes),
        ),
        (
            "slipway_instance_network_transmit_bytes",
            Kind::Counter,
            Unit::Bytes,
            "Bytes sent over the instance's own network interface.",
            |usage| number(usage.net_out_bytes),
        ),
    ];
    let family = |(name, kind, unit, help, read): (_, _, _, _, Read)| {
        let mut family = Family::new(name, kind, unit, help);
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
