//! Connections, and how each is set up.

use std::borrow::Cow;

use sqlx::any::{AnyPoolOptions, install_default_drivers};
use sqlx::{AnyPool, Connection, Executor};

use super::{Backend, PATIENCE, StoreSettings};
use crate::error::StoreError;

/// A write is on the disk before it is acknowledged, and readers never wait for the writer.
const SQLITE_WRITER: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
    PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000; \
    PRAGMA journal_size_limit = 67108864";
const SQLITE_READER: &str = "PRAGMA busy_timeout = 5000; PRAGMA query_only = ON";
/// No statement waits for a lock, or runs, for longer than a caller has patience.
const POSTGRES: &str = "SET lock_timeout = '5s'; SET statement_timeout = '30s'; \
    SET idle_in_transaction_session_timeout = '60s'; SET timezone = 'UTC'";

pub(super) struct Pools {
    pub reader: AnyPool,
    pub writer: AnyPool,
}

/// Which database an address means.
pub(super) fn backend(url: &str) -> Result<Backend, StoreError> {
    match url.split_once(':') {
        Some(("sqlite", _)) => Ok(Backend::Sqlite),
        Some(("postgres" | "postgresql", _)) => Ok(Backend::Postgres),
        // The address may hold a password: only its scheme is repeated.
        scheme => Err(StoreError::Address(format!(
            "it begins with `{}`, and has to begin with `sqlite:` or `postgres:`",
            scheme.map_or("", |(scheme, _)| scheme)
        ))),
    }
}

/// Connects. The writer comes first: it makes the file, and sets the journal's mode.
pub(super) async fn pools(backend: Backend, settings: &StoreSettings) -> Result<Pools, StoreError> {
    install_default_drivers();
    let most = settings.max_connections.max(2);
    match backend {
        Backend::Sqlite => {
            let url = creating(&settings.url);
            let writer = pool(backend, &url, 1, SQLITE_WRITER).await?;
            let reader = pool(backend, &url, most - 1, SQLITE_READER).await?;
            Ok(Pools { reader, writer })
        }
        Backend::Postgres => {
            let writer = pool(backend, &settings.url, most, POSTGRES).await?;
            Ok(Pools { reader: writer.clone(), writer })
        }
    }
}

fn creating(url: &str) -> Cow<'_, str> {
    if url.contains('?') { url.into() } else { format!("{url}?mode=rwc").into() }
}

async fn pool(
    backend: Backend,
    url: &str,
    most: u32,
    setup: &'static str,
) -> Result<AnyPool, StoreError> {
    let options = AnyPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(PATIENCE)
        // A ping before every statement doubles its cost, and a file does not hang up.
        .test_before_acquire(backend == Backend::Postgres)
        // On a full disk SQLite ends a transaction by itself, and the driver goes on counting it:
        // such a connection would never begin another one, and is replaced.
        .before_acquire(|connection, _| {
            let usable = !connection.is_in_transaction();
            Box::pin(async move { Ok(usable) })
        })
        .after_connect(move |connection, _| {
            Box::pin(async move { connection.execute(setup).await.map(drop) })
        });
    Ok(options.connect(url).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_address_is_refused_without_its_password() {
        let refused = backend("mysql://root:hunter2@db/slipway").unwrap_err().to_string();
        assert!(refused.contains("`mysql`") && !refused.contains("hunter2"), "{refused}");
        assert!(backend("/var/lib/slipway.db").is_err());
    }
}
