use slipway_core::deployment::{DeploymentEvent, DeploymentKind};
use slipway_core::instance::InstanceState;
use slipway_core::release::Source;
use slipway_core::time::Millis;
use slipway_store::{InstanceUpdate, NewRelease, StoreError, clock, mint};

use crate::bench::{Bench, change, counts, formation, new_release};

on_both_databases!(
    a_deployment_has_one_release_however_often_it_is_made,
    a_copied_release_has_the_same_content,
    an_ended_deployment_gets_no_release,
    processes_new_to_the_app_are_wanted_once_and_others_keep_their_counts,
    a_rollback_goes_to_the_newest_stable_release_that_differs,
    an_image_that_is_needed_is_not_given_up,
    an_image_shared_by_two_apps_goes_with_the_last,
    a_source_is_kept_while_something_came_from_it,
    releases_are_found_by_their_numbers,
);

async fn a_deployment_has_one_release_however_often_it_is_made(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let underway = bench.begin(&app, DeploymentKind::Push).await?;
    let (id, fence) = (&underway.deployment.id, underway.job.fence);
    let mut new = new_release("1");
    new.source = Some(Source::Git {
        source_id: mint::id(),
        commit: "3f2a9c1".to_owned(),
        branch: "main".to_owned(),
        subject: "fix the cart".to_owned(),
        author: "Ada".to_owned(),
    });
    new.formation = formation(&["web", "worker"]);
    let made = bench.store.create_release(id, fence, new).await?;
    let again = bench.store.create_release(id, fence, new_release("2")).await?;
    assert_eq!(again, made);
    assert_eq!(bench.store.releases(&app.id, 10, None).await?, std::slice::from_ref(&made));
    let deployment = bench.store.deployment(id).await?.unwrap();
    assert_eq!(deployment.release_id, Some(made.id));
    Ok(())
}

async fn a_copied_release_has_the_same_content(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let set = |value| change(&[("A", Some(value))]);
    bench.store.change_config(&app.id, &set("one"), &bench.keys, None, "ada", 0).await?;
    let (_, original) = bench.live(&app, "1").await?;
    let other = set("two");
    bench.store.change_config(&app.id, &other, &bench.keys, None, "ada", 0).await?;
    let (_, changed) = bench.live(&app, "1").await?;
    assert_ne!(changed.content, original.content, "the configuration counts");

    let rollback = bench.begin(&app, DeploymentKind::Rollback).await?;
    let copy = NewRelease {
        image: original.image.clone(),
        formation: original.formation.clone(),
        description: "rollback to v1".to_owned(),
        source: original.source.clone(),
        copy_of: Some(original.version),
        sealed_config: bench.store.sealed_config_of_release(&original.id).await?,
    };
    let (id, fence) = (&rollback.deployment.id, rollback.job.fence);
    let copy = bench.store.create_release(id, fence, copy).await?;
    assert_eq!(copy.content, original.content);
    assert_eq!((copy.version, copy.copy_of), (3, Some(1)));
    let opened = bench.store.release_config(&copy.id, &bench.keys).await?;
    assert_eq!(opened, bench.store.release_config(&original.id, &bench.keys).await?);
    Ok(())
}

async fn an_ended_deployment_gets_no_release(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let underway = bench.begin(&app, DeploymentKind::Push).await?;
    let (id, fence) = (&underway.deployment.id, underway.job.fence);
    let canceled = DeploymentEvent::Canceled { by: "ada".to_owned() };
    bench.store.advance(id, canceled, None).await?;
    let refused = bench.store.create_release(id, fence, new_release("1")).await;
    assert!(matches!(refused, Err(StoreError::Stale)));
    Ok(())
}

async fn processes_new_to_the_app_are_wanted_once_and_others_keep_their_counts(
    bench: Bench,
) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    bench.live(&app, "1").await?;
    bench.store.set_scale(&app.id, &counts(&[("web", 5)]), "ada").await?;
    let underway = bench.begin(&app, DeploymentKind::Push).await?;
    let new = NewRelease { formation: formation(&["web", "worker"]), ..new_release("2") };
    bench.store.create_release(&underway.deployment.id, underway.job.fence, new).await?;
    assert_eq!(bench.store.scale(&app.id).await?, counts(&[("web", 5), ("worker", 1)]));
    Ok(())
}

async fn a_rollback_goes_to_the_newest_stable_release_that_differs(
    bench: Bench,
) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    assert_eq!(bench.store.rollback_target(&app.id).await?, None);
    let (_, first) = bench.live(&app, "1").await?;
    assert_eq!(bench.store.rollback_target(&app.id).await?, None);
    // v2 never became stable, v3 and v4 run the same thing.
    let (unstable, _) = bench.switching(&app, "2").await?;
    let failed = slipway_core::reason::Reason::new(
        slipway_core::reason::ReasonCode::Exited,
        "exited with 1",
    );
    let event = DeploymentEvent::Failed { reason: failed };
    bench.store.advance(&unstable.deployment.id, event, None).await?;
    bench.live(&app, "3").await?;
    bench.live(&app, "3").await?;
    let target = bench.store.rollback_target(&app.id).await?.unwrap();
    assert_eq!(target.id, first.id);
    Ok(())
}

