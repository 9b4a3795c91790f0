use slipway_core::deployment::{DeploymentEvent, DeploymentKind};
use slipway_core::event::EventKind;
use slipway_core::instance::InstanceState;
use slipway_core::reason::{Reason, ReasonCode};
use slipway_core::time::Timestamp;
use slipway_store::{InstanceUpdate, JobKind, StoreError, clock, instances, mint};

use crate::bench::{Bench, new_release};

on_both_databases!(
    an_update_changes_what_it_names_and_nothing_else,
    an_update_and_its_event_are_one,
    stopped_instances_are_history,
    everything_that_runs_for_a_reason_is_known,
);

async fn an_update_changes_what_it_names_and_nothing_else(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let (_, release) = bench.live(&app, "1").await?;
    let mut expected = bench.instance(&app, &release.id, InstanceState::Starting).await?;
    assert_eq!(bench.store.instances(&app.id).await?, [expected.clone()]);

    let reason = Reason::new(ReasonCode::BadStatus, "answers 500");
    let (_, copy) = bench.live(&app, "1").await?;
    let everything = InstanceUpdate {
        release_id: Some(copy.id.clone()),
        state: Some(InstanceState::Draining),
        endpoint: Some(Some("10.0.0.2:8000".parse()?)),
        started: Some(true),
        ready_at: Some(Timestamp(5)),
        draining_since: Some(Some(Timestamp(6))),
        warm_until: Some(Some(Timestamp(7))),
        stopped_at: None,
        restarts: Some(3),
        reason: Some(Some(reason.clone())),
        in_proxy: Some(true),
    };
    bench.store.update_instance(&expected.id, everything, None).await?;
    expected.release_id = copy.id;
    expected.state = InstanceState::Draining;
    expected.endpoint = Some("10.0.0.2:8000".parse()?);
    expected.started = true;
    expected.ready_at = Some(Timestamp(5));
    expected.draining_since = Some(Timestamp(6));
    expected.warm_until = Some(Timestamp(7));
    expected.restarts = 3;
    expected.reason = Some(reason);
    expected.in_proxy = true;
    assert_eq!(bench.store.instances(&app.id).await?, [expected.clone()]);
    bench.store.update_instance(&expected.id, InstanceUpdate::default(), None).await?;
    assert_eq!(bench.store.instances(&app.id).await?, [expected.clone()]);

    let cleared = InstanceUpdate {
        endpoint: Some(None),
        draining_since: Some(None),
        warm_until: Some(None),
        reason: Some(None),
        in_proxy: Some(false),
        ..InstanceUpdate::default()
    };
    bench.store.update_instance(&expected.id, cleared, None).await?;
    expected.endpoint = None;
    expected.draining_since = None;
    expected.warm_until = None;
    expected.reason = None;
    expected.in_proxy = false;
    assert_eq!(bench.store.all_instances().await?, [expected]);
    Ok(())
}

async fn an_update_and_its_event_are_one(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let (_, release) = bench.live(&app, "1").await?;
    let row = bench.instance(&app, &release.id, InstanceState::Starting).await?;
    let event = || EventKind::InstanceReady {
        process: "web".to_owned(),
        instance: row.id.short().to_owned(),
        version: 1,
    };
    let ready = InstanceUpdate { state: Some(InstanceState::Ready), ..InstanceUpdate::default() };
    bench.store.update_instance(&row.id, ready.clone(), Some(event())).await?;
    assert_eq!(bench.told(&app).await?.last().unwrap(), "instance ready");

    let told = bench.told(&app).await?;
    let refused = bench.store.update_instance(&mint::id(), ready, Some(event())).await;
    assert!(matches!(refused, Err(StoreError::InstanceMissing(_))));
    let ended = InstanceUpdate { state: Some(InstanceState::Stopped), ..InstanceUpdate::default() };
    let refused = bench.store.update_instance(&row.id, ended, Some(event())).await;
    assert!(refused.is_err(), "what stopped did so at some time");
    assert_eq!(bench.told(&app).await?, told);
    Ok(())
}

async fn stopped_instances_are_history(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let (_, release) = bench.live(&app, "1").await?;
    let running = bench.instance(&app, &release.id, InstanceState::Ready).await?;
    let first = bench.instance(&app, &release.id, InstanceState::Stopped).await?;
    let second = bench.instance(&app, &release.id, InstanceState::Stopped).await?;
    assert_eq!(bench.store.instances(&app.id).await?, std::slice::from_ref(&running));
    let recent = bench.store.recent_stopped(&app.id, 1).await?;
    assert_eq!(recent, [second]);
    assert_eq!(bench.store.delete_stopped_before(first.created_at).await?, 0);
    let later = clock::now() + slipway_core::time::Millis(10_000);
    assert_eq!(bench.store.delete_stopped_before(later).await?, 2);
    assert_eq!(bench.store.all_instances().await?, [running]);
    Ok(())
}

async fn everything_that_runs_for_a_reason_is_known(bench: Bench) -> anyhow::Result<()> {
    let store = &bench.store;
    let app = bench.app("shop").await?;
    let (_, release) = bench.live(&app, "1").await?;
    let row = bench.instance(&app, &release.id, InstanceState::Stopping).await?;
    bench.instance(&app, &release.id, InstanceState::Stopped).await?;
    let run = JobKind::Run {
        app_id: app.id.clone(),
        release_id: release.id.clone(),
        command: vec!["true".to_owned()],
        timeout_s: None,
        attach: None,
        instance_id: None,
    };
    let run = store.enqueue(run, &app.id).await?;
    assert_eq!(store.known_instances().await?, [row.id.clone(), instances::one_off(&run)].into());

    let job = bench.claim().await?;
    assert!(store.known_instances().await?.contains(&instances::one_off(&run)));
    store.complete(&job.id, job.fence, None).await?;
    let underway = bench.begin(&app, DeploymentKind::Push).await?;
    let (id, fence) = (&underway.deployment.id, underway.job.fence);
    store.create_release(id, fence, new_release("2")).await?;
    store.advance(id, DeploymentEvent::ImageReady, Some(fence)).await?;
    let command = instances::release_command(id);
    assert_eq!(store.known_instances().await?, [row.id.clone(), command].into());
    store.advance(id, DeploymentEvent::CommandDone, Some(fence)).await?;
    assert_eq!(store.known_instances().await?, [row.id].into());
    Ok(())
}
