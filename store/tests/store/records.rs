//! The audit log, remembered answers, and the word on the server's parts.

use slipway_core::time::{Millis, Timestamp};
use slipway_core::wire::auth::Scope;
use slipway_core::wire::status::TaskRound;
use slipway_store::idempotency::{KEPT, UNDER_WAY};
use slipway_store::{AuditRow, Idempotency, mint};

use crate::bench::Bench;

on_both_databases!(
    the_audit_log_reads_from_the_newest_down,
    a_repeated_request_gets_the_answer_of_the_first,
    a_key_is_free_again_when_its_request_came_to_nothing,
    of_many_requests_with_one_key_one_is_new,
    the_last_word_on_a_part_counts,
);

async fn the_audit_log_reads_from_the_newest_down(bench: Bench) -> anyhow::Result<()> {
    let row = |action: &str, target: Option<&str>| AuditRow {
        id: mint::id(),
        at: Timestamp(1),
        actor: target.map(|_| "ada@example.org".to_owned()),
        token: None,
        address: Some("203.0.113.9".to_owned()),
        action: action.to_owned(),
        target: target.map(str::to_owned),
        result: "ok".to_owned(),
        request_id: "r1".to_owned(),
    };
    let rows = [row("app.create", Some("shop")), row("login", None), row("app.destroy", Some("x"))];
    for row in &rows {
        bench.store.record_audit(row).await?;
    }
    let [first, second, third] = rows;
    assert_eq!(bench.store.audit(2, None).await?, [third, second.clone()]);
    assert_eq!(bench.store.audit(2, Some(&second.id)).await?, [first]);
    Ok(())
}

async fn a_repeated_request_gets_the_answer_of_the_first(bench: Bench) -> anyhow::Result<()> {
    let store = &bench.store;
    let ada = store.create_user(&"ada@example.org".parse()?, "h", Scope::Admin).await?.id;
    let eve = store.create_user(&"eve@example.org".parse()?, "h", Scope::Read).await?.id;
    let now = Timestamp(1_000_000_000);
    let begin = async |user, hash, at| store.begin_idempotent("k", user, hash, at).await;
    assert_eq!(begin(&ada, "body", now).await?, Idempotency::New);
    assert_eq!(begin(&ada, "body", now).await?, Idempotency::UnderWay);
    assert_eq!(begin(&ada, "other", now).await?, Idempotency::Conflict);
    store.finish_idempotent("k", &ada, 201, "{}").await?;
    let replay = Idempotency::Replay { status: 201, body: "{}".to_owned() };
    assert_eq!(begin(&ada, "body", now + UNDER_WAY + UNDER_WAY).await?, replay);
    assert_eq!(begin(&ada, "other", now).await?, Idempotency::Conflict);
    assert_eq!(begin(&eve, "body", now).await?, Idempotency::New, "keys are a person's own");

    let tomorrow = now + KEPT + Millis(1);
    assert_eq!(begin(&ada, "other", tomorrow).await?, Idempotency::New);
    assert_eq!(store.delete_idempotency_before(tomorrow).await?, 1);
    Ok(())
}

async fn a_key_is_free_again_when_its_request_came_to_nothing(bench: Bench) -> anyhow::Result<()> {
    let store = &bench.store;
    let ada = store.create_user(&"ada@example.org".parse()?, "h", Scope::Admin).await?.id;
    let now = Timestamp(1_000_000_000);
    let begin = async |at| store.begin_idempotent("k", &ada, "body", at).await;
    begin(now).await?;
    store.abandon_idempotent("k", &ada).await?;
    assert_eq!(begin(now).await?, Idempotency::New);
    assert_eq!(begin(now + UNDER_WAY).await?, Idempotency::UnderWay);
    assert_eq!(begin(now + UNDER_WAY + Millis(1)).await?, Idempotency::New, "its server died");
    store.finish_idempotent("k", &ada, 200, "done").await?;
    store.abandon_idempotent("k", &ada).await?;
    assert!(matches!(begin(now).await?, Idempotency::Replay { .. }), "an answer stays");
    Ok(())
}

async fn of_many_requests_with_one_key_one_is_new(bench: Bench) -> anyhow::Result<()> {
    let ada = bench.store.create_user(&"ada@example.org".parse()?, "h", Scope::Admin).await?.id;
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let (store, ada) = (bench.store.clone(), ada.clone());
        requests
            .spawn(async move { store.begin_idempotent("k", &ada, "body", Timestamp(9)).await });
    }
    let mut new = 0;
    while let Some(begun) = requests.join_next().await {
        new += usize::from(begun?? == Idempotency::New);
    }
    assert_eq!(new, 1);
    Ok(())
}

async fn the_last_word_on_a_part_counts(bench: Bench) -> anyhow::Result<()> {
    let proxy = ("proxy", true, "nginx answers".to_owned());
    let docker = |ok, message: &str| ("docker", ok, message.to_owned());
    let round = |failures| TaskRound {
        name: "alerts".to_owned(),
        ended_at: Timestamp(1_000),
        took_ms: Millis(3),
        interval_ms: Millis(5_000),
        failures,
        error: None,
    };
    assert_eq!(bench.store.task_rounds().await?, []);
    let parts = [proxy, docker(true, "Docker 20.10.24")];
    bench.store.set_statuses(&parts, "worker", &[round(0)]).await?;
    let parts = [docker(false, "Docker does not answer")];
    bench.store.set_statuses(&parts, "worker", &[round(1)]).await?;
    assert_eq!(bench.store.task_rounds().await?, [round(1)]);
    let parts = bench.store.component_statuses().await?;
    let parts: Vec<_> = parts.iter().map(|p| (p.name.as_str(), p.ok, p.message.as_str())).collect();
    assert_eq!(
        parts,
        [("docker", false, "Docker does not answer"), ("proxy", true, "nginx answers")]
    );
    Ok(())
}
