//! Who goes first among an app's deployments.

use slipway_core::deployment::{DeploymentEvent, DeploymentKind, DeploymentState};
use slipway_store::{Begun, JobKind};
use sqlx::error::DatabaseError;

use crate::bench::{Bench, LEASE};

on_both_databases!(
    new_code_takes_the_place_of_what_waits_and_what_builds,
    whatever_comes_ends_the_watching_of_what_is_live_well,
    new_code_waits_for_a_switch_and_no_longer,
    configuration_waits_for_code_and_replaces_waiting_configuration,
    the_older_of_two_that_wait_goes_first,
    an_app_has_one_active_deployment_whatever_anybody_writes,
    the_job_of_what_was_overtaken_ends_without_work,
    the_deployments_of_two_apps_do_not_wait_for_each_other,
);

async fn state(bench: &Bench, id: &slipway_core::id::DeploymentId) -> String {
    bench.store.deployment(id).await.unwrap().unwrap().state.name().to_owned()
}

async fn new_code_takes_the_place_of_what_waits_and_what_builds(
    bench: Bench,
) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let building = bench.begin(&app, DeploymentKind::Push).await?;
    let config = bench.accept(&app, DeploymentKind::Config).await?;
    let rollback = bench.accept(&app, DeploymentKind::Rollback).await?;

    assert_eq!(rollback.sequence, 3);
    assert_eq!(rollback.state, DeploymentState::Queued);
    for id in [&building.deployment.id, &config.id] {
        let overtaken = bench.store.deployment(id).await?.unwrap();
        let reason = overtaken.state.reason().unwrap();
        assert_eq!(reason.message, "deployment 3 is newer and takes its place");
        assert!(overtaken.finished_at.is_some() && overtaken.deadline.is_none());
    }
    let (id, fence) = (&building.deployment.id, building.job.fence);
    assert!(bench.store.advance(id, DeploymentEvent::ImageReady, Some(fence)).await.is_err());
    Ok(())
}

async fn whatever_comes_ends_the_watching_of_what_is_live_well(bench: Bench) -> anyhow::Result<()> {
    for kind in [DeploymentKind::Push, DeploymentKind::Restart] {
        let app = bench.app(kind.as_str()).await?;
        let (watched, release) = bench.switching(&app, "1").await?;
        let id = &watched.deployment.id;
        bench.store.advance(id, DeploymentEvent::Switched { observe: true }, None).await?;
        assert_eq!(bench.store.release(&release.id).await?.unwrap().stable_at, None);

        let next = bench.accept(&app, kind).await?;
        assert_eq!(state(&bench, id).await, "succeeded");
        let release = bench.store.release(&release.id).await?.unwrap();
        assert!(release.stable_at.is_some());
        assert_eq!(bench.reread(&app).await?.live_release_id, Some(release.id));
        bench.begin_accepted(&next).await?;
    }
    Ok(())
}

async fn new_code_waits_for_a_switch_and_no_longer(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let (first, release) = bench.switching(&app, "1").await?;
    let second = bench.accept(&app, DeploymentKind::Push).await?;
    assert_eq!(state(&bench, &first.deployment.id).await, "switching");
    let job = bench.claim().await?;
    assert_eq!(bench.store.begin(&second.id, job.fence).await?, Begun::Busy);

    let switched = DeploymentEvent::Switched { observe: true };
    bench.store.advance(&first.deployment.id, switched, None).await?;
    let Begun::Started(second) = bench.store.begin(&second.id, job.fence).await? else {
        anyhow::bail!("the switch is over");
    };
    assert_eq!(second.state, DeploymentState::Building);
    assert_eq!(second.previous_release_id, Some(release.id));
    assert_eq!(state(&bench, &first.deployment.id).await, "succeeded");
    let stored = bench.store.deployment(&second.id).await?.unwrap();
    assert_eq!(stored, second, "what is returned is what is stored");
    Ok(())
}

