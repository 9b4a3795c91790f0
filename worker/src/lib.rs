//! The worker: builds images, runs instances, feeds the proxy.
//!
//! Two mechanisms, kept apart. *Jobs* ([`runner`]) are one-off, durable and have an input: a build,
//! a release command, a destroyed app. *Tasks* ([`tasks`]) are reconcilers without input: they look
//! at the world and move it towards what is wanted, whatever happened before.

mod announce;
pub mod attach;
pub mod builder;
pub mod context;
mod disk;
pub mod engine;
mod environment;
mod health;
mod jobs;
pub mod metrics;
pub mod notify;
pub mod outbound;
mod output;
pub mod proxy;
pub mod rounds;
mod runner;
pub mod settings;
mod socket;
pub mod source;
mod static_files;
mod tasks;
pub mod telemetry;

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::context::{Host, Shared};
use crate::tasks::autoscale::Autoscaler;
use crate::tasks::instances::Instances;

/// Runs the worker until `stop` fires; returns when everything has come to a safe point. Apps and
/// nginx go on without it.
pub async fn run<H: Host>(context: Shared<H>, stop: CancellationToken) {
    let mut parts = JoinSet::new();
    parts.spawn(Instances::new(Arc::clone(&context)).run(stop.clone()));
    parts.spawn(runner::run(Arc::clone(&context), stop.clone()));
    parts.spawn(attach::listen(Arc::clone(&context), stop.clone()));
    parts.spawn(telemetry::listen(Arc::clone(&context), stop.clone()));
    parts.spawn(telemetry::scrape(Arc::clone(&context), stop.clone()));
    parts.spawn(telemetry::push(Arc::clone(&context), stop.clone()));
    parts.spawn(tasks::deadlines::run(Arc::clone(&context), stop.clone()));
    parts.spawn(tasks::proxy::run(Arc::clone(&context), stop.clone()));
    parts.spawn(tasks::logs::run(Arc::clone(&context), stop.clone()));
    parts.spawn(tasks::monitor::run(Arc::clone(&context), stop.clone()));
    parts.spawn(tasks::access::run(Arc::clone(&context), stop.clone()));
    parts.spawn(tasks::drains::run(Arc::clone(&context), stop.clone()));
    parts.spawn(Autoscaler::new(Arc::clone(&context)).run(stop.clone()));
    parts.spawn(tasks::wake::run(Arc::clone(&context), stop.clone()));
    parts.spawn(tasks::status::run(Arc::clone(&context), stop.clone()));
    parts.spawn(tasks::alerts::run(Arc::clone(&context), stop.clone()));
    parts.spawn(tasks::deliveries::run(Arc::clone(&context), stop.clone()));
    parts.spawn(tasks::janitor::run(context, stop.clone()));
    while let Some(ended) = parts.join_next().await {
        if let Err(error) = ended {
            // A reconciler that is gone would leave the rest pretending; the supervisor restarts us.
            tracing::error!(%error, "a part of the worker ended unexpectedly");
            stop.cancel();
        }
    }
}
