//! What people can rely on, shown on whole installations: real Docker, nginx, git and databases.

mod alerts;
mod attached;
mod autoscale;
mod backup;
mod concurrency;
mod config;
mod console;
mod crashes;
mod disk;
mod docs;
mod domains;
mod failures;
mod gauges;
mod healing;
mod kinds;
mod logs;
mod members;
mod metrics;
mod neighbours;
mod push;
mod roles;
mod rollback;
mod scale;
mod strangers;
mod telemetry;

/// What a test returns: an error carries what it was doing.
type Outcome = anyhow::Result<()>;
