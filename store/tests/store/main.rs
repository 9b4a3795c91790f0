//! The store's suite: bodies × backends. Every body runs on SQLite and on a real PostgreSQL.

#![expect(clippy::unwrap_used, reason = "what is not there in a test fails it")]

/// Makes a module of tests for each database out of the bodies, which take a [`bench::Bench`].
macro_rules! on_both_databases {
    ($($body:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $body() -> anyhow::Result<()> {
                super::$body(crate::bench::Bench::sqlite().await?).await
            })*
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $body() -> anyhow::Result<()> {
                super::$body(crate::bench::Bench::postgres().await?).await
            })*
        }
    };
}

mod alerts;
mod apps;
mod autoscale;
mod backup;
mod bench;
mod config;
mod data_dir;
mod database;
mod deployments;
mod domains;
mod drains;
mod events;
mod instances;
mod jobs;
mod log_search;
mod logs;
mod members;
mod people;
mod precedence;
mod records;
mod releases;
mod room;
mod samples;
mod scale;
mod statements;
