use slipway_core::deployment::DeploymentKind;
use slipway_core::instance::InstanceState;
use slipway_store::{AppState, JobKind, JobState, StoreError};

use crate::bench::{Bench, LEASE, counts};

on_both_databases!(
    a_name_is_taken_until_the_finaliser_has_ended,
    a_tombstone_ends_deployments_and_calls_their_jobs_off,
    a_tombstone_ends_even_what_is_past_its_switch,
    forgetting_an_app_that_is_in_use_changes_nothing,
    a_listing_counts_what_the_live_release_runs,
    the_fleet_is_the_active_apps_with_their_counts,
    the_deploy_branch_can_be_set,
);

async fn a_name_is_taken_until_the_finaliser_has_ended(bench: Bench) -> anyhow::Result<()> {
    let store = &bench.store;
    let first = bench.app("shop").await?;
    bench.live(&first, "1").await?;
    let again = store.create_app(&first.name, "eve").await;
    assert!(matches!(again, Err(StoreError::NameTaken(_))));

    store.tombstone_app(&first.id, "ada").await?;
    assert_eq!(store.app(&first.name).await?, None);
    assert_eq!(store.app_by_id(&first.id).await?, None);
    assert_eq!(store.apps().await?[0].app.state, AppState::Deleting);
    let again = store.create_app(&first.name, "eve").await;
    assert!(matches!(again, Err(StoreError::NameTaken(_))));

    store.forget_app(&first.id).await?;
    store.forget_app(&first.id).await?;
    let second = store.create_app(&first.name, "eve").await?;
    assert_ne!(second.id, first.id);
    assert!(store.releases(&second.id, 10, None).await?.is_empty());
    assert_eq!(bench.told(&first).await?.last().unwrap(), "destroyed");
    Ok(())
}

async fn a_tombstone_ends_deployments_and_calls_their_jobs_off(bench: Bench) -> anyhow::Result<()> {
    let store = &bench.store;
    let app = bench.app("shop").await?;
    let building = bench.begin(&app, DeploymentKind::Push).await?;
    let waiting = bench.accept(&app, DeploymentKind::Restart).await?;

    store.tombstone_app(&app.id, "ada").await?;
    store.tombstone_app(&app.id, "ada").await?;

    for id in [&building.deployment.id, &waiting.id] {
        assert_eq!(store.deployment(id).await?.unwrap().state.name(), "canceled");
    }
    let renewed = store.renew(&building.job.id, building.job.fence, LEASE).await;
    assert!(matches!(renewed, Err(StoreError::LostLease)), "its worker stops");
    let job = bench.claim().await?;
    assert_eq!(job.kind, JobKind::Destroy { app_id: app.id.clone() });
    assert_eq!(store.claim("worker", LEASE).await?, None, "one tombstone, one job");
    let refused = bench.accept(&app, DeploymentKind::Push).await.unwrap_err();
    assert!(matches!(refused.downcast_ref(), Some(StoreError::AppDeleting)));

    store.forget_app(&app.id).await?;
    store.complete(&job.id, job.fence, None).await?;
    let done = store.job(&job.id).await?.unwrap();
    assert_eq!(done.state, JobState::Done, "the finaliser's job outlives the app");
    Ok(())
}

async fn a_tombstone_ends_even_what_is_past_its_switch(bench: Bench) -> anyhow::Result<()> {
    use slipway_core::deployment::DeploymentEvent as Event;
    let store = &bench.store;
    let reason =
        || slipway_core::reason::Reason::new(slipway_core::reason::ReasonCode::Unstable, "crashed");
    let steps: [&[Event]; 3] = [
        &[],
        &[Event::Switched { observe: true }],
        &[Event::Switched { observe: true }, Event::WentBad { reason: reason(), revert: true }],
    ];
    for (number, steps) in steps.into_iter().enumerate() {
        let app = bench.app(&format!("shop-{number}")).await?;
        let (underway, _) = bench.switching(&app, "1").await?;
        for event in steps {
            store.advance(&underway.deployment.id, event.clone(), None).await?;
        }
        store.tombstone_app(&app.id, "ada").await?;
        assert_eq!(store.active_deployment(&app.id).await?, None);
        // The job that destroys it, out of the next one's way.
        bench.claim().await?;
    }
    Ok(())
}

async fn forgetting_an_app_that_is_in_use_changes_nothing(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    bench.store.forget_app(&app.id).await?;
    assert_eq!(bench.reread(&app).await?, app);
    Ok(())
}

async fn a_listing_counts_what_the_live_release_runs(bench: Bench) -> anyhow::Result<()> {
    let store = &bench.store;
    let shop = bench.app("shop").await?;
    bench.app("empty").await?;
    let (_, release) = bench.live(&shop, "1").await?;
    store.set_scale(&shop.id, &counts(&[("web", 3)]), "ada").await?;
    bench.instance(&shop, &release.id, InstanceState::Ready).await?;
    bench.instance(&shop, &release.id, InstanceState::Starting).await?;
    bench.instance(&shop, &release.id, InstanceState::Stopped).await?;

    let [empty, row] = store.apps().await?.try_into().expect("two apps, by name");
    assert_eq!((empty.live.is_none(), empty.wanted, empty.ready), (true, 0, 0));
    assert_eq!((row.wanted, row.ready, row.deploying), (3, 1, false));
    assert_eq!(row.live.as_ref().map(|live| live.version), Some(1));
    assert_eq!(row.app, bench.reread(&shop).await?);
    assert_eq!(store.app_row(&shop.id).await?, Some(row));

    bench.accept(&shop, DeploymentKind::Push).await?;
    assert!(store.app_row(&shop.id).await?.unwrap().deploying);
    Ok(())
}

async fn the_fleet_is_the_active_apps_with_their_counts(bench: Bench) -> anyhow::Result<()> {
    let shop = bench.app("shop").await?;
    let gone = bench.app("gone").await?;
    bench.live(&shop, "1").await?;
    bench.store.tombstone_app(&gone.id, "ada").await?;

    let [entry] = bench.store.fleet().await?.try_into().expect("one active app");
    assert_eq!(entry.app.id, shop.id);
    assert_eq!(entry.scale, counts(&[("web", 1)]));
    assert!(entry.domains.is_empty());
    Ok(())
}

async fn the_deploy_branch_can_be_set(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    assert_eq!(app.deploy_branch, "main");
    bench.store.set_deploy_branch(&app.id, "trunk").await?;
    assert_eq!(bench.reread(&app).await?.deploy_branch, "trunk");
    bench.store.tombstone_app(&app.id, "ada").await?;
    let refused = bench.store.set_deploy_branch(&app.id, "main").await;
    assert!(matches!(refused, Err(StoreError::AppMissing)));
    Ok(())
}
