//! One method for each route, one file for each family.

mod alerts;
mod apps;
mod auth;
mod autoscale;
mod config;
mod deployments;
mod domains;
mod drains;
mod events;
pub(crate) mod logs;
mod members;
pub(crate) mod metrics;
mod processes;
pub(crate) mod releases;
mod runs;
mod server;
