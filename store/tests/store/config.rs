use slipway_core::config::{Config, MAX_VALUE_BYTES};
use slipway_core::deployment::{DeploymentEvent, DeploymentKind};
use slipway_store::{KeyRing, StoreError};

use crate::bench::{Bench, change, key, new_release};

on_both_databases!(
    values_come_back_to_the_byte,
    neither_rows_nor_files_hold_a_value_in_the_clear,
    a_change_based_on_another_version_is_refused,
    a_change_beyond_a_limit_changes_nothing,
    a_change_to_what_is_so_makes_nothing,
    a_change_of_what_is_live_makes_a_deployment,
    a_change_beside_a_first_release_is_carried_after_it,
    a_generated_value_never_replaces_one,
    a_snapshot_keeps_what_was_set_when_it_was_taken,
    values_do_not_open_with_the_keys_of_another_installation,
);

/// Everything that broke a value on its way, somewhere.
const HARD: &str = "line one\nline \"two\" 'three'\t$HOME #not=a=comment \\ 🚀 é\r\n";

async fn values_come_back_to_the_byte(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let wanted = change(&[("HARD", Some(HARD)), ("EMPTY", Some("")), ("lower", Some(" "))]);
    bench.store.change_config(&app.id, &wanted, &bench.keys, None, "ada", 0).await?;
    let expected = Config(wanted.iter().map(|(k, v)| (k.clone(), v.clone().unwrap())).collect());
    assert_eq!(bench.store.config(&app.id, &bench.keys).await?, expected);
    let value = bench.store.config_value(&app.id, &key("HARD"), &bench.keys).await?;
    assert_eq!(value.as_deref(), Some(HARD));
    assert_eq!(bench.store.config_value(&app.id, &key("NO"), &bench.keys).await?, None);

    let (entries, _) = bench.store.config_entries(&app.id).await?;
    let sizes: Vec<_> = entries.iter().map(|entry| (entry.key.as_str(), entry.bytes)).collect();
    assert_eq!(sizes, [("EMPTY", 0), ("HARD", HARD.len() as u64), ("lower", 1)]);

    let (_, release) = bench.live(&app, "1").await?;
    assert_eq!(bench.store.release_config(&release.id, &bench.keys).await?, expected);
    Ok(())
}

async fn neither_rows_nor_files_hold_a_value_in_the_clear(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let secret = "correct-horse-battery-staple";
    let set = change(&[("SECRET", Some(secret))]);
    bench.store.change_config(&app.id, &set, &bench.keys, None, "ada", 0).await?;
    bench.live(&app, "1").await?;
    let sealed = bench.store.sealed_config_of_app(&app.id).await?;
    assert!(!sealed.0[&key("SECRET")].contains(secret));
    bench.store.close().await;
    let folder = match &bench.server {
        Some(server) => server.folder().to_owned(),
        None => bench.folder.path().to_owned(),
    };
    let found = std::process::Command::new("grep").args(["-rlaF", secret]).arg(folder).output()?;
    assert_eq!(found.status.code(), Some(1), "{}", String::from_utf8_lossy(&found.stdout));
    Ok(())
}

async fn a_change_based_on_another_version_is_refused(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let (_, seen) = bench.store.config_entries(&app.id).await?;
    let set = |value| change(&[("A", Some(value))]);
    let apply = async |value, seen: &str| {
        bench.store.change_config(&app.id, &set(value), &bench.keys, Some(seen), "ada", 0).await
    };
    let first = apply("one", &seen).await?;
    assert_ne!(first.etag, seen);
    let refused = apply("two", &seen).await;
    assert!(matches!(refused, Err(StoreError::EtagMismatch { current }) if current == first.etag));
    assert_eq!(bench.store.config(&app.id, &bench.keys).await?.0[&key("A")], "one");
    apply("two", &first.etag).await?;
    assert_eq!(bench.store.config(&app.id, &bench.keys).await?.0[&key("A")], "two");
    Ok(())
}

async fn a_change_beyond_a_limit_changes_nothing(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let big = "x".repeat(MAX_VALUE_BYTES + 1);
    let set = change(&[("A", Some("fine")), ("BIG", Some(&big))]);
    let refused = bench.store.change_config(&app.id, &set, &bench.keys, None, "ada", 0).await;
    assert!(matches!(refused, Err(StoreError::Config(_))));
    assert_eq!(bench.store.config(&app.id, &bench.keys).await?, Config::default());

    let largest = "x".repeat(MAX_VALUE_BYTES);
    let set = change(&[("BIG", Some(&largest))]);
    bench.store.change_config(&app.id, &set, &bench.keys, None, "ada", 0).await?;
    assert_eq!(bench.store.config(&app.id, &bench.keys).await?.0[&key("BIG")], largest);
    Ok(())
}

