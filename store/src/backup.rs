//! A consistent copy of the embedded database, taken while others write to it.
//!
//! The copy is SQLite's own (`VACUUM INTO`): one read transaction, so that it is the database at one
//! moment, and no writer waits for it. What it holds sealed stays sealed: the keys live elsewhere.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sqlx::{AnyConnection, Connection, Row};

use crate::clock;

/// How many of the copies that precede a change of the schema are kept.
const KEPT: usize = 3;
/// What the names of those copies begin with.
const PREFIX: &str = "before-schema-";

/// Why there is no copy. The target is as it was.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error(
        "only the embedded database is saved by Slipway; hint: save a PostgreSQL database with `pg_dump`"
    )]
    NotEmbedded,
    #[error("there is no database at `{}`; hint: name the data directory with `--data`", path.display())]
    Absent { path: PathBuf },
    #[error("`{}` exists; hint: choose another name, nothing is overwritten", path.display())]
    Exists { path: PathBuf },
    #[error("cannot write `{}`", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("the database could not be copied")]
    Database(#[from] sqlx::Error),
    #[error("the copy is not sound: {problem}")]
    Unsound { problem: String },
}

/// Saves the database at `url` as the new file `target`, readable by its owner alone, and returns
/// its size in bytes. The database may be in use meanwhile; nothing of it is changed.
///
/// # Errors
/// When the database is not an SQLite file, the target exists, or the copy cannot be made or is not
/// sound.
pub async fn save_copy(url: &str, target: &Path) -> Result<u64, BackupError> {
    let database = file_of(url).ok_or(BackupError::NotEmbedded)?;
    if !database.exists() {
        return Err(BackupError::Absent { path: database });
    }
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(&reading(&database)).await?;
    let copied = copy_into(&mut connection, target).await;
    connection.close().await?;
    copied
}

/// Saves the database that a change of its schema is about to touch, and forgets all but the last
/// three of such copies.
pub(crate) async fn save_before_migration(
    connection: &mut AnyConnection,
    url: &str,
    schema: i64,
) -> Result<(), BackupError> {
    let Some(folder) = file_of(url).and_then(|file| Some(file.parent()?.join("backups"))) else {
        return Ok(());
    };
    let failed = |source| BackupError::File { path: folder.clone(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(failed)?;
    // The time comes first after the prefix, so that names sort by age.
    let name = format!("{PREFIX}{:015}-{schema:04}.db", clock::now().0);
    let bytes = copy_into(connection, &folder.join(&name)).await?;
    tracing::info!(bytes, "saved the database to `{name}` before bringing it up to date");
    forget_oldest(&folder).map_err(failed)
}

async fn copy_into(connection: &mut AnyConnection, target: &Path) -> Result<u64, BackupError> {
    if target.exists() {
        return Err(BackupError::Exists { path: target.to_owned() });
    }
    let failed = |source| BackupError::File { path: target.to_owned(), source };
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let staged = folder.join(format!(".{name}.{}", std::process::id()));
    // SQLite copies into an empty file as well, and this one is nobody else's from the start.
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&staged)
        .map_err(failed)?;
    let made = fill(connection, &staged).await;
    let made = made.and_then(|()| settle(&staged, target, folder).map_err(failed));
    if made.is_err() {
        // What is left of it is of no use; that the copy failed is what matters.
        let _ = std::fs::remove_file(&staged);
    }
    made
}

/// Copies, and reads the copy back.
async fn fill(connection: &mut AnyConnection, staged: &Path) -> Result<(), BackupError> {
    let path = staged.to_string_lossy().into_owned();
    statement!("database/copy_into.sqlite", path).execute(&mut *connection).await?;
    let mut copy = AnyConnection::connect(&reading(staged)).await?;
    let row = statement!("database/quick_check.sqlite").fetch_one(&mut copy).await?;
    let verdict: String = row.try_get(0)?;
    copy.close().await?;
    if verdict == "ok" { Ok(()) } else { Err(BackupError::Unsound { problem: verdict }) }
}

/// Gives the copy its name once all of it is on the disk. A link, unlike a rename, replaces nothing.
fn settle(staged: &Path, target: &Path, folder: &Path) -> io::Result<u64> {
    let file = File::open(staged)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.sync_all()?;
    std::fs::hard_link(staged, target)?;
    std::fs::remove_file(staged)?;
    File::open(folder)?.sync_all()?;
    Ok(file.metadata()?.len())
}

fn forget_oldest(folder: &Path) -> io::Result<()> {
    let mut copies = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            copies.push(entry.path());
        }
    }
    copies.sort_unstable();
    let surplus = copies.len().saturating_sub(KEPT);
    copies.iter().take(surplus).try_for_each(std::fs::remove_file)
}

/// The file that an SQLite address names.
fn file_of(url: &str) -> Option<PathBuf> {
    let rest = url.strip_prefix("sqlite:")?;
    let path = rest.strip_prefix("//").unwrap_or(rest);
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    (!path.is_empty() && path != ":memory:").then(|| PathBuf::from(path))
}

/// An address under which nothing is made.
fn reading(file: &Path) -> String {
    format!("sqlite://{}?mode=rw", file.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_an_address_is_found() {
        let file = |url| file_of(url).map(|path| path.display().to_string());
        assert_eq!(file("sqlite:///a/b.db?mode=rwc").as_deref(), Some("/a/b.db"));
        assert_eq!(file("sqlite:b.db").as_deref(), Some("b.db"));
        assert_eq!(file("sqlite::memory:"), None);
        assert_eq!(file("postgres://host/b.db"), None);
    }
}
