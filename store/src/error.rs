//! Why a verb of the store did not do what it was asked.

use slipway_core::config::ConfigTooLarge;
use slipway_core::deployment::IllegalTransition;
use slipway_core::domain::Domain;
use slipway_core::id::{DeploymentId, InstanceId, ReleaseId};
use slipway_core::name::{AppName, ChannelName, Email, ProcessName};
use sqlx::error::DatabaseError;

use crate::backup::BackupError;
use crate::keys::KeyError;

/// Why a verb of the store failed. Nothing is changed then.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the app name `{0}` is taken")]
    NameTaken(AppName),
    #[error("the app does not exist")]
    AppMissing,
    #[error("the app is being destroyed")]
    AppDeleting,
    #[error("the app has no process `{process}`; it has {}", listed(.known))]
    UnknownProcess { process: ProcessName, known: Vec<ProcessName> },
    #[error(
        "{count} instances of `{process}` are too many: the limit is {}",
        crate::scale::MAX_COUNT
    )]
    TooManyInstances { process: ProcessName, count: u32 },
    #[error("an app has at most {} drains", crate::drains::MAX_DRAINS)]
    TooManyDrains,
    #[error("the domain `{0}` belongs to another app")]
    DomainTaken(Domain),
    #[error("an app has at most {} domains", crate::domains::MAX_DOMAINS)]
    TooManyDomains,
    /// The process scales by itself, within bounds that the count lies outside of.
    #[error("`{process}` scales by itself between {min} and {max}: {count} is outside")]
    OutsideBounds { process: ProcessName, count: u32, min: u32, max: u32 },
    #[error(transparent)]
    Config(#[from] ConfigTooLarge),
    /// The caller saw another version of the configuration than there is now.
    #[error("the configuration changed since it was read")]
    EtagMismatch { current: String },
    #[error("deployment `{0}` is not stored")]
    DeploymentMissing(DeploymentId),
    #[error("release `{0}` is not stored")]
    ReleaseMissing(ReleaseId),
    #[error("instance `{0}` is not stored")]
    InstanceMissing(InstanceId),
    /// The deployment's state does not admit the event.
    #[error(transparent)]
    Illegal(#[from] IllegalTransition),
    /// Somebody else moved it between our look and our write.
    #[error("it was changed by somebody else meanwhile")]
    Stale,
    /// The job was claimed by somebody else, or has ended: stop, and touch nothing.
    #[error("the lease of the job is lost")]
    LostLease,
    #[error(transparent)]
    Member(#[from] MemberError),
    #[error("{} alerts are the most there can be", crate::alerts::MOST_RULES)]
    TooManyAlerts,
    #[error("there is a channel `{0}` already")]
    ChannelNameTaken(ChannelName),
    /// A value could not be sealed or opened.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The database did not admit us in time; trying again later is right.
    #[error("the database is busy")]
    Busy,
    /// The disk under the database has no room left.
    #[error("the disk of the database is full")]
    DiskFull,
    #[error(
        "the database is of a newer version of Slipway (schema {found}, this one knows {known}); hint: install that version again"
    )]
    NewerSchema { found: i64, known: i64 },
    #[error("could not bring the database up to date")]
    Migration(#[source] sqlx::migrate::MigrateError),
    /// Nothing is migrated that was not saved before.
    #[error("could not save the database before bringing it up to date")]
    Backup(#[from] BackupError),
    #[error("cannot use the database address: {0}")]
    Address(String),
    /// A stored value that no version of Slipway writes.
    #[error("the stored value of `{column}` cannot be read: {problem}")]
    Corrupt { column: String, problem: String },
    #[error("the database failed")]
    Database(#[source] sqlx::Error),
}

/// What is in the way of somebody's joining, leaving or changing their role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MemberError {
    #[error("the e-mail address `{0}` is taken")]
    EmailTaken(Email),
    #[error("`{0}` is a member already")]
    AlreadyMember(Email),
    /// Nobody would be left who can manage people and the server.
    #[error("`{0}` is the only admin")]
    LastAdmin(Email),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match () {
            () if is_busy(&error) => Self::Busy,
            () if is_full(&error) => Self::DiskFull,
            () => Self::Database(error),
        }
    }
}

/// Whether it is only a matter of waiting: another writer has what we want, or every connection is
/// in use. (SQLite: BUSY, and its kinds; PostgreSQL: lock not available, deadlock, serialisation.)
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    matches!(error, sqlx::Error::PoolTimedOut)
        || matches!(
            code.as_deref(),
            Some("5" | "261" | "517" | "773" | "55P03" | "40P01" | "40001")
        )
}

/// Whether the disk is what failed. (SQLite: FULL, and no room for the log's index; PostgreSQL:
/// disk full.)
fn is_full(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    matches!(code.as_deref(), Some("13" | "4874" | "53100"))
}

fn listed(known: &[ProcessName]) -> String {
    if known.is_empty() {
        return "none before its first deploy".to_owned();
    }
    known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
