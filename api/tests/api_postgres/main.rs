//! The same API tests with everything in a real PostgreSQL: all but those of the OpenAPI
//! document, which knows no database, and of SQLite's lock.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

#[path = "../api/account.rs"]
mod account;
#[path = "../api/apps.rs"]
mod apps;
#[path = "../api/attach.rs"]
mod attach;
#[path = "../api/authorization.rs"]
mod authorization;
#[path = "../api/autoscale.rs"]
mod autoscale;
#[path = "../api/client.rs"]
mod client;
#[path = "../api/config.rs"]
mod config;
#[path = "../api/deployments.rs"]
mod deployments;
#[path = "../api/domains.rs"]
mod domains;
#[path = "../api/drains.rs"]
mod drains;
#[path = "../api/exposition.rs"]
mod exposition;
#[path = "../api/git_push.rs"]
mod git_push;
#[path = "../api/git_rules.rs"]
mod git_rules;
#[path = "../api/idempotency.rs"]
mod idempotency;
#[path = "../api/limits.rs"]
mod limits;
#[path = "../api/members.rs"]
mod members;
#[path = "../api/metrics.rs"]
mod metrics;
#[path = "../api/person.rs"]
mod person;
#[path = "../api/repository.rs"]
mod repository;
#[path = "../api/sign_in.rs"]
mod sign_in;
#[path = "../api/streams.rs"]
mod streams;
#[path = "../api/visitors.rs"]
mod visitors;
#[path = "../api/worker.rs"]
mod worker;
#[path = "../api/world.rs"]
mod world;

/// What this run of the tests keeps everything in.
const DATABASE: slipway_store::Backend = slipway_store::Backend::Postgres;
