use slipway_core::deployment::{
    DeploymentEvent as Event, DeploymentKind, DeploymentState, Receipt,
};
use slipway_core::process::RolloutSettings;
use slipway_core::reason::{Reason, ReasonCode};
use slipway_core::time::Millis;
use slipway_store::{Begun, StoreError};

use crate::bench::{Bench, LEASE, new_release, wanted};

on_both_databases!(
    every_move_is_told_with_it,
    a_refused_move_tells_and_changes_nothing,
    what_is_stored_is_what_was_asked_for,
    the_switch_makes_a_release_live_and_staying_healthy_makes_it_stable,
    putting_back_makes_the_earlier_release_live_again,
    a_state_has_the_deadline_of_its_release,
    what_is_past_its_deadline_is_overdue,
    an_interrupted_deployment_begins_where_it_was,
    a_lost_lease_moves_nothing,
    two_who_move_one_deployment_do_not_both_succeed,
    an_end_wakes_the_next_one,
    a_receipt_is_kept,
    lists_go_from_the_newest_down,
);

fn unstable() -> Reason {
    Reason::new(ReasonCode::Unstable, "crashed twice").with_last_lines(vec!["boom".to_owned()])
}

async fn every_move_is_told_with_it(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    bench.live(&app, "1").await?;
    let (second, _) = bench.switching(&app, "2").await?;
    let id = &second.deployment.id;
    bench.store.advance(id, Event::Switched { observe: true }, None).await?;
    bench.store.advance(id, Event::WentBad { reason: unstable(), revert: true }, None).await?;
    bench.store.advance(id, Event::PutBack, None).await?;
    let expected = [
        "created",
        "push 1 queued",
        "push 1 building",
        "push 1 releasing",
        "push 1 starting",
        "push 1 switching",
        "push 1 succeeded",
        "push 2 queued",
        "push 2 building",
        "push 2 releasing",
        "push 2 starting",
        "push 2 switching",
        "push 2 observing",
        "push 2 reverting",
        "push 2 reverted",
    ];
    assert_eq!(bench.told(&app).await?, expected);
    Ok(())
}

async fn a_refused_move_tells_and_changes_nothing(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let (first, _) = bench.live(&app, "1").await?;
    let told = bench.told(&app).await?;
    let refused = bench.store.advance(&first.id, Event::PutBack, None).await;
    assert!(matches!(refused, Err(StoreError::Illegal(illegal)) if illegal.from == "succeeded"));
    assert_eq!(bench.store.deployment(&first.id).await?, Some(first));
    assert_eq!(bench.told(&app).await?, told);
    Ok(())
}

async fn what_is_stored_is_what_was_asked_for(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let (_, release) = bench.live(&app, "1").await?;
    let mut new = wanted(&app.id, DeploymentKind::Rollback);
    new.target_release = Some(release.id.clone());
    let accepted = bench.store.accept(new.clone()).await?;
    assert_eq!(accepted.target_release_id, new.target_release);
    assert_eq!((accepted.sequence, accepted.log_start), (2, 7));
    assert_eq!(accepted.description, new.description);
    assert_eq!(bench.store.deployment(&accepted.id).await?, Some(accepted));

    let pushed = bench.accept(&app, DeploymentKind::Push).await?;
    assert!(pushed.source.is_some());
    assert_eq!(bench.store.deployment(&pushed.id).await?, Some(pushed));
    Ok(())
}

async fn the_switch_makes_a_release_live_and_staying_healthy_makes_it_stable(
    bench: Bench,
) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let (underway, release) = bench.switching(&app, "1").await?;
    assert_eq!(bench.store.live_release(&app.id).await?, None);
    let id = &underway.deployment.id;
    bench.store.advance(id, Event::Switched { observe: true }, None).await?;
    assert_eq!(bench.store.live_release(&app.id).await?, Some(release.clone()));

    let done = bench.store.advance(id, Event::StayedHealthy, None).await?;
    assert_eq!(done.state, DeploymentState::Succeeded);
    assert_eq!(bench.store.deployment(id).await?, Some(done));
    let stable = bench.store.release(&release.id).await?.unwrap().stable_at;
    assert!(stable.is_some());
    Ok(())
}

async fn putting_back_makes_the_earlier_release_live_again(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let (_, good) = bench.live(&app, "1").await?;
    let (underway, bad) = bench.switching(&app, "2").await?;
    let id = &underway.deployment.id;
    bench.store.advance(id, Event::Switched { observe: true }, None).await?;
    bench.store.advance(id, Event::WentBad { reason: unstable(), revert: true }, None).await?;
    let reverting = bench.store.deployment(id).await?.unwrap();
    assert_eq!(reverting.state.reason(), Some(&unstable()), "to the last line");
    assert_eq!(bench.reread(&app).await?.live_release_id, Some(bad.id.clone()));

    bench.store.advance(id, Event::PutBack, None).await?;
    assert_eq!(bench.reread(&app).await?.live_release_id, Some(good.id));
    assert_eq!(bench.store.release(&bad.id).await?.unwrap().stable_at, None);
    Ok(())
}

