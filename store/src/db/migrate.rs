//! The schema, brought up to date when the database is opened.

use sqlx::AnyPool;
use sqlx::migrate::{MigrateError, Migrator};

use crate::error::StoreError;

/// The files of `/migrations`.
static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// How often it is tried when another process is at it too.
const TRIES: u32 = 5;

/// Applies what is missing, each migration in its own transaction.
///
/// On PostgreSQL sqlx lets one process migrate at a time. On SQLite nothing does: of two that open
/// a new database at once, one fails at what the other has just made, looks again and finds it done.
pub(super) async fn migrate(writer: &AnyPool) -> Result<(), StoreError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match MIGRATIONS.run(writer).await {
            Ok(()) => return Ok(()),
            // The database knows a migration that we do not.
            Err(MigrateError::VersionMissing(found)) => {
                let known = MIGRATIONS.iter().map(|migration| migration.version).max();
                return Err(StoreError::NewerSchema { found, known: known.unwrap_or_default() });
            }
            Err(MigrateError::Execute(_) | MigrateError::ExecuteMigration(..)) if tries < TRIES => {
            }
            Err(error) => return Err(StoreError::Migration(error)),
        }
    }
}
