//! What is counted and logged.

use std::time::{Duration, Instant};

use super::backend::Backend;
use super::rig::{HOST, Rig, eventually, shop, shop_site};

#[tokio::test(flavor = "multi_thread")]
async fn every_request_is_counted_for_its_app_and_its_instance() {
    let rig = Rig::start().await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    for _ in 0..7 {
        rig.get("/").await;
    }
    rig.get("/own-502").await;
    eventually("all are counted", || async {
        rig.proxy.traffic().await.unwrap().of_app(&shop()).requests() == 8
    })
    .await;
    let traffic = rig.proxy.traffic().await.unwrap();
    let app = traffic.of_app(&shop());
    assert_eq!(app.responses, [0, 7, 0, 0, 1]);
    assert_eq!(traffic.of_instance(&backend.member.instance).responses, app.responses);
    assert!(app.bytes_out > 8 * 100);
    assert_eq!((app.failures, app.dropped, app.in_flight), (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_instance_is_known_to_be_idle_within_200_ms() {
    let rig = Rig::start().await;
    let (old, new) = (Backend::start(1).await, Backend::start(2).await);
    rig.set(&[&old]).await;
    let mut client = rig.client().await;
    client.send(&format!("GET /slow/600 HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await;
    eventually("the request arrives", || async { old.requests() == 1 }).await;
    rig.set(&[&new]).await;
    let in_flight = || async { rig.proxy.traffic().await.unwrap().in_flight(&old.member.instance) };
    assert_eq!(in_flight().await, Some(1), "known at once, also right after the switch");
    assert_eq!(client.receive().await.unwrap().status(), 200);
    let done = Instant::now();
    eventually("it is idle", || async { in_flight().await == Some(0) }).await;
    assert!(done.elapsed() < Duration::from_millis(400), "{:?}", done.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_and_requests_in_flight_survive_a_reload() {
    let rig = Rig::start().await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    for _ in 0..5 {
        rig.get("/").await;
    }
    let mut client = rig.client().await;
    client.send(&format!("GET /slow/1500 HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await;
    eventually("the request arrives", || async { backend.requests() == 6 }).await;
    let extra = super::rig::site(2, &["other.localhost"]);
    let config = super::super::ProxyConfig { sites: vec![shop_site(), extra] };
    rig.proxy.apply(&config).await.unwrap();
    let traffic = rig.proxy.traffic().await.unwrap();
    assert_eq!(traffic.in_flight(&backend.member.instance), Some(1), "in a worker that leaves");
    assert_eq!(client.receive().await.unwrap().status(), 200);
    eventually("all are counted", || async {
        let traffic = rig.proxy.traffic().await.unwrap();
        traffic.of_app(&shop()).requests() == 6
            && traffic.in_flight(&backend.member.instance) == Some(0)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_access_log_has_a_json_object_for_every_request() {
    let rig = Rig::start().await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    rig.get("/a\"b").await;
    let log = rig.proxy.layout.access_log();
    let read = || std::fs::read_to_string(&log).unwrap_or_default();
    eventually("it is written", || async { read().contains('\n') }).await;
    let entry: serde_json::Value = serde_json::from_str(read().lines().next().unwrap()).unwrap();
    assert_eq!(entry["app"], shop().to_string());
    assert_eq!(entry["instance"], backend.name());
    assert_eq!((&entry["status"], &entry["method"]), (&"200".into(), &"GET".into()));
    assert!(entry["seconds"].is_number());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_has_grown_is_rotated_and_nginx_writes_on() {
    let rig = Rig::start().await;
    let log = rig.proxy.layout.access_log();
    assert!(!rig.proxy.rotate_logs().await.unwrap(), "too small");
    std::fs::write(&log, vec![b'\n'; 11 * 1024 * 1024]).unwrap();
    assert!(rig.proxy.rotate_logs().await.unwrap());
    eventually("nginx has opened a new one", || async { log.exists() }).await;
    rig.get("/").await;
    eventually("it is written to", || async { std::fs::metadata(&log).unwrap().len() > 0 }).await;
}
