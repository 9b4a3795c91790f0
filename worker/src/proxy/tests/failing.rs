//! Members that are gone, hang up, or never were there.

use std::num::NonZeroU16;
use std::time::{Duration, Instant};

use super::super::Traffic;
use super::backend::{Backend, dead_member};
use super::rig::{HOST, Rig, eventually, shop, shop_site};

async fn post(rig: &Rig, path: &str, id: &str) -> super::client::Response {
    let mut client = rig.client().await;
    client
        .send(&format!(
            "POST {path} HTTP/1.1\r\nHost: {HOST}\r\nX-Id: {id}\r\nContent-Length: 2\r\n\r\nhi"
        ))
        .await;
    client.receive().await.unwrap()
}

/// The numbers once that many requests are counted.
async fn counted(rig: &Rig, requests: u64) -> Traffic {
    eventually("all are counted", || async {
        rig.proxy.traffic().await.unwrap().of_app(&shop()).requests() == requests
    })
    .await;
    rig.proxy.traffic().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_members_a_visitor_gets_a_page_that_says_when_to_come_back() {
    let rig = Rig::start().await;
    let response = rig.get("/").await;
    assert_eq!(response.status(), 503);
    assert_eq!(response.head.header("retry-after"), Some("2"));
    assert_eq!(response.head.header("cache-control"), Some("no-store"));
    assert!(response.body.contains("Not available right now"), "{}", response.body);
    assert!(!response.body.contains("nginx"), "{}", response.body);
    assert_eq!(post(&rig, "/", "a").await.status(), 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_back_with_its_first_member() {
    let rig = Rig::start().await;
    let (dead, socket) = dead_member(1);
    rig.proxy.set_members(&shop(), std::slice::from_ref(&dead)).await.unwrap();
    let down = rig.get("/").await;
    assert_eq!(down.status(), 503, "nobody could be reached");
    assert_eq!(down.head.header("retry-after"), Some("2"));
    drop(socket);
    let back = Instant::now();
    let backend = Backend::start_at(1, dead.endpoint).await;
    assert_eq!(rig.get("/").await.status(), 200);
    assert!(back.elapsed() < Duration::from_secs(2));
    assert_eq!(backend.requests(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_connection_is_tried_once_at_another_member() {
    let rig = Rig::start().await;
    let backend = Backend::start(1).await;
    let (dead, _socket) = dead_member(2);
    let members = [backend.member.clone(), dead.clone()];
    rig.proxy.set_members(&shop(), &members).await.unwrap();
    for number in 0..10 {
        assert_eq!(rig.get("/").await.status(), 200);
        assert_eq!(post(&rig, "/", &number.to_string()).await.status(), 200);
    }
    assert_eq!(backend.ids().len(), 10);
    assert!(backend.ids().values().all(|count| *count == 1));
    let traffic = counted(&rig, 20).await;
    assert_eq!(traffic.of_instance(&backend.member.instance).failures, 0);
    let failures = traffic.of_instance(&dead.instance).failures;
    let app = traffic.of_app(&shop());
    assert!(failures > 0 && app.failures == failures && app.dropped == 0, "{traffic:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_was_sent_and_changes_something_is_never_sent_again() {
    let rig = Rig::start().await;
    let (first, second) = (Backend::start(1).await, Backend::start(2).await);
    rig.set(&[&first, &second]).await;
    for number in 0..5 {
        let response = post(&rig, "/hang-up", &number.to_string()).await;
        assert_eq!(response.status(), 502);
        assert!(response.body.contains("closed the connection"), "{}", response.body);
    }
    let ids: Vec<u32> = first.ids().into_values().chain(second.ids().into_values()).collect();
    assert_eq!(ids, [1; 5], "each request arrived exactly once");
    let app = counted(&rig, 5).await.of_app(&shop());
    assert_eq!((app.failures, app.dropped, app.server_errors()), (5, 5, 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_app_is_given_up_after_its_read_timeout() {
    let rig = Rig::prepare(|_| {});
    let mut site = shop_site();
    site.limits.read_timeout = slipway_core::time::Millis(300);
    rig.proxy.apply(&super::super::ProxyConfig { sites: vec![site] }).await.unwrap();
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    let response = rig.get("/slow/3000").await;
    assert_eq!(response.status(), 504);
    assert!(response.body.contains("took too long"), "{}", response.body);
    let traffic = counted(&rig, 1).await;
    assert_eq!(traffic.in_flight(&backend.member.instance), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_kept_for_reuse_and_closed_before_an_app_would_close_them() {
    let rig = Rig::start_with(|settings| settings.worker_processes = NonZeroU16::new(1)).await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    for _ in 0..20 {
        assert_eq!(rig.get("/").await.status(), 200);
    }
    assert_eq!(backend.open(), 1, "one connection served all");
    let idle = Instant::now();
    eventually("it is closed", || async { backend.open() == 0 }).await;
    assert!(idle.elapsed() < Duration::from_secs(2), "gunicorn closes after 2 s");
    assert_eq!(post(&rig, "/", "late").await.status(), 200);
}