async fn configuration_waits_for_code_and_replaces_waiting_configuration(
    bench: Bench,
) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let (first, _) = bench.switching(&app, "1").await?;
    let restart = bench.accept(&app, DeploymentKind::Restart).await?;
    let config = bench.accept(&app, DeploymentKind::Config).await?;
    assert_eq!(state(&bench, &first.deployment.id).await, "switching");
    assert_eq!(state(&bench, &restart.id).await, "superseded");
    let gone = bench.claim().await?;
    assert_eq!(bench.store.begin(&restart.id, gone.fence).await?, Begun::Gone);
    bench.store.complete(&gone.id, gone.fence, None).await?;
    let job = bench.claim().await?;
    assert_eq!(bench.store.begin(&config.id, job.fence).await?, Begun::Busy);

    let switched = DeploymentEvent::Switched { observe: false };
    bench.store.advance(&first.deployment.id, switched, None).await?;
    let begun = bench.store.begin(&config.id, job.fence).await?;
    assert!(matches!(begun, Begun::Started(started) if started.state.name() == "releasing"));
    Ok(())
}

async fn the_older_of_two_that_wait_goes_first(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let (switching, _) = bench.switching(&app, "1").await?;
    let push = bench.accept(&app, DeploymentKind::Push).await?;
    let config = bench.accept(&app, DeploymentKind::Config).await?;
    let switched = DeploymentEvent::Switched { observe: false };
    bench.store.advance(&switching.deployment.id, switched, None).await?;

    let of_push = bench.claim().await?;
    bench.store.postpone(&of_push.id, of_push.fence, slipway_store::clock::now()).await?;
    let mut of_config = bench.claim().await?;
    if of_config.kind == (JobKind::Deploy { deployment_id: push.id.clone() }) {
        // It was put off by less than a tick of the clock, so it came first again.
        bench.store.postpone(&of_config.id, of_config.fence, far()).await?;
        of_config = bench.claim().await?;
    }
    assert_eq!(of_config.kind, JobKind::Deploy { deployment_id: config.id.clone() });
    assert_eq!(bench.store.begin(&config.id, of_config.fence).await?, Begun::Busy);
    Ok(())
}

fn far() -> slipway_core::time::Timestamp {
    slipway_store::clock::now() + LEASE
}

async fn an_app_has_one_active_deployment_whatever_anybody_writes(
    bench: Bench,
) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    bench.begin(&app, DeploymentKind::Push).await?;
    let waiting = bench.accept(&app, DeploymentKind::Config).await?;
    let raw = bench.raw().await?;
    let forced = sqlx::query("UPDATE deployments SET state = 'starting' WHERE id = $1")
        .bind(waiting.id.to_string())
        .execute(&raw)
        .await
        .unwrap_err();
    assert!(forced.as_database_error().is_some_and(DatabaseError::is_unique_violation));
    let endless = sqlx::query("UPDATE deployments SET deadline_ms = NULL WHERE id = $1")
        .bind(waiting.id.to_string())
        .execute(&raw)
        .await
        .unwrap_err();
    assert!(endless.as_database_error().is_some_and(DatabaseError::is_check_violation));
    Ok(())
}

async fn the_job_of_what_was_overtaken_ends_without_work(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let first = bench.accept(&app, DeploymentKind::Push).await?;
    let second = bench.accept(&app, DeploymentKind::Push).await?;
    let job = bench.claim().await?;
    assert_eq!(job.kind, JobKind::Deploy { deployment_id: first.id.clone() });
    assert_eq!(bench.store.begin(&first.id, job.fence).await?, Begun::Gone);
    bench.store.complete(&job.id, job.fence, None).await?;
    bench.begin_accepted(&second).await?;
    Ok(())
}

async fn the_deployments_of_two_apps_do_not_wait_for_each_other(
    bench: Bench,
) -> anyhow::Result<()> {
    let (one, two) = (bench.app("one").await?, bench.app("two").await?);
    bench.begin(&one, DeploymentKind::Push).await?;
    let other = bench.begin(&two, DeploymentKind::Push).await?;
    assert_eq!(other.deployment.state, DeploymentState::Building);
    Ok(())
}
