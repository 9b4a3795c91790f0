use std::collections::BTreeMap;

use slipway_core::alert::{Bounds, Rule, Scope, Severity, State, Status, defaults};
use slipway_core::channel::{MOST_ATTEMPTS, Target};
use slipway_core::name::AlertName;
use slipway_core::time::{Millis, Timestamp};
use slipway_core::wire::channel::DeliveryState;
use slipway_store::{
    AlertChange, AlertScope, AlertWrite, App, ChannelRow, Message, Owed, StoreError, clock,
};

use crate::bench::Bench;

on_both_databases!(
    a_rule_comes_back_as_it_was_set,
    an_alert_that_fires_is_told_to_its_channels_and_as_an_event,
    the_same_firing_is_begun_once,
    the_host_s_alerts_are_told_to_channels_of_every_app_alone,
    what_was_sent_and_confirmed_is_never_taken_again,
    an_attempt_that_died_is_made_again_under_the_same_id,
    the_end_is_told_after_the_beginning,
    a_message_is_given_up_in_the_end,
    a_target_is_sealed_for_its_channel,
    an_app_takes_its_alerts_and_channels_along,
    old_firings_and_messages_are_forgotten,
);

fn errors() -> AlertName {
    "errors".parse().unwrap()
}

fn rule() -> Rule {
    defaults(Scope::App).into_iter().find(|(name, _)| *name == errors()).unwrap().1
}

fn fires() -> AlertChange {
    AlertChange::Fires {
        alert: errors(),
        severity: Severity::Critical,
        sentence: "errors is 3.2 %".to_owned(),
        value: 3.2,
        bounds: Bounds { threshold: 1.0, clear: 0.9 },
    }
}

fn ends() -> AlertChange {
    AlertChange::Ends { alert: errors(), sentence: "errors is 0 % again".to_owned() }
}

fn write(scope: &AlertScope, state: State, change: AlertChange) -> AlertWrite {
    let at = clock::now();
    let status = Status { state, ..Status::unknown(at) };
    AlertWrite {
        scope: scope.clone(),
        at,
        statuses: [(errors(), status)].into(),
        changes: vec![change],
    }
}

fn of(app: &App) -> AlertScope {
    AlertScope::App(app.id.clone())
}

async fn fire(bench: &Bench, scope: &AlertScope) -> anyhow::Result<()> {
    Ok(bench.store.write_alerts(&write(scope, State::Firing { worst: 3.2 }, fires())).await?)
}

async fn end(bench: &Bench, scope: &AlertScope) -> anyhow::Result<()> {
    Ok(bench.store.write_alerts(&write(scope, State::Ok, ends())).await?)
}

async fn channel(bench: &Bench, name: &str, app: Option<&App>) -> anyhow::Result<ChannelRow> {
    let target = Target::Slack { url: "https://hooks.example.com/hunter2".parse()? };
    let app_id = app.map(|app| &app.id);
    Ok(bench.store.create_channel(&name.parse()?, app_id, &target, &bench.keys, "ada").await?)
}

/// Takes the next message, at a time when every attempt that died is due again.
async fn take_later(bench: &Bench) -> anyhow::Result<Option<Owed>> {
    Ok(bench.store.take_delivery(clock::now() + Millis::from_secs(3600)).await?)
}

async fn a_rule_comes_back_as_it_was_set(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let set = Rule { threshold: 0.1 + 0.2, clear: Some(1.0 / 3.0), ..rule() };
    bench.store.set_alert_rule(&of(&app), &errors(), &rule(), "ada").await?;
    bench.store.set_alert_rule(&of(&app), &errors(), &set, "ada").await?;
    bench.store.set_alert_rule(&AlertScope::Host, &errors(), &rule(), "ada").await?;
    let expected: BTreeMap<_, _> = [(errors(), set)].into();
    assert_eq!(bench.store.alert_rules_of(&of(&app)).await?, expected);
    let all = bench.store.alert_rules().await?;
    assert_eq!((all.len(), &all[&of(&app)]), (2, &expected));
    assert!(bench.store.delete_alert_rule(&of(&app), &errors()).await?);
    assert!(!bench.store.delete_alert_rule(&of(&app), &errors()).await?);
    for number in 0..slipway_store::alerts::MOST_RULES {
        let name = format!("a{number}").parse()?;
        bench.store.set_alert_rule(&of(&app), &name, &rule(), "ada").await?;
    }
    let refused = bench.store.set_alert_rule(&of(&app), &errors(), &rule(), "ada").await;
    assert!(matches!(refused, Err(StoreError::TooManyAlerts)));
    bench.store.set_alert_rule(&of(&app), &"a1".parse()?, &rule(), "ada").await?;
    Ok(())
}

