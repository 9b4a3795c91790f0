//! A copy of the database, taken while the server runs.

use std::io::Write;

use slipway_store::save_copy;

use crate::config::Backup;

/// Saves the database, and says what has to be kept with it: the data directory is neither made nor
/// changed, and the server is not disturbed.
///
/// # Errors
/// When the file exists or cannot be written, or the database is not the embedded one.
pub async fn run(backup: &Backup) -> anyhow::Result<()> {
    let server = &backup.server;
    let bytes = save_copy(&server.database_url(), &backup.path).await?;
    let (path, data) = (backup.path.display(), server.data.display());
    let kib = bytes.div_ceil(1024);
    writeln!(
        std::io::stdout(),
        "saved the database to `{path}` ({kib} KiB)\n\
         not in it, and to be kept apart from it: `{data}/keys`, without which the configuration \
         of the apps cannot be read\n\
         not in it either: `{data}/sources`, `{data}/git` and `{data}/logs`\n\
         to restore: stop the server, put the copy in the place of `{data}/slipway.db`, remove \
         `slipway.db-wal` and `slipway.db-shm` beside it, and start the server"
    )?;
    Ok(())
}