async fn a_state_has_the_deadline_of_its_release(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let underway = bench.begin(&app, DeploymentKind::Push).await?;
    let (id, fence) = (&underway.deployment.id, underway.job.fence);
    let mut new = new_release("1");
    new.formation.rollout =
        RolloutSettings { release_timeout_ms: Millis(123_000), ..RolloutSettings::default() };
    let settings = new.formation.rollout.clone();
    bench.store.create_release(id, fence, new).await?;
    let releasing = bench.store.advance(id, Event::ImageReady, Some(fence)).await?;
    let span = releasing.state.deadline(&settings).unwrap();
    assert_eq!(releasing.deadline, Some(releasing.state_since + span));
    Ok(())
}

async fn what_is_past_its_deadline_is_overdue(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    bench.live(&app, "1").await?;
    let waiting = bench.accept(&app, DeploymentKind::Push).await?;
    let deadline = waiting.deadline.unwrap();
    assert!(bench.store.overdue(deadline - Millis(1)).await?.is_empty());
    assert_eq!(bench.store.overdue(deadline).await?, [waiting]);
    Ok(())
}

async fn an_interrupted_deployment_begins_where_it_was(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let first = bench.begin(&app, DeploymentKind::Push).await?;
    let (id, fence) = (&first.deployment.id, first.job.fence);
    bench.store.create_release(id, fence, new_release("1")).await?;
    let releasing = bench.store.advance(id, Event::ImageReady, Some(fence)).await?;
    bench.store.free_leases("worker").await?;

    let again = bench.claim().await?;
    assert!(again.fence > fence);
    assert_eq!(bench.store.begin(id, again.fence).await?, Begun::Started(releasing));
    Ok(())
}

async fn a_lost_lease_moves_nothing(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let underway = bench.begin(&app, DeploymentKind::Push).await?;
    let (id, old) = (&underway.deployment.id, underway.job.fence);
    bench.store.free_leases("worker").await?;
    let between = bench.store.advance(id, Event::ImageReady, Some(old)).await;
    assert!(matches!(between, Err(StoreError::LostLease)), "nobody has it");
    bench.claim().await?;

    let advanced = bench.store.advance(id, Event::ImageReady, Some(old)).await;
    assert!(matches!(advanced, Err(StoreError::LostLease)));
    let begun = bench.store.begin(id, old).await;
    assert!(matches!(begun, Err(StoreError::LostLease)));
    let released = bench.store.create_release(id, old, new_release("1")).await;
    assert!(matches!(released, Err(StoreError::LostLease)));
    assert_eq!(bench.store.deployment(id).await?, Some(underway.deployment.clone()));
    assert!(bench.store.releases(&app.id, 10, None).await?.is_empty());
    Ok(())
}

async fn two_who_move_one_deployment_do_not_both_succeed(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let (underway, _) = bench.switching(&app, "1").await?;
    let id = &underway.deployment.id;
    let other = bench.beside().await?;
    let switched = Event::Switched { observe: false };
    let failed = Event::Failed { reason: unstable() };
    let (one, two) =
        tokio::join!(bench.store.advance(id, switched, None), other.advance(id, failed, None),);
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    let live = bench.reread(&app).await?.live_release_id.is_some();
    assert_eq!(live, one.is_ok());
    Ok(())
}

async fn an_end_wakes_the_next_one(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let (underway, _) = bench.switching(&app, "1").await?;
    let mut wake = bench.store.wakes().subscribe(slipway_store::Topic::Jobs);
    let failed = Event::Failed { reason: unstable() };
    bench.store.advance(&underway.deployment.id, failed, None).await?;
    let began = std::time::Instant::now();
    wake.wait(LEASE.as_duration()).await;
    assert!(began.elapsed() < LEASE.as_duration());
    Ok(())
}

async fn a_receipt_is_kept(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let (deployment, _) = bench.live(&app, "1").await?;
    let receipt = Receipt { requests_served: 812, switch_ms: Millis(6), ..Receipt::default() };
    bench.store.set_receipt(&deployment.id, &receipt).await?;
    assert_eq!(bench.store.deployment(&deployment.id).await?.unwrap().receipt, Some(receipt));
    Ok(())
}

async fn lists_go_from_the_newest_down(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    for image in ["1", "2", "3"] {
        bench.live(&app, image).await?;
    }
    let sequences = async |limit, before| -> anyhow::Result<Vec<u32>> {
        let page = bench.store.deployments(&app.id, limit, before).await?;
        Ok(page.iter().map(|deployment| deployment.sequence).collect())
    };
    assert_eq!(sequences(2, None).await?, [3, 2]);
    assert_eq!(sequences(2, Some(2)).await?, [1]);
    let (rollout, _) = bench.switching(&app, "4").await?;
    assert_eq!(bench.store.rollouts().await?, std::slice::from_ref(&rollout.deployment));
    assert_eq!(bench.store.active_deployment(&app.id).await?, Some(rollout.deployment));
    Ok(())
}
