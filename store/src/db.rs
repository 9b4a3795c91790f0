//! The database: opened, brought up to date, and entered through two doors.
//!
//! Reads go straight to a pool. Writes go through [`Store::begin_write`], which on SQLite is one
//! connection that takes the write lock at once: a transaction that began as a reader and turns
//! into a writer would fail at once, whatever the busy timeout says.

#[macro_use]
mod statement;

mod columns;
mod connect;
mod migrate;
mod write;

use std::sync::Arc;
use std::time::{Duration, Instant};

use slipway_core::id::InstallationId;
use slipway_core::time::Timestamp;
use sqlx::AnyPool;
use tokio::sync::watch;

pub(crate) use self::columns::{Columns, Json, json};
pub(crate) use self::statement::highest_parameter;
pub(crate) use self::write::WriteTx;
use crate::error::StoreError;
use crate::wakes::Wakes;
use crate::{clock, mint};

/// How long any verb waits to be admitted to the database.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait for a hint where every change comes with one.
const HINTED: Duration = Duration::from_secs(5);
/// How often everything is read again there, to be sure.
const RESYNC: Duration = Duration::from_secs(15);
/// How long to wait where changes come without.
const UNHINTED: Duration = Duration::from_secs(2);
/// How often the beginning of a write is tried within that time.
const TRIES: u32 = 3;

/// Which database, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreSettings {
    /// `sqlite:///path/slipway.db` or `postgres://…`.
    pub url: String,
    /// Most connections of this process.
    pub max_connections: u32,
}

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

impl Backend {
    /// The name as people read it in the status.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// The state of an installation. Clones share it.
#[derive(Debug, Clone)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    backend: Backend,
    reader: AnyPool,
    /// On PostgreSQL the same pool as `reader`.
    writer: AnyPool,
    wakes: Wakes,
    /// The mode, which only [`Store::look_after_room`] changes.
    read_only: watch::Sender<bool>,
}

impl Store {
    /// Opens the database, makes it if it is an absent SQLite file, and brings it up to date.
    ///
    /// # Errors
    /// [`StoreError::NewerSchema`] for a database of a newer version, which is left alone.
    pub async fn open(settings: &StoreSettings) -> Result<Self, StoreError> {
        let backend = connect::backend(&settings.url)?;
        let pools = connect::pools(backend, settings).await?;
        migrate::migrate(&pools.writer, backend, &settings.url).await?;
        let store = Self(Arc::new(Inner {
            backend,
            reader: pools.reader,
            writer: pools.writer,
            wakes: Wakes::default(),
            read_only: watch::Sender::new(false),
        }));
        store.found_installation().await?;
        Ok(store)
    }

    pub fn backend(&self) -> Backend {
        self.0.backend
    }

    /// How long to wait for a hint before looking anyway. SQLite has every writer in this process,
    /// and so every change comes with its hint; PostgreSQL has writers in others, whose hints do not
    /// come here.
    pub fn patience(&self) -> Duration {
        match self.0.backend {
            Backend::Sqlite => HINTED,
            Backend::Postgres => UNHINTED,
        }
    }

    /// How long what was read is believed while no hint contradicts it, where all of it is read again
    /// to be sure.
    pub fn resync(&self) -> Duration {
        match self.0.backend {
            Backend::Sqlite => RESYNC,
            Backend::Postgres => UNHINTED,
        }
    }

    /// The hints of this process.
    pub fn wakes(&self) -> &Wakes {
        &self.0.wakes
    }

    /// Asks the database for a sign of life.
    pub async fn check(&self) -> Result<(), StoreError> {
        statement!("database/check").fetch_one(self.reader()).await?;
        Ok(())
    }

    /// Which installation this is; decided when the database was first opened.
    pub async fn installation(&self) -> Result<InstallationId, StoreError> {
        statement!("database/installation").fetch_one(self.reader()).await?.col("id")
    }

    /// Closes every connection; on SQLite the last one out folds the write-ahead log in.
    pub async fn close(&self) {
        self.0.reader.close().await;
        self.0.writer.close().await;
    }

    async fn found_installation(&self) -> Result<(), StoreError> {
        let id: InstallationId = mint::id();
        let mut tx = self.begin_write().await?;
        statement!("database/create_installation", id.to_string(), clock::now().0)
            .execute(tx.connection())
            .await?;
        tx.commit().await
    }

    pub(crate) fn read_only(&self) -> &watch::Sender<bool> {
        &self.0.read_only
    }

    pub(crate) fn reader(&self) -> &AnyPool {
        &self.0.reader
    }

    /// Begins a transaction that may write.
    pub(crate) async fn begin_write(&self) -> Result<WriteTx, StoreError> {
        let statement = match self.0.backend {
            Backend::Sqlite => "BEGIN IMMEDIATE",
            Backend::Postgres => "BEGIN",
        };
        let began = Instant::now();
        let mut tries = 0;
        loop {
            tries += 1;
            match self.0.writer.begin_with(statement).await.map_err(StoreError::from) {
                Ok(tx) => return Ok(WriteTx::new(tx, self.0.wakes.clone())),
                Err(StoreError::Busy) if tries < TRIES && began.elapsed() < PATIENCE => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The time by the database's own clock, which everybody who leases agrees on.
    pub(crate) async fn database_now(&self, tx: &mut WriteTx) -> Result<Timestamp, StoreError> {
        statement_pair!(self.backend(), "database/now")
            .fetch_one(tx.connection())
            .await?
            .col("now_ms")
    }
}
