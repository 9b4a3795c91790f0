//! The API as its callers meet it: a real server on loopback, a real database, real git. The one
//! thing played is the worker, by the tests themselves.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

mod account;
mod alerts;
mod apps;
mod attach;
mod authorization;
mod autoscale;
mod client;
mod config;
mod deployments;
mod domains;
mod drains;
mod exposition;
mod git_push;
mod git_rules;
mod idempotency;
mod limits;
mod locked;
mod members;
mod metrics;
mod openapi;
mod person;
mod repository;
mod sign_in;
mod streams;
mod visitors;
mod worker;
mod world;

/// What this run of the tests keeps everything in.
const DATABASE: slipway_store::Backend = slipway_store::Backend::Sqlite;
