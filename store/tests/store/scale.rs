use slipway_store::StoreError;

use crate::bench::{Bench, counts};

on_both_databases!(
    every_process_of_a_first_release_is_wanted_once,
    an_unknown_process_is_refused_with_the_known_ones,
    a_refused_change_changes_nothing,
    a_change_tells_what_it_was_before,
);

async fn every_process_of_a_first_release_is_wanted_once(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    assert!(bench.store.scale(&app.id).await?.is_empty());
    bench.live(&app, "1").await?;
    assert_eq!(bench.store.scale(&app.id).await?, counts(&[("web", 1)]));
    Ok(())
}

async fn an_unknown_process_is_refused_with_the_known_ones(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    bench.live(&app, "1").await?;
    let refused = bench.store.set_scale(&app.id, &counts(&[("clock", 1)]), "ada").await;
    let message = refused.unwrap_err().to_string();
    assert_eq!(message, "the app has no process `clock`; it has `web`");
    Ok(())
}

async fn a_refused_change_changes_nothing(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    bench.live(&app, "1").await?;
    let before = bench.told(&app).await?;
    let refused = bench.store.set_scale(&app.id, &counts(&[("web", 2), ("x", 1)]), "ada").await;
    assert!(matches!(refused, Err(StoreError::UnknownProcess { .. })));
    let refused = bench.store.set_scale(&app.id, &counts(&[("web", 101)]), "ada").await;
    assert!(matches!(refused, Err(StoreError::TooManyInstances { count: 101, .. })));
    assert_eq!(bench.store.scale(&app.id).await?, counts(&[("web", 1)]));
    assert_eq!(bench.told(&app).await?, before);
    Ok(())
}

async fn a_change_tells_what_it_was_before(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    bench.live(&app, "1").await?;
    let before = bench.told(&app).await?.len();
    bench.store.set_scale(&app.id, &counts(&[("web", 3)]), "ada").await?;
    bench.store.set_scale(&app.id, &counts(&[("web", 3)]), "ada").await?;
    bench.store.set_scale(&app.id, &counts(&[("web", 0)]), "ada").await?;
    assert_eq!(bench.told(&app).await?[before..], ["web 1 to 3", "web 3 to 0"]);
    Ok(())
}
