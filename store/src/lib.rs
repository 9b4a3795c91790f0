//! The state of an installation: every verb that the API and the worker share.
//!
//! A verb is an `async fn` of [`Store`] and one transaction. What it changes, the event that tells
//! of it and the job that follows from it are written together or not at all; whoever waits for
//! that kind of change is woken afterwards ([`wakes`]). One set of statements, under `sql/`, serves
//! SQLite and PostgreSQL; `migrations/README.md` has the dialect.
//!
//! Beside the database stand two things that live in files: the lines of the apps' logs
//! ([`logs`]), and the keys that configuration values are sealed with ([`keys`]).

#[macro_use]
mod db;

pub mod alerts;
pub mod apps;
pub mod audit;
pub mod autoscale;
pub mod backup;
pub mod channels;
pub mod claims;
pub mod clock;
pub mod components;
pub mod config;
pub mod data_dir;
pub mod deployments;
pub mod domains;
pub mod drains;
pub mod error;
pub mod events;
pub mod idempotency;
pub mod instances;
pub mod invitations;
pub mod jobs;
pub mod keys;
pub mod logs;
pub mod members;
pub mod mint;
pub mod releases;
pub mod room;
pub mod samples;
pub mod scale;
pub mod sessions;
pub mod sources;
pub mod tokens;
pub mod users;
pub mod wakes;

pub use self::alerts::{AlertChange, AlertScope, AlertWrite, Statuses};
pub use self::apps::{App, AppRow, AppState, FleetEntry, LiveRelease};
pub use self::audit::AuditRow;
pub use self::autoscale::{Autoscaled, Decided};
pub use self::backup::{BackupError, save_copy};
pub use self::channels::{ChannelRow, Message, Owed};
pub use self::components::ComponentRow;
pub use self::config::{ConfigOutcome, SealedConfig};
pub use self::data_dir::{DataDir, DataDirError, DataDirLock};
pub use self::db::{Backend, Store, StoreSettings};
pub use self::deployments::{Begun, DeploymentTally, NewDeployment};
pub use self::domains::{DomainOutcome, DomainRow, NewDomain};
pub use self::drains::{Drain, DrainTrial, NewDrain};
pub use self::error::{MemberError, StoreError};
pub use self::idempotency::Idempotency;
pub use self::instances::{Instance, InstanceUpdate};
pub use self::invitations::{Invitation, NewInvitation};
pub use self::jobs::{Job, JobCounts, JobKind, JobRow, JobState};
pub use self::keys::{KeyError, KeyRing};
pub use self::logs::{LogFilter, LogPage, LogPosition, LogStore, LogTail};
pub use self::releases::NewRelease;
pub use self::room::{Reserve, Space};
pub use self::samples::{InstanceSample, ProcessSample, SampleBatch};
pub use self::sessions::{NewSession, Rotated};
pub use self::tokens::{NewToken, Token};
pub use self::users::Account;
pub use self::wakes::{Topic, Wake, Wakes};
