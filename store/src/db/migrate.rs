//! The schema, brought up to date when the database is opened.

use sqlx::AnyPool;
use sqlx::migrate::{MigrateError, Migrator};

use crate::error::StoreError;

/// The files of `/migrations`.
static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// Applies what is missing, each migration in its own transaction.
pub(super) async fn migrate(writer: &AnyPool) -> Result<(), StoreError> {
    MIGRATIONS.run(writer).await.map_err(|error| match error {
        // The database knows a migration that we do not.
        MigrateError::VersionMissing(found) => {
            let known = MIGRATIONS.iter().map(|migration| migration.version).max();
            StoreError::NewerSchema { found, known: known.unwrap_or_default() }
        }
        error => StoreError::Migration(error),
    })
}