async fn an_alert_that_fires_is_told_to_its_channels_and_as_an_event(
    bench: Bench,
) -> anyhow::Result<()> {
    let (shop, blog) = (bench.app("shop").await?, bench.app("blog").await?);
    let (all, own) =
        (channel(&bench, "all", None).await?, channel(&bench, "own", Some(&shop)).await?);
    let other = channel(&bench, "other", Some(&blog)).await?;
    fire(&bench, &of(&shop)).await?;
    for (channel, messages) in [(&all, 1), (&own, 1), (&other, 0)] {
        assert_eq!(bench.store.deliveries(&channel.id, 9).await?.len(), messages);
    }
    assert_eq!(bench.told(&shop).await?, ["created", "alert: errors is 3.2 %"]);
    let firing = bench.store.firings(&of(&shop), 9, None).await?.remove(0);
    assert_eq!((firing.value, firing.ended_at), (3.2, None));
    assert_eq!(firing.app.as_ref(), Some(&shop.name));

    end(&bench, &of(&shop)).await?;
    end(&bench, &of(&shop)).await?;
    let told = bench.told(&shop).await?;
    assert_eq!(told[2..], ["alert over: errors is 0 % again"], "once");
    let ended = bench.store.firings(&of(&shop), 9, None).await?.remove(0);
    assert_eq!(ended.ending.as_deref(), Some("errors is 0 % again"));
    assert_eq!(bench.store.deliveries(&own.id, 9).await?.len(), 2);
    assert!(bench.store.firings(&of(&shop), 9, Some(&ended.id)).await?.is_empty());
    Ok(())
}

async fn the_same_firing_is_begun_once(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let all = channel(&bench, "all", None).await?;
    fire(&bench, &of(&app)).await?;
    fire(&bench, &of(&app)).await?;
    assert_eq!(bench.store.firings(&of(&app), 9, None).await?.len(), 1);
    assert_eq!(bench.store.deliveries(&all.id, 9).await?.len(), 1);
    let statuses = bench.store.alert_statuses().await?;
    assert!(statuses[&of(&app)][&errors()].is_firing());
    assert_eq!(bench.store.alert_statuses_of(&of(&app)).await?, statuses[&of(&app)]);
    Ok(())
}

async fn the_host_s_alerts_are_told_to_channels_of_every_app_alone(
    bench: Bench,
) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let (all, own) =
        (channel(&bench, "all", None).await?, channel(&bench, "own", Some(&app)).await?);
    fire(&bench, &AlertScope::Host).await?;
    assert_eq!(bench.store.deliveries(&own.id, 9).await?, []);
    let told = bench.store.deliveries(&all.id, 9).await?;
    assert_eq!(told[0].subject, "[firing] host: errors is 3.2 %");
    Ok(())
}

async fn what_was_sent_and_confirmed_is_never_taken_again(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let all = channel(&bench, "all", None).await?;
    fire(&bench, &of(&app)).await?;
    let owed = bench.store.take_delivery(clock::now()).await?.unwrap();
    assert!(matches!(&owed.message, Message::Fires { firing } if firing.alert == errors()));
    assert_eq!(bench.store.take_delivery(clock::now()).await?, None, "it is under way");
    bench.store.confirm_delivery(&owed.id).await?;
    assert_eq!(take_later(&bench).await?, None);
    // A sender that comes late with a failure changes nothing.
    bench.store.fail_delivery(&owed, "no answer", false).await?;
    assert_eq!(take_later(&bench).await?, None);
    assert_eq!(bench.store.deliveries(&all.id, 9).await?[0].state, DeliveryState::Sent);
    Ok(())
}

async fn an_attempt_that_died_is_made_again_under_the_same_id(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    channel(&bench, "all", None).await?;
    fire(&bench, &of(&app)).await?;
    let first = bench.store.take_delivery(clock::now()).await?.unwrap();
    let after_the_crash = bench.beside().await?;
    let later = clock::now() + Millis::from_secs(31);
    let second = after_the_crash.take_delivery(later).await?.unwrap();
    assert_eq!((second.id.clone(), second.attempts), (first.id, 2));
    Ok(())
}

