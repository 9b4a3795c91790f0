//! The schema, brought up to date when the database is opened.

use sqlx::AnyPool;
use sqlx::migrate::{MigrateError, Migrator};

use super::{Backend, Columns};
use crate::backup;
use crate::error::StoreError;

/// The files of `/migrations`.
static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// How often it is tried when another process is at it too.
const TRIES: u32 = 5;

/// Applies what is missing, each migration in its own transaction. An embedded database that holds
/// something already is saved first.
///
/// On PostgreSQL sqlx lets one process migrate at a time. On SQLite nothing does: of two that open
/// a new database at once, one fails at what the other has just made, looks again and finds it done.
pub(super) async fn migrate(
    writer: &AnyPool,
    backend: Backend,
    url: &str,
) -> Result<(), StoreError> {
    if backend == Backend::Sqlite {
        save(&MIGRATIONS, writer, url).await?;
    }
    apply(&MIGRATIONS, writer).await
}

fn newest(migrations: &Migrator) -> i64 {
    migrations.iter().map(|migration| migration.version).max().unwrap_or_default()
}

/// Saves a database that is about to be changed; one without a schema has nothing to lose, and a
/// newer one is not going to be touched.
async fn save(migrations: &Migrator, writer: &AnyPool, url: &str) -> Result<(), StoreError> {
    let mut connection = writer.acquire().await?;
    let tables: i64 = statement!("database/has_schema.sqlite")
        .fetch_one(&mut *connection)
        .await?
        .col("tables")?;
    if tables == 0 {
        return Ok(());
    }
    let version: i64 =
        statement!("database/schema_version").fetch_one(&mut *connection).await?.col("version")?;
    if (1..newest(migrations)).contains(&version) {
        backup::save_before_migration(&mut connection, url, version).await?;
    }
    Ok(())
}

async fn apply(migrations: &Migrator, writer: &AnyPool) -> Result<(), StoreError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match migrations.run(writer).await {
            Ok(()) => return Ok(()),
            // The database knows a migration that we do not.
            Err(MigrateError::VersionMissing(found)) => {
                return Err(StoreError::NewerSchema { found, known: newest(migrations) });
            }
            Err(MigrateError::Execute(_) | MigrateError::ExecuteMigration(..)) if tries < TRIES => {
            }
            Err(error) => return Err(StoreError::Migration(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sqlx::Executor;
    use tempfile::TempDir;

    use super::*;
    use crate::db::{StoreSettings, connect};

    /// A database in a folder, and migrations beside it.
    struct Bench {
        folder: TempDir,
        url: String,
        writer: AnyPool,
    }

    impl Bench {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            std::fs::create_dir(folder.path().join("migrations")).unwrap();
            let url = format!("sqlite://{}", folder.path().join("slipway.db").display());
            let settings = StoreSettings { url: url.clone(), max_connections: 2 };
            let writer = connect::pools(Backend::Sqlite, &settings).await.unwrap().writer;
            Self { folder, url, writer }
        }

        /// Adds a migration, and brings the database up to date with all there are.
        async fn migrate(&self, version: i64, sql: &str) -> Result<(), StoreError> {
            let migrations = self.folder.path().join("migrations");
            std::fs::write(migrations.join(format!("{version:04}_step.sql")), sql).unwrap();
            let migrations = Migrator::new(migrations.as_path()).await.unwrap();
            save(&migrations, &self.writer, &self.url).await?;
            apply(&migrations, &self.writer).await
        }

        fn copies(&self) -> Vec<std::path::PathBuf> {
            let Ok(entries) = std::fs::read_dir(self.folder.path().join("backups")) else {
                return Vec::new();
            };
            let mut copies: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
            copies.sort();
            copies
        }
    }

    async fn names(database: &Path) -> Vec<String> {
        let copy = AnyPool::connect(&format!("sqlite://{}", database.display())).await.unwrap();
        let rows = copy.fetch_all("SELECT name FROM things ORDER BY name").await.unwrap();
        rows.iter().map(|row| row.col("name").unwrap()).collect()
    }

    #[tokio::test]
    async fn a_migration_that_fails_half_way_leaves_the_database_as_it_was_and_saved() {
        let bench = Bench::new().await;
        bench.migrate(1, "CREATE TABLE things (name TEXT)").await.unwrap();
        assert!(bench.copies().is_empty(), "a new database has nothing to lose");
        bench.writer.execute("INSERT INTO things VALUES ('kept')").await.unwrap();

        let half = "CREATE TABLE others (id TEXT); DELETE FROM things; DELETE FROM nowhere";
        let failed = bench.migrate(2, half).await.unwrap_err();
        assert!(matches!(failed, StoreError::Migration(_)), "{failed:?}");
        assert_eq!(names(&bench.folder.path().join("slipway.db")).await, ["kept"]);
        assert!(
            bench.writer.execute("SELECT id FROM others").await.is_err(),
            "nothing is half done"
        );
        let copies = bench.copies();
        assert_eq!(copies.len(), 1);
        assert_eq!(names(&copies[0]).await, ["kept"]);

        std::fs::remove_file(bench.folder.path().join("migrations/0002_step.sql")).unwrap();
        bench.migrate(2, "CREATE TABLE others (id TEXT)").await.unwrap();
        bench.writer.execute("SELECT id FROM others").await.unwrap();
    }

    #[tokio::test]
    async fn the_last_three_copies_before_a_change_of_schema_are_kept() {
        let bench = Bench::new().await;
        bench.migrate(1, "CREATE TABLE things (name TEXT)").await.unwrap();
        for version in 2..=6 {
            let add = format!("INSERT INTO things VALUES ('{version}')");
            bench.migrate(version, &add).await.unwrap();
        }
        let copies = bench.copies();
        assert_eq!(copies.len(), 3, "{copies:?}");
        assert_eq!(names(&copies[0]).await, ["2", "3"], "the oldest one kept is before the fourth");
        assert_eq!(names(&copies[2]).await, ["2", "3", "4", "5"]);
        bench.migrate(6, "INSERT INTO things VALUES ('6')").await.unwrap();
        assert_eq!(bench.copies(), copies, "without a change nothing is saved");
    }
}
