//! Receivers of log lines.

use slipway_core::drain::DrainTarget;
use slipway_core::log::LogSource;
use slipway_store::{App, LogPosition, NewDrain, StoreError};

use crate::bench::Bench;

on_both_databases!(
    a_drain_is_kept_with_its_secrets_sealed,
    what_a_drain_took_and_where_it_fails_is_stored,
    a_test_is_asked_for_and_answered_once,
    an_app_has_few_drains_and_takes_them_with_it
);

fn new(app: &App) -> anyhow::Result<NewDrain> {
    let token = Some("s3cret".to_owned());
    Ok(NewDrain {
        app_id: app.id.clone(),
        target: DrainTarget::parse("https://logs.example.com/k3y", token, true)?,
        sources: vec![LogSource::App, LogSource::Access],
        position: LogPosition { words: 7, access: 9 },
        by: "ada@example.org".to_owned(),
    })
}

async fn a_drain_is_kept_with_its_secrets_sealed(bench: Bench) -> anyhow::Result<()> {
    let (shop, blog) = (bench.app("shop").await?, bench.app("blog").await?);
    let made = bench.store.create_drain(new(&shop)?, &bench.keys).await?;
    let stored = bench.store.drain(&shop.id, &made.id).await?.expect("it is stored");
    assert_eq!(stored, made);
    assert_eq!(bench.store.drains(&shop.id).await?, std::slice::from_ref(&made));
    assert!(bench.store.drain(&blog.id, &made.id).await?.is_none(), "it is another app's");
    assert_eq!(stored.address, "https://logs.example.com/…");
    assert!(stored.target(&bench.keys)? == new(&shop)?.target);
    let shown = format!("{stored:?}");
    assert!(!shown.contains("s3cret") && !shown.contains("k3y"), "{shown}");

    assert!(!bench.store.delete_drain(&blog.id, &made.id).await?);
    assert!(bench.store.delete_drain(&shop.id, &made.id).await?);
    assert!(bench.store.all_drains().await?.is_empty());
    Ok(())
}

async fn what_a_drain_took_and_where_it_fails_is_stored(bench: Bench) -> anyhow::Result<()> {
    let shop = bench.app("shop").await?;
    let id = bench.store.create_drain(new(&shop)?, &bench.keys).await?.id;
    let stored = async || anyhow::Ok(bench.store.drain(&shop.id, &id).await?.expect("it is there"));
    bench.store.note_drain_failure(&id, "it answered 503").await?;
    let (since, _) = stored().await?.failure.expect("it fails");
    bench.store.note_drain_failure(&id, "it cannot be reached").await?;
    let failing = stored().await?;
    assert_eq!(failing.failure, Some((since, "it cannot be reached".to_owned())));
    assert_eq!((failing.position.words, failing.delivered_at), (7, None));

    let position = LogPosition { words: 70, access: 90 };
    bench.store.note_delivered(&id, position).await?;
    let taken = stored().await?;
    assert_eq!((taken.position, taken.failure.is_none()), (position, true));
    assert!(taken.delivered_at.is_some());
    Ok(())
}

async fn a_test_is_asked_for_and_answered_once(bench: Bench) -> anyhow::Result<()> {
    let (shop, blog) = (bench.app("shop").await?, bench.app("blog").await?);
    let id = bench.store.create_drain(new(&shop)?, &bench.keys).await?.id;
    assert_eq!(bench.store.ask_drain_test(&blog.id, &id).await?, None);
    let asked = bench.store.ask_drain_test(&shop.id, &id).await?.expect("it is there");
    let outcome = async || {
        let drain = bench.store.drain(&shop.id, &id).await?.expect("it is there");
        anyhow::Ok(drain.test.expect("it was asked for").outcome)
    };
    assert_eq!(outcome().await?, None);
    let refused = Err("it answered 401".to_owned());
    bench.store.end_drain_test(&id, asked + slipway_core::time::Millis(1), &Ok(())).await?;
    assert_eq!(outcome().await?, None, "an answer to another question");
    bench.store.end_drain_test(&id, asked, &refused).await?;
    assert_eq!(outcome().await?, Some(refused));
    Ok(())
}

async fn an_app_has_few_drains_and_takes_them_with_it(bench: Bench) -> anyhow::Result<()> {
    let shop = bench.app("shop").await?;
    for _ in 0..10 {
        bench.store.create_drain(new(&shop)?, &bench.keys).await?;
    }
    let refused = bench.store.create_drain(new(&shop)?, &bench.keys).await;
    assert!(matches!(refused, Err(StoreError::TooManyDrains)));
    bench.store.tombstone_app(&shop.id, "ada").await?;
    let refused = bench.store.create_drain(new(&shop)?, &bench.keys).await;
    assert!(matches!(refused, Err(StoreError::AppDeleting)));
    bench.store.forget_app(&shop.id).await?;
    assert!(bench.store.all_drains().await?.is_empty());
    Ok(())
}
