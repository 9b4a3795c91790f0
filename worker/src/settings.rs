//! What the worker is told at its start.

use std::collections::BTreeMap;
use std::time::Duration;

use slipway_core::name::Hostname;
use slipway_core::time::Millis;

/// Settings of one worker.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Names this worker process in leases: stable over restarts of the same data directory.
    pub worker: String,
    /// Apps answer at `<app>.<app_domain>`.
    pub app_domain: Hostname,
    /// The port people reach the proxy at.
    pub public_port: u16,
    /// Builds that run at the same time.
    pub build_slots: usize,
    /// Where measurements are pushed to; nowhere unless the operator says.
    pub telemetry: Option<Collector>,
    /// Arguments of every build, such as a package index of the operator's.
    pub build_arguments: BTreeMap<String, String>,
}

/// An `OpenTelemetry` collector. It is the operator's own, who may have it anywhere.
#[derive(Debug, Clone)]
pub struct Collector {
    /// Where it takes metrics: `http://collector.internal:4318/v1/metrics`.
    pub endpoint: String,
    /// Headers of every request, such as a credential.
    pub headers: Vec<(String, String)>,
    /// Between two pushes that succeed.
    pub interval: Duration,
}

/// How a job's lease is kept. Each bound leaves room for the next.
pub mod lease {
    use super::Millis;

    /// How often a running job renews its lease.
    pub const RENEW: Millis = Millis::from_secs(5);
    /// Without a renewal for this long, the job begins nothing new.
    pub const SOFT_STOP: Millis = Millis::from_secs(15);
    /// Without a renewal for this long, the job is dropped where it is.
    pub const HARD_STOP: Millis = Millis::from_secs(20);
    /// When others may claim it.
    pub const TTL: Millis = Millis::from_secs(30);

    const _: () = assert!(
        RENEW.0 < SOFT_STOP.0 && SOFT_STOP.0 < HARD_STOP.0 && HARD_STOP.0 < TTL.0,
        "a worker must have stopped before another may start"
    );
}
