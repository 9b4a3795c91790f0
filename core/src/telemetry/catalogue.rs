//! Every family that Slipway tells: its name, what it is, and what its series are told apart by.

use super::{Kind, Unit};

/// What is always true of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Definition {
    /// With the unit at its end, without `_total`.
    pub name: &'static str,
    pub kind: Kind,
    pub unit: Unit,
    /// The names of its labels, in order.
    pub labels: &'static [&'static str],
    pub help: &'static str,
}

const APP: &[&str] = &["app"];
const INSTANCE: &[&str] = &["app", "process", "instance_id"];

const fn define(
    kind: Kind,
    name: &'static str,
    unit: Unit,
    labels: &'static [&'static str],
    help: &'static str,
) -> Definition {
    Definition { name, kind, unit, labels, help }
}

macro_rules! catalogue {
    ($($constant:ident: $kind:ident $name:literal $unit:ident $labels:expr, $help:literal;)*) => {
        $(pub const $constant: Definition =
            define(Kind::$kind, $name, Unit::$unit, $labels, $help);)*
        /// All of them, in the order in which they are explained.
        pub const ALL: &[Definition] = &[$($constant),*];
    };
}

catalogue! {
    APP_REQUESTS: Counter "slipway_app_requests" Count &["app", "class"],
        "Responses by class, whoever made them; files that nginx serves are none.";
    APP_DROPPED_REQUESTS: Counter "slipway_app_dropped_requests" Count APP,
        "Requests answered by the proxy because no instance did.";
    APP_REQUESTS_IN_FLIGHT: Gauge "slipway_app_requests_in_flight" Count APP,
        "Requests and websockets at this moment.";
    APP_REQUEST_DURATION: Histogram "slipway_app_request_duration_seconds" Seconds APP,
        "From a request's arrival to the end of its response; without websockets and streams.";
    APP_QUEUE_DURATION: Histogram "slipway_app_queue_duration_seconds" Seconds APP,
        "What a request waited before an instance got it.";
    APP_REQUEST_BYTES: Counter "slipway_app_request_bytes" Bytes APP,
        "Bytes received from clients, headers included.";
    APP_RESPONSE_BYTES: Counter "slipway_app_response_bytes" Bytes APP,
        "Bytes sent to clients, headers included.";
    APP_RELEASE: Gauge "slipway_app_release" Count APP,
        "Version of the release that serves.";
    APP_WANTED_INSTANCES: Gauge "slipway_app_wanted_instances" Count APP,
        "Instances an app is to have.";
    DEPLOYMENTS: Gauge "slipway_deployments" Count &["app", "kind", "state"],
        "Deployments so far, by kind and state; a rollback is one of kind rollback.";
    INSTANCE_READY: Gauge "slipway_instance_ready" Count INSTANCE,
        "1 for an instance that passes its health check, else 0.";
    INSTANCE_RESTARTS: Counter "slipway_instance_restarts" Count INSTANCE,
        "Starts after the process ended by itself.";
    INSTANCE_REQUESTS: Counter "slipway_instance_requests" Count
        &["app", "process", "instance_id", "class"],
        "Responses by class.";
    INSTANCE_FAILED_ATTEMPTS: Counter "slipway_instance_failed_attempts" Count INSTANCE,
        "Attempts that got no answer, also where another instance answered in the end.";
    INSTANCE_CPU: Counter "slipway_instance_cpu_seconds" Seconds INSTANCE,
        "CPU time used.";
    INSTANCE_MEMORY: Gauge "slipway_instance_memory_bytes" Bytes INSTANCE,
        "Working set: memory less reclaimable cache.";
    INSTANCE_MEMORY_LIMIT: Gauge "slipway_instance_memory_limit_bytes" Bytes INSTANCE,
        "What an instance may use before it is killed.";
    INSTANCE_NETWORK_RECEIVE: Counter "slipway_instance_network_receive_bytes" Bytes INSTANCE,
        "Bytes received over the instance's own network interface.";
    INSTANCE_NETWORK_TRANSMIT: Counter "slipway_instance_network_transmit_bytes" Bytes INSTANCE,
        "Bytes sent over the instance's own network interface.";
    CUSTOM: Gauge "slipway_custom" Count &["app", "process", "instance_id", "name"],
        "Gauges that an app exposes itself, by name.";
    HTTP_REQUESTS: Counter "slipway_http_requests" Count &["method", "route", "status"],
        "Answers of the API, by method, route and status.";
    HTTP_REQUEST_DURATION: Histogram "slipway_http_request_duration_seconds" Seconds &["method"],
        "Time until the head of an answer of the API; streams go on after it.";
    JOBS: Gauge "slipway_jobs" Count &["state"],
        "Jobs that are not done, by state.";
    WORKER_UP: Gauge "slipway_worker_up" Count &[],
        "1 when the worker tells what it measures, else 0 and its series are absent.";
    COMPONENT_UP: Gauge "slipway_component_up" Count &["component"],
        "1 for a part of the server that is well, else 0.";
    BUILD_INFO: Gauge "slipway_build_info" Count &["version"],
        "Always 1, with the version of the worker.";
    HOST_CPU: Counter "slipway_host_cpu_seconds" Seconds &["mode"],
        "CPU time of all cores since the host's start.";
    HOST_MEMORY: Gauge "slipway_host_memory_bytes" Bytes &["kind"],
        "The host's memory, and what of it is available to a new program.";
    HOST_LOAD: Gauge "slipway_host_load1" Count &[],
        "Runnable processes, averaged over a minute.";
    HOST_DISK: Gauge "slipway_host_disk_bytes" Bytes &["kind"],
        "The file system of the data directory, and what of it is free.";
}