async fn an_image_that_is_needed_is_not_given_up(bench: Bench) -> anyhow::Result<()> {
    let store = &bench.store;
    let app = bench.app("shop").await?;
    let (_, old) = bench.live(&app, "1").await?;
    let running = bench.instance(&app, &old.id, InstanceState::Draining).await?;
    let (_, live) = bench.live(&app, "2").await?;

    assert!(!store.mark_image_removed(&live.id).await?, "it is live");
    assert!(!store.mark_image_removed(&old.id).await?, "an instance runs it");
    let stopped = InstanceUpdate {
        state: Some(InstanceState::Stopped),
        stopped_at: Some(clock::now()),
        ..InstanceUpdate::default()
    };
    store.update_instance(&running.id, stopped, None).await?;
    store.set_pinned(&old.id, true).await?;
    assert!(!store.mark_image_removed(&old.id).await?, "it is pinned");
    store.set_pinned(&old.id, false).await?;
    let mut back = crate::bench::wanted(&app.id, DeploymentKind::Rollback);
    back.target_release = Some(old.id.clone());
    let back = store.accept(back).await?;
    assert!(!store.mark_image_removed(&old.id).await?, "a rollback waits for it");
    let canceled = DeploymentEvent::Canceled { by: "ada".to_owned() };
    store.advance(&back.id, canceled, None).await?;

    assert!(store.mark_image_removed(&old.id).await?);
    assert!(!store.release(&old.id).await?.unwrap().image_kept);
    assert!(!store.mark_image_removed(&old.id).await?, "it is gone already");
    assert_eq!(store.rollback_target(&app.id).await?, None);
    store.unmark_image_removed(&old).await?;
    assert!(store.release(&old.id).await?.unwrap().image_kept, "it could not be removed");
    assert!(store.mark_image_removed(&old.id).await?, "so it is tried again");
    Ok(())
}

async fn an_image_shared_by_two_apps_goes_with_the_last(bench: Bench) -> anyhow::Result<()> {
    let (one, two) = (bench.app("one").await?, bench.app("two").await?);
    let mut olds = Vec::new();
    for app in [&one, &two] {
        olds.push(bench.live(app, "shared").await?.1);
        bench.live(app, "newer").await?;
    }
    assert!(bench.store.image_is_shared(&olds[0]).await?);
    assert!(!bench.store.mark_image_removed(&olds[0].id).await?, "the other app keeps it");
    assert!(!bench.store.release(&olds[0].id).await?.unwrap().image_kept);
    assert!(bench.store.mark_image_removed(&olds[1].id).await?);
    Ok(())
}

async fn a_source_is_kept_while_something_came_from_it(bench: Bench) -> anyhow::Result<()> {
    let store = &bench.store;
    let app = bench.app("shop").await?;
    let (stray, used) = (mint::id(), mint::id());
    store.record_source(&stray, &app.id, 10, "aa").await?;
    store.record_source(&used, &app.id, 20, "bb").await?;
    assert_eq!(store.sources(&app.id).await?.len(), 2);
    let mut new = crate::bench::wanted(&app.id, DeploymentKind::Upload);
    let source = Source::Upload { source_id: used.clone(), description: "shop".to_owned() };
    new.source = Some(source.clone());
    let accepted = store.accept(new).await?;

    let later = clock::now() + Millis(1_000);
    assert!(store.unreferenced_sources(clock::now() - Millis(60_000)).await?.is_empty());
    assert_eq!(store.unreferenced_sources(later).await?, std::slice::from_ref(&stray));
    let underway = bench.begin_accepted(&accepted).await?;
    let release = NewRelease { source: Some(source), ..new_release("1") };
    let (id, fence) = (&accepted.id, underway.job.fence);
    let release = store.create_release(id, fence, release).await?;
    let canceled = DeploymentEvent::Canceled { by: "ada".to_owned() };
    store.advance(id, canceled, None).await?;
    assert_eq!(store.unreferenced_sources(later).await?, std::slice::from_ref(&stray));
    assert!(store.mark_image_removed(&release.id).await?);
    assert_eq!(store.unreferenced_sources(later).await?, [stray.clone(), used]);
    store.delete_source(&stray).await?;
    assert_eq!(store.sources(&app.id).await?.len(), 1);
    Ok(())
}

async fn releases_are_found_by_their_numbers(bench: Bench) -> anyhow::Result<()> {
    let (app, other) = (bench.app("shop").await?, bench.app("other").await?);
    let (_, first) = bench.live(&app, "1").await?;
    let (_, second) = bench.live(&app, "2").await?;
    bench.live(&other, "3").await?;
    let first = bench.store.release(&first.id).await?.unwrap();
    assert_eq!(bench.store.release_by_version(&app.id, 1).await?, Some(first.clone()));
    assert_eq!(bench.store.release_by_version(&app.id, 3).await?, None);
    assert_eq!(bench.store.releases(&app.id, 10, Some(2)).await?, std::slice::from_ref(&first));
    let versions = bench.store.release_versions(&app.id).await?;
    assert_eq!(versions, [(first.id, 1), (second.id, 2)].into());
    Ok(())
}
