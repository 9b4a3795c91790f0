use std::collections::BTreeMap;

use slipway_core::autoscale::{Amount, AutoscaleSettings, Decision, Numbers, Verdict};
use slipway_core::event::EventKind;
use slipway_core::metric::Metric;
use slipway_core::name::ProcessName;
use slipway_store::StoreError;
use slipway_store::autoscale::KEPT_DECISIONS;

use crate::bench::{Bench, counts};

on_both_databases!(
    a_step_is_a_count_an_event_and_a_kept_decision,
    a_change_by_hand_wins_over_a_step_decided_before,
    by_hand_a_count_outside_the_bounds_is_refused,
    zero_by_hand_pauses_until_the_count_is_more,
    the_oldest_decisions_are_forgotten_first,
    what_no_longer_scales_by_itself_is_left_alone,
);

fn web() -> ProcessName {
    ProcessName::web()
}

fn settings(min: u32, max: u32) -> AutoscaleSettings {
    AutoscaleSettings::new(min, max, BTreeMap::from([(Metric::Cpu, Amount::whole(60))]))
}

fn decision(count: u32, verdict: Verdict) -> Decision {
    let sentence = format!("{count} it is");
    Decision { count, verdict, sentence, numbers: Numbers::default() }
}

async fn a_step_is_a_count_an_event_and_a_kept_decision(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    bench.live(&app, "1").await?;
    let store = &bench.store;
    store.set_autoscale(&app.id, &web(), &settings(1, 4)).await?;
    let up = decision(3, Verdict::Up);
    store.carry_out(&app.id, &web(), 1, &up).await?;
    assert_eq!(store.scale(&app.id).await?, counts(&[("web", 3)]));
    let last = store.events(Some(&app.id), 0, 100).await?.pop().unwrap().kind;
    let reason = Some(up.sentence.clone());
    let (process, by) = ("web".to_owned(), "autoscaler".to_owned());
    assert_eq!(last, EventKind::Scaled { process, from: 1, to: 3, by, reason });
    assert_eq!(store.decisions(&app.id, 10).await?[0].decision, up);
    let told = store.all_autoscaled().await?.remove(0).present.unwrap().1;
    assert_eq!(told, up);

    let steady = decision(3, Verdict::Steady);
    store.explain(&app.id, &web(), &steady).await?;
    assert_eq!(store.autoscaled(&app.id).await?[0].present.as_ref().unwrap().1, steady);
    assert_eq!(store.decisions(&app.id, 10).await?.len(), 1, "explained, not kept");
    Ok(())
}

async fn a_change_by_hand_wins_over_a_step_decided_before(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    bench.live(&app, "1").await?;
    bench.store.set_autoscale(&app.id, &web(), &settings(1, 4)).await?;
    bench.store.set_scale(&app.id, &counts(&[("web", 2)]), "ada").await?;
    let late = bench.store.carry_out(&app.id, &web(), 1, &decision(3, Verdict::Up)).await;
    assert!(matches!(late, Err(StoreError::Stale)), "{late:?}");
    assert_eq!(bench.store.scale(&app.id).await?, counts(&[("web", 2)]));
    assert_eq!(bench.store.decisions(&app.id, 10).await?, []);
    Ok(())
}

async fn by_hand_a_count_outside_the_bounds_is_refused(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    bench.live(&app, "1").await?;
    bench.store.set_autoscale(&app.id, &web(), &settings(1, 4)).await?;
    let refused = bench.store.set_scale(&app.id, &counts(&[("web", 5)]), "ada").await;
    let said = refused.unwrap_err().to_string();
    assert_eq!(said, "`web` scales by itself between 1 and 4: 5 is outside");
    assert_eq!(bench.store.scale(&app.id).await?, counts(&[("web", 1)]));
    Ok(())
}

async fn zero_by_hand_pauses_until_the_count_is_more(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    bench.live(&app, "1").await?;
    let store = &bench.store;
    store.set_autoscale(&app.id, &web(), &settings(0, 4)).await?;
    store.set_scale(&app.id, &counts(&[("web", 0)]), "ada").await?;
    assert!(store.autoscaled(&app.id).await?[0].paused);
    let wake = Decision::wake(&settings(0, 4));
    let woken = store.carry_out(&app.id, &web(), 0, &wake).await;
    assert!(matches!(woken, Err(StoreError::Stale)), "{woken:?}");
    store.set_autoscale(&app.id, &web(), &settings(0, 3)).await?;
    assert!(store.autoscaled(&app.id).await?[0].paused, "new settings do not resume");
    store.set_scale(&app.id, &counts(&[("web", 2)]), "ada").await?;
    assert!(!store.autoscaled(&app.id).await?[0].paused);

    store.carry_out(&app.id, &web(), 2, &decision(0, Verdict::Sleep)).await?;
    assert!(!store.autoscaled(&app.id).await?[0].paused, "asleep is not paused");
    store.carry_out(&app.id, &web(), 0, &wake).await?;
    assert_eq!(store.scale(&app.id).await?, counts(&[("web", 1)]));
    Ok(())
}

async fn the_oldest_decisions_are_forgotten_first(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    bench.live(&app, "1").await?;
    bench.store.set_autoscale(&app.id, &web(), &settings(1, 4)).await?;
    for number in 0..KEPT_DECISIONS + 3 {
        let mut steady = decision(1, Verdict::Steady);
        steady.sentence = number.to_string();
        bench.store.carry_out(&app.id, &web(), 1, &steady).await?;
    }
    let kept = bench.store.decisions(&app.id, 1_000).await?;
    assert_eq!(kept.len(), KEPT_DECISIONS as usize);
    assert_eq!(kept.last().unwrap().decision.sentence, "3");
    Ok(())
}

async fn what_no_longer_scales_by_itself_is_left_alone(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    bench.live(&app, "1").await?;
    let unknown = bench.store.set_autoscale(&app.id, &"clock".parse()?, &settings(1, 4)).await;
    assert!(matches!(unknown, Err(StoreError::UnknownProcess { .. })));
    bench.store.set_autoscale(&app.id, &web(), &settings(1, 4)).await?;
    assert!(bench.store.unset_autoscale(&app.id, &web()).await?);
    assert!(!bench.store.unset_autoscale(&app.id, &web()).await?);
    let late = bench.store.carry_out(&app.id, &web(), 1, &decision(3, Verdict::Up)).await;
    assert!(matches!(late, Err(StoreError::Stale)), "{late:?}");
    Ok(())
}
