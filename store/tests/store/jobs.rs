use std::collections::BTreeSet;

use slipway_core::deployment::DeploymentKind;
use slipway_core::time::Millis;
use slipway_store::jobs::MAX_ATTEMPTS;
use slipway_store::{App, JobCounts, JobKind, JobState, StoreError, clock};
use tokio::task::JoinSet;

use crate::bench::{Bench, LEASE};

on_both_databases!(
    a_job_has_one_claimer_however_many_try,
    an_apps_deployments_have_one_claimer_however_many_try,
    a_lease_that_ran_out_is_claimed_anew_and_its_writes_are_refused,
    a_renewed_lease_does_not_run_out,
    freed_leases_are_claimed_at_once,
    a_job_is_not_tried_before_its_time,
    putting_off_is_no_attempt,
    a_job_whose_attempts_are_used_up_fails_with_its_deployment,
    what_a_job_came_to_can_be_read,
    jobs_of_the_past_are_forgotten,
);

fn run(app: &App) -> JobKind {
    JobKind::Run {
        app_id: app.id.clone(),
        release_id: slipway_store::mint::id(),
        command: vec!["echo".to_owned(), "a b".to_owned()],
        timeout_s: Some(9),
        attach: None,
        instance_id: None,
    }
}

async fn a_job_has_one_claimer_however_many_try(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let mut ids = BTreeSet::new();
    for _ in 0..6 {
        ids.insert(bench.store.enqueue(run(&app), &app.id).await?);
    }
    let mut claimers = JoinSet::new();
    for number in 0..4 {
        let store = bench.beside().await?;
        claimers.spawn(async move {
            let mut claimed = Vec::new();
            while let Some(job) = store.claim(&format!("worker {number}"), LEASE).await? {
                claimed.push(job.id);
            }
            Ok::<_, StoreError>(claimed)
        });
    }
    let mut claimed = Vec::new();
    while let Some(of_one) = claimers.join_next().await {
        claimed.extend(of_one??);
    }
    assert_eq!(claimed.len(), ids.len(), "none twice");
    assert_eq!(BTreeSet::from_iter(claimed), ids);
    Ok(())
}

async fn an_apps_deployments_have_one_claimer_however_many_try(bench: Bench) -> anyhow::Result<()> {
    for number in 0..5 {
        let app = bench.app(&format!("shop-{number}")).await?;
        bench.accept(&app, DeploymentKind::Push).await?;
        bench.accept(&app, DeploymentKind::Push).await?;
        let other = bench.beside().await?;
        let (one, two) = tokio::join!(bench.store.claim("one", LEASE), other.claim("two", LEASE));
        let claimed = [one?, two?].into_iter().flatten().filter(|job| job.app_id == app.id);
        assert_eq!(claimed.count(), 1);
        assert_eq!(bench.store.claim("three", LEASE).await?, None);
    }
    Ok(())
}

async fn a_lease_that_ran_out_is_claimed_anew_and_its_writes_are_refused(
    bench: Bench,
) -> anyhow::Result<()> {
    let store = &bench.store;
    let app = bench.app("shop").await?;
    store.enqueue(run(&app), &app.id).await?;
    let old = store.claim("frozen", Millis(0)).await?.unwrap();
    let new = store.claim("worker", LEASE).await?.expect("its lease is over");
    assert_eq!((&new.id, new.attempts), (&old.id, 2));
    assert!(new.fence > old.fence);
    assert_eq!(store.claim("third", LEASE).await?, None, "the new lease holds");

    let now = clock::now();
    let refused = [
        store.renew(&old.id, old.fence, LEASE).await,
        store.complete(&old.id, old.fence, None).await,
        store.retry(&old.id, old.fence, now, "late").await,
        store.postpone(&old.id, old.fence, now).await,
        store.fail(&old.id, old.fence, "late").await,
    ];
    assert!(refused.iter().all(|result| matches!(result, Err(StoreError::LostLease))));
    let row = store.job(&old.id).await?.unwrap();
    assert_eq!((row.state, row.last_error), (JobState::Running, None));
    store.renew(&new.id, new.fence, LEASE).await?;
    store.complete(&new.id, new.fence, None).await?;
    let twice = store.complete(&new.id, new.fence, None).await;
    assert!(matches!(twice, Err(StoreError::LostLease)), "an end is an end");
    Ok(())
}

async fn a_renewed_lease_does_not_run_out(bench: Bench) -> anyhow::Result<()> {
    let store = &bench.store;
    let app = bench.app("shop").await?;
    store.enqueue(run(&app), &app.id).await?;
    let job = store.claim("worker", Millis(0)).await?.unwrap();
    store.renew(&job.id, job.fence, LEASE).await?;
    assert_eq!(store.claim("other", LEASE).await?, None);
    Ok(())
}

