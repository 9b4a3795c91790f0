//! How long requests take and wait.

use slipway_core::histogram::{OVERFLOW_MS, bucket_of};
use slipway_store::clock;

use super::super::{Times, Timing};
use super::backend::Backend;
use super::rig::{HOST, Rig, eventually, shop, shop_site, site};

/// What the app's requests were, once there were this many since `earlier`.
async fn timing(rig: &Rig, earlier: &Times, requests: u64) -> Timing {
    let read = || async {
        let times = rig.proxy.times().await.unwrap();
        times.since(earlier).apps.remove(&shop()).unwrap_or_default()
    };
    eventually("all are counted", || async { read().await.queue.count() >= requests }).await;
    read().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_counts_with_its_time_for_its_app_and_its_instance() {
    let rig = Rig::start().await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    for _ in 0..3 {
        rig.get("/slow/200").await;
    }
    let timing = timing(&rig, &Times::default(), 3).await;
    assert_eq!(timing.latency.count(), 3);
    let median = timing.latency.quantile(500).unwrap();
    assert!((190..400).contains(&median), "{median} ms");
    assert!(timing.queue.quantile(1000).unwrap() < 100, "nobody waited");
    let since = rig.proxy.times().await.unwrap().since(&Times::default());
    assert_eq!(since.instances[&backend.member.instance], timing);
    let busy = rig.proxy.traffic().await.unwrap().of_app(&shop());
    assert!((550..2_000).contains(&busy.busy_ms), "three times 200 ms: {busy:?}");
    assert!(busy.bytes_in > 3 * 40 && busy.bytes_in < 3 * 200, "{busy:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_is_under_way_and_has_no_latency() {
    let rig = Rig::start().await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    let mut client = rig.client().await;
    client
        .send(&format!(
            "GET /echo HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
        ))
        .await;
    assert_eq!(client.receive_head().await.unwrap().status(), 101);
    let busy = || async { rig.proxy.traffic().await.unwrap().of_app(&shop()).busy_ms };
    eventually("its time counts while it is open", || async { busy().await > 100 }).await;
    drop(client);
    let timing = timing(&rig, &Times::default(), 1).await;
    assert_eq!(timing.latency.count(), 0);
}

/// Requests that a front proxy got so long before now, one after the other: what each counted as.
async fn waits(rig: &Rig, before_ms: &[i64]) -> Vec<(u8, u64)> {
    let mut counted = Vec::new();
    for before in before_ms {
        let earlier = rig.proxy.times().await.unwrap();
        let since = clock::now().0 - before;
        let mut client = rig.client().await;
        client
            .send(&format!(
                "GET /headers HTTP/1.1\r\nHost: {HOST}\r\nX-Request-Start: t={since}\r\n\r\n"
            ))
            .await;
        let seen = client.receive().await.unwrap().body.to_lowercase();
        let passed_on = seen.contains(&format!("x-request-start: t={since}\r\n"));
        assert_eq!(passed_on, !rig.proxy.settings.trusted_fronts.is_empty(), "{seen}");
        let queue = timing(rig, &earlier, 1).await.queue;
        assert_eq!(queue.count(), 1);
        counted.push((queue.counts()[0].0, queue.sum_ms()));
    }
    counted
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_front_proxy_says_when_a_request_came() {
    let front = "127.0.0.1".parse().unwrap();
    let rig = Rig::start_with(|settings| settings.trusted_fronts = vec![front]).await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    let before = [3, 12, 17, 40, 133, 950, 8_200, 65_000, 70_000];
    for (counted, before) in waits(&rig, &before).await.into_iter().zip(before) {
        let (bucket, waited) = counted;
        let before = u64::try_from(before).unwrap();
        assert!((before - 2..before + 500).contains(&waited), "{waited} for {before}");
        assert_eq!(bucket, bucket_of(waited), "nginx and Slipway count {waited} ms alike");
    }
    assert_eq!(bucket_of(OVERFLOW_MS), 112);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_claims_to_have_waited_is_not_believed() {
    let rig = Rig::start().await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    let counted = waits(&rig, &[60_000]).await;
    assert!(counted[0].1 < 500, "{counted:?}");
    let elsewhere = "192.0.2.1".parse().unwrap();
    let rig = Rig::start_with(|settings| settings.trusted_fronts = vec![elsewhere]).await;
    rig.set(&[&backend]).await;
    let mut client = rig.client().await;
    let start = clock::now().0 - 60_000;
    client
        .send(&format!(
            "GET /headers HTTP/1.1\r\nHost: {HOST}\r\nX-Request-Start: t={start}\r\n\r\n"
        ))
        .await;
    let seen = client.receive().await.unwrap().body.to_lowercase();
    assert!(!seen.contains(&start.to_string()), "{seen}");
    assert!(timing(&rig, &Times::default(), 1).await.queue.sum_ms() < 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_workers_counted_survives_their_end() {
    let rig = Rig::start().await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    let earlier = rig.proxy.times().await.unwrap();
    for _ in 0..10 {
        rig.get("/").await;
    }
    let before = rig.workers();
    let config = super::super::ProxyConfig { sites: vec![shop_site(), site(2, &["b.localhost"])] };
    rig.proxy.apply(&config).await.unwrap();
    eventually("the old workers are gone", || async {
        rig.workers().iter().all(|worker| !before.contains(worker))
    })
    .await;
    for _ in 0..5 {
        rig.get("/").await;
    }
    assert_eq!(timing(&rig, &earlier, 15).await.latency.count(), 15);
}
