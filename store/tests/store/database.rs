//! What the databases do to us, and what must come of it.

use std::time::{Duration, Instant};

use slipway_core::deployment::DeploymentKind;
use slipway_store::{Backend, Store, StoreError};
use sqlx::Executor;
use tokio::task::JoinSet;

use crate::bench::{Bench, counts, settings};

on_both_databases!(
    an_installation_keeps_its_identity,
    many_who_open_a_new_database_at_once_agree,
    twenty_who_write_at_once_all_succeed,
    a_database_of_a_newer_version_is_refused_and_left_alone,
    a_foreign_lock_is_waited_for_and_then_reported,
);

async fn an_installation_keeps_its_identity(bench: Bench) -> anyhow::Result<()> {
    let before = bench.store.installation().await?;
    bench.store.check().await?;
    bench.store.close().await;
    let store = bench.beside().await?;
    assert_eq!(store.installation().await?, before);
    let expected = if bench.server.is_some() { Backend::Postgres } else { Backend::Sqlite };
    assert_eq!(store.backend(), expected);
    Ok(())
}

async fn many_who_open_a_new_database_at_once_agree(bench: Bench) -> anyhow::Result<()> {
    let url = match &bench.server {
        Some(server) => server.create_database("fresh")?,
        None => format!("sqlite://{}", bench.folder.path().join("fresh.db").display()),
    };
    let mut openings = JoinSet::new();
    for _ in 0..3 {
        let url = url.clone();
        openings.spawn(async move { Store::open(&settings(&url)).await?.installation().await });
    }
    let mut ids = Vec::new();
    while let Some(opened) = openings.join_next().await {
        ids.push(opened??);
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    Ok(())
}

/// Twenty tasks in two processes' worth of stores, on one app.
async fn twenty_who_write_at_once_all_succeed(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    bench.live(&app, "1").await?;
    let stores = [bench.store.clone(), bench.beside().await?];
    let mut writers = JoinSet::new();
    for number in 0..20 {
        let (store, id) = (stores[number % 2].clone(), app.id.clone());
        writers.spawn(async move {
            let count = u32::try_from(number).unwrap_or_default() + 2;
            store.set_scale(&id, &counts(&[("web", count)]), "ada").await?;
            store.accept(crate::bench::wanted(&id, DeploymentKind::Push)).await
        });
    }
    let mut sequences = Vec::new();
    while let Some(accepted) = writers.join_next().await {
        sequences.push(accepted??.sequence);
    }
    sequences.sort_unstable();
    assert_eq!(sequences, (2..=21).collect::<Vec<u32>>(), "each has its own number");
    let waiting = bench.store.deployments(&app.id, 100, None).await?;
    let waiting = waiting.iter().filter(|deployment| deployment.state.name() == "queued");
    assert_eq!(waiting.map(|deployment| deployment.sequence).collect::<Vec<_>>(), [21]);
    Ok(())
}

async fn a_database_of_a_newer_version_is_refused_and_left_alone(
    bench: Bench,
) -> anyhow::Result<()> {
    let raw = bench.raw().await?;
    let checksum = if bench.server.is_some() { "'\\x00'" } else { "x'00'" };
    let newer = format!(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'from the future', TRUE, {checksum}, 0)"
    );
    raw.execute(sqlx::AssertSqlSafe(newer)).await?;
    let refused = bench.beside().await.unwrap_err();
    let refused = refused.downcast::<StoreError>()?;
    assert!(matches!(refused, StoreError::NewerSchema { found: 9999, .. }), "{refused}");
    bench.store.check().await?;
    Ok(())
}

async fn a_foreign_lock_is_waited_for_and_then_reported(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let raw = bench.raw().await?;
    let mut foreign = raw.begin().await?;
    sqlx::query("UPDATE apps SET state = state").execute(&mut *foreign).await?;

    let began = Instant::now();
    let refused = bench.store.set_deploy_branch(&app.id, "trunk").await;
    let waited = began.elapsed();
    assert!(matches!(refused, Err(StoreError::Busy)), "{refused:?}");
    assert!(waited >= Duration::from_secs(4) && waited < Duration::from_secs(12), "{waited:?}");
    assert!(bench.store.app(&app.name).await?.is_some(), "reading goes on");
    foreign.rollback().await?;
    bench.store.set_deploy_branch(&app.id, "trunk").await?;
    Ok(())
}

#[tokio::test]
async fn what_was_acknowledged_outlives_a_kill() -> anyhow::Result<()> {
    let bench = Bench::sqlite().await?;
    let app = bench.app("shop").await?;
    let (_, release) = bench.live(&app, "1").await?;
    // The files as they are now are what the kernel keeps of a process that is killed now.
    let elsewhere = tempfile::tempdir()?;
    for name in ["slipway.db", "slipway.db-wal"] {
        std::fs::copy(bench.folder.path().join(name), elsewhere.path().join(name))?;
    }
    let url = format!("sqlite://{}", elsewhere.path().join("slipway.db").display());
    let found = Store::open(&settings(&url)).await?;
    assert_eq!(found.installation().await?, bench.store.installation().await?);
    assert_eq!(found.app(&app.name).await?.unwrap().live_release_id, Some(release.id));
    Ok(())
}

#[tokio::test]
async fn a_crash_of_postgresql_is_survived() -> anyhow::Result<()> {
    let mut bench = Bench::postgres().await?;
    let app = bench.app("shop").await?;
    for _ in 0..3 {
        bench.store.check().await?;
        let server = bench.server.as_mut().expect("it runs on PostgreSQL");
        server.crash_and_restart()?;
        assert_eq!(bench.store.app(&app.name).await?.as_ref(), Some(&app));
        bench.accept(&app, DeploymentKind::Push).await?;
    }
    Ok(())
}

#[tokio::test]
async fn while_postgresql_is_away_a_verb_fails_in_time() -> anyhow::Result<()> {
    let mut bench = Bench::postgres().await?;
    bench.server = None;
    let began = Instant::now();
    assert!(bench.store.check().await.is_err());
    assert!(began.elapsed() < Duration::from_secs(10));
    Ok(())
}

#[tokio::test]
async fn a_wrong_address_is_an_error_without_its_password() {
    let refused = Store::open(&settings("mysql://root:hunter2@db/x")).await.unwrap_err();
    assert!(matches!(&refused, StoreError::Address(_)));
    assert!(!format!("{refused:?}").contains("hunter2"));
}