async fn a_change_to_what_is_so_makes_nothing(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let set = change(&[("A", Some("one"))]);
    bench.store.change_config(&app.id, &set, &bench.keys, None, "ada", 0).await?;
    bench.live(&app, "1").await?;
    let sealed = bench.store.sealed_config_of_app(&app.id).await?;
    let (_, etag) = bench.store.config_entries(&app.id).await?;
    let told = bench.told(&app).await?;

    let same = change(&[("A", Some("one")), ("NEVER", None)]);
    let outcome = bench.store.change_config(&app.id, &same, &bench.keys, None, "ada", 0).await?;
    assert_eq!((outcome.changed, outcome.deployment, outcome.etag), (false, None, etag));
    assert_eq!(bench.store.sealed_config_of_app(&app.id).await?, sealed, "not even sealed anew");
    assert_eq!(bench.told(&app).await?, told);
    Ok(())
}

async fn a_change_of_what_is_live_makes_a_deployment(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let set = change(&[("A", Some("one"))]);
    let before = bench.store.change_config(&app.id, &set, &bench.keys, None, "ada", 0).await?;
    assert_eq!((before.changed, before.deployment), (true, None), "nothing is live yet");
    bench.live(&app, "1").await?;

    let set = change(&[("B", Some("hunter2")), ("A", None)]);
    let outcome = bench.store.change_config(&app.id, &set, &bench.keys, None, "eve", 42).await?;
    let deployment = outcome.deployment.unwrap();
    assert_eq!(deployment.kind, DeploymentKind::Config);
    assert_eq!(deployment.description, "set B; unset A");
    assert_eq!((deployment.created_by.as_str(), deployment.log_start), ("eve", 42));
    bench.begin_accepted(&deployment).await?;
    Ok(())
}

async fn a_change_beside_a_first_release_is_carried_after_it(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let underway = bench.begin(&app, DeploymentKind::Push).await?;
    let apply = async |value| {
        let set = change(&[("A", Some(value))]);
        let outcome = bench.store.change_config(&app.id, &set, &bench.keys, None, "ada", 0).await;
        outcome.map(|outcome| outcome.deployment)
    };
    assert_eq!(apply("in time").await?, None, "the build has yet to take its snapshot");
    let (id, fence) = (&underway.deployment.id, underway.job.fence);
    bench.store.create_release(id, fence, new_release("1")).await?;
    let late = apply("too late").await?.expect("the snapshot is taken");
    assert_eq!(late.state.name(), "queued");
    bench.store.advance(id, DeploymentEvent::ImageReady, Some(fence)).await?;
    Ok(())
}

async fn a_generated_value_never_replaces_one(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let generate = async |value| {
        let key = key("SECRET_KEY");
        bench.store.generate_config_if_absent(&app.id, &key, value, &bench.keys).await
    };
    generate("first").await?;
    let (entries, etag) = bench.store.config_entries(&app.id).await?;
    assert!(entries[0].generated);
    generate("second").await?;
    assert_eq!(bench.store.config_entries(&app.id).await?, (entries, etag));
    assert_eq!(bench.store.config(&app.id, &bench.keys).await?.0[&key("SECRET_KEY")], "first");

    let set = change(&[("SECRET_KEY", Some("mine"))]);
    bench.store.change_config(&app.id, &set, &bench.keys, None, "ada", 0).await?;
    assert!(!bench.store.config_entries(&app.id).await?.0[0].generated);
    Ok(())
}

async fn a_snapshot_keeps_what_was_set_when_it_was_taken(bench: Bench) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let apply = async |value| {
        let set = change(&[("A", Some(value)), ("SAME", Some("same"))]);
        bench.store.change_config(&app.id, &set, &bench.keys, None, "ada", 0).await
    };
    apply("one").await?;
    let (_, first) = bench.live(&app, "1").await?;
    apply("two").await?;
    let snapshot = bench.store.sealed_config_of_release(&first.id).await?;
    assert_eq!(snapshot.open(&app.id, &bench.keys)?.0[&key("A")], "one");
    let now = bench.store.sealed_config_of_app(&app.id).await?;
    assert_ne!(snapshot.0[&key("A")], now.0[&key("A")]);
    assert_eq!(snapshot.0[&key("SAME")], now.0[&key("SAME")], "equal values stay equal");
    Ok(())
}

async fn values_do_not_open_with_the_keys_of_another_installation(
    bench: Bench,
) -> anyhow::Result<()> {
    let app = bench.app("shop").await?;
    let set = change(&[("A", Some("one"))]);
    bench.store.change_config(&app.id, &set, &bench.keys, None, "ada", 0).await?;
    let elsewhere = tempfile::tempdir()?;
    let others = KeyRing::load_or_create(elsewhere.path())?;
    let refused = bench.store.config(&app.id, &others).await.unwrap_err().to_string();
    assert!(refused.contains("`A`") && !refused.contains("one "), "{refused}");
    Ok(())
}