async fn the_end_is_told_after_the_beginning(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    channel(&bench, "all", None).await?;
    fire(&bench, &of(&app)).await?;
    end(&bench, &of(&app)).await?;
    let first = bench.store.take_delivery(clock::now()).await?.unwrap();
    assert!(matches!(first.message, Message::Fires { .. }));
    bench.store.fail_delivery(&first, "no answer", false).await?;
    assert_eq!(bench.store.take_delivery(clock::now()).await?, None, "the end waits");
    let again = take_later(&bench).await?.unwrap();
    assert_eq!(again.id, first.id);
    bench.store.confirm_delivery(&again.id).await?;
    let last = bench.store.take_delivery(clock::now()).await?.unwrap();
    assert!(matches!(last.message, Message::Ends { .. }));
    Ok(())
}

async fn a_message_is_given_up_in_the_end(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let all = channel(&bench, "all", None).await?;
    fire(&bench, &of(&app)).await?;
    for attempt in 1..=MOST_ATTEMPTS {
        let owed = take_later(&bench).await?.expect("it is tried again");
        assert_eq!(owed.attempts, attempt);
        bench.store.fail_delivery(&owed, &format!("no {attempt}"), false).await?;
    }
    assert_eq!(take_later(&bench).await?, None);
    let given_up = bench.store.deliveries(&all.id, 9).await?.remove(0);
    assert_eq!((given_up.state, given_up.attempts), (DeliveryState::Failed, MOST_ATTEMPTS));
    assert_eq!(given_up.last_error.as_deref(), Some("no 10"));
    Ok(())
}

async fn a_target_is_sealed_for_its_channel(bench: Bench) -> anyhow::Result<()> {
    let (one, other) = (channel(&bench, "one", None).await?, channel(&bench, "other", None).await?);
    assert_eq!(one.description, "https://hooks.example.com/…");
    let target = bench.store.channel_target(&one.id, &bench.keys).await?.unwrap();
    assert!(matches!(target, Target::Slack { url } if url.as_str().ends_with("hunter2")));
    let swap = "UPDATE channels SET sealed_target = (SELECT o.sealed_target FROM channels o \
        WHERE o.name = 'other') WHERE name = 'one'";
    sqlx::query(swap).execute(&bench.raw().await?).await?;
    assert!(bench.store.channel_target(&one.id, &bench.keys).await.is_err());
    assert!(bench.store.channel_target(&other.id, &bench.keys).await?.is_some());
    let taken = channel(&bench, "one", None).await.unwrap_err().to_string();
    assert!(taken.contains("`one`"), "{taken}");
    Ok(())
}

async fn an_app_takes_its_alerts_and_channels_along(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    channel(&bench, "own", Some(&app)).await?;
    bench.store.set_alert_rule(&of(&app), &errors(), &rule(), "ada").await?;
    fire(&bench, &of(&app)).await?;
    bench.store.tombstone_app(&app.id, "ada").await?;
    let late = bench.store.set_alert_rule(&of(&app), &errors(), &rule(), "ada").await;
    assert!(matches!(late, Err(StoreError::AppDeleting)));
    end(&bench, &of(&app)).await?;
    bench.store.forget_app(&app.id).await?;
    assert!(bench.store.channels().await?.is_empty());
    assert!(bench.store.alert_rules().await?.is_empty());
    assert!(bench.store.alert_statuses().await?.is_empty());
    assert_eq!(take_later(&bench).await?, None);
    Ok(())
}

async fn old_firings_and_messages_are_forgotten(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let all = channel(&bench, "all", None).await?;
    fire(&bench, &of(&app)).await?;
    end(&bench, &of(&app)).await?;
    fire(&bench, &of(&app)).await?;
    let owed = bench.store.take_delivery(clock::now()).await?.unwrap();
    bench.store.confirm_delivery(&owed.id).await?;
    assert_eq!(bench.store.prune_alerts(Timestamp(0)).await?, 0);
    let pruned = bench.store.prune_alerts(clock::now() + Millis(1)).await?;
    assert_eq!(pruned, 2, "the firing that ended, and the message that was sent");
    assert_eq!(bench.store.firings(&of(&app), 9, None).await?.len(), 1, "what fires stays");
    assert_eq!(bench.store.deliveries(&all.id, 9).await?.len(), 2, "what is owed stays");
    Ok(())
}