async fn freed_leases_are_claimed_at_once(bench: Bench) -> anyhow::Result<()> {
    let store = &bench.store;
    let app = bench.app("shop").await?;
    store.enqueue(run(&app), &app.id).await?;
    store.enqueue(run(&app), &app.id).await?;
    let mine = store.claim("me", LEASE).await?.unwrap();
    let theirs = store.claim("them", LEASE).await?.unwrap();
    assert_eq!(store.free_leases("me").await?, 1);
    let renewed = store.renew(&mine.id, mine.fence, LEASE).await;
    assert!(matches!(renewed, Err(StoreError::LostLease)));
    store.renew(&theirs.id, theirs.fence, LEASE).await?;
    assert_eq!(store.claim("me", LEASE).await?.unwrap().id, mine.id);
    Ok(())
}

async fn a_job_is_not_tried_before_its_time(bench: Bench) -> anyhow::Result<()> {
    let store = &bench.store;
    let app = bench.app("shop").await?;
    store.enqueue(run(&app), &app.id).await?;
    let job = bench.claim().await?;
    store.retry(&job.id, job.fence, clock::now() + LEASE, "docker is away").await?;
    assert_eq!(store.claim("worker", LEASE).await?, None);
    let row = store.job(&job.id).await?.unwrap();
    assert_eq!(row.last_error.as_deref(), Some("docker is away"));
    assert_eq!(row.state, JobState::Queued);
    Ok(())
}

async fn putting_off_is_no_attempt(bench: Bench) -> anyhow::Result<()> {
    let store = &bench.store;
    let app = bench.app("shop").await?;
    store.enqueue(run(&app), &app.id).await?;
    assert_eq!(store.next_job_due().await?, None, "it can be claimed now");
    for _ in 0..2 * MAX_ATTEMPTS {
        let job = bench.claim().await?;
        assert_eq!(job.attempts, 1);
        assert_eq!(store.next_job_due().await?, None, "it runs");
        store.postpone(&job.id, job.fence, clock::now()).await?;
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    let job = bench.claim().await?;
    store.postpone(&job.id, job.fence, clock::now() + Millis(60_000)).await?;
    let due = store.next_job_due().await?.unwrap();
    assert!((30_000..=60_000).contains(&due.0), "{due:?}");
    Ok(())
}

async fn a_job_whose_attempts_are_used_up_fails_with_its_deployment(
    bench: Bench,
) -> anyhow::Result<()> {
    let store = &bench.store;
    let app = bench.app("shop").await?;
    let deployment = bench.accept(&app, DeploymentKind::Push).await?;
    let mut last = None;
    for attempt in 1..=MAX_ATTEMPTS {
        let job = store.claim("dies every time", Millis(0)).await?.unwrap();
        assert_eq!(job.attempts, attempt);
        last = Some(job);
    }
    assert_eq!(store.claim("worker", LEASE).await?, None);
    let row = store.job(&last.unwrap().id).await?.unwrap();
    assert_eq!(row.state, JobState::Failed);
    let cause = "given up after 5 attempts: the worker ended while it ran";
    assert_eq!(row.last_error.as_deref(), Some(cause));
    let failed = store.deployment(&deployment.id).await?.unwrap();
    assert_eq!(failed.state.name(), "failed");
    assert_eq!(failed.state.reason().unwrap().message, cause);
    Ok(())
}

async fn what_a_job_came_to_can_be_read(bench: Bench) -> anyhow::Result<()> {
    let store = &bench.store;
    let app = bench.app("shop").await?;
    let id = store.enqueue(run(&app), &app.id).await?;
    assert_eq!(store.job_counts().await?, JobCounts { queued: 1, running: 0 });
    let job = bench.claim().await?;
    assert_eq!(job.kind, store.job(&id).await?.unwrap().kind);
    assert!(matches!(&job.kind, JobKind::Run { command, .. } if command[1] == "a b"));
    assert_eq!(store.job_counts().await?, JobCounts { queued: 0, running: 1 });
    let result = serde_json::json!({ "code": 7 });
    store.complete(&id, job.fence, Some(result.clone())).await?;
    let row = store.job(&id).await?.unwrap();
    assert_eq!((row.state, row.result), (JobState::Done, Some(result)));
    assert!(row.finished_at.is_some());
    assert_eq!(store.job_counts().await?, JobCounts::default());
    Ok(())
}

async fn jobs_of_the_past_are_forgotten(bench: Bench) -> anyhow::Result<()> {
    let store = &bench.store;
    let app = bench.app("shop").await?;
    let ended = store.enqueue(run(&app), &app.id).await?;
    let job = bench.claim().await?;
    store.fail(&job.id, job.fence, "no").await?;
    let waits = store.enqueue(run(&app), &app.id).await?;
    assert_eq!(store.delete_finished_before(clock::now() + LEASE).await?, 1);
    assert_eq!(store.job(&ended).await?, None);
    assert!(store.job(&waits).await?.is_some());
    Ok(())
}
