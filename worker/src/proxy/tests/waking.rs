//! Requests for an app that sleeps.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::backend::Backend;
use super::client::Client;
use super::rig::{HOST, Rig, eventually, shop};

fn sleepers() -> BTreeSet<slipway_core::id::AppId> {
    BTreeSet::from([shop()])
}

async fn waiting(rig: &Rig) -> u64 {
    rig.proxy.traffic().await.unwrap().of_app(&shop()).in_flight
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_requests_wait_for_one_wake_and_all_are_answered() {
    let rig = Rig::start().await;
    assert_eq!(rig.proxy.wanted(&sleepers()).await.unwrap(), BTreeSet::new());
    let mut visitors = JoinSet::new();
    for _ in 0..50 {
        let address = rig.address;
        visitors.spawn(async move {
            let response = Client::connect(address).await.get(HOST, "/").await.unwrap();
            (response.status(), Instant::now())
        });
    }
    let asked = Instant::now();
    assert_eq!(rig.proxy.wanted(&sleepers()).await.unwrap(), sleepers());
    assert!(asked.elapsed() < Duration::from_millis(500), "{:?}", asked.elapsed());
    eventually("who waits is in flight", || async { waiting(&rig).await == 50 }).await;
    // A second without a mark, and another after it: the first answer may come just before a reminder.
    let mut told = 0;
    for _ in 0..4 {
        told += rig.proxy.wanted(&sleepers()).await.unwrap().len();
    }
    assert!((1..=4).contains(&told), "they remind of it, together: {told}");
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    let awake = Instant::now();
    for (status, at) in visitors.join_all().await {
        assert_eq!(status, 200);
        assert!(at.duration_since(awake) < Duration::from_secs(1));
    }
    // Late marks of the same stampede are of an app that is awake, and then there are none.
    while !rig.proxy.wanted(&sleepers()).await.unwrap().is_empty() {}
    assert_eq!(backend.requests(), 50);
    eventually("nobody is", || async { waiting(&rig).await == 0 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_does_not_sleep_is_not_waited_for() {
    let rig = Rig::start().await;
    let asked = Instant::now();
    assert_eq!(rig.get("/").await.status(), 503);
    rig.proxy.wanted(&sleepers()).await.unwrap();
    rig.proxy.wanted(&BTreeSet::new()).await.unwrap();
    assert_eq!(rig.get("/").await.status(), 503, "it was told to be no sleeper any more");
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_any_longer_for_an_app_that_is_not_to_be_woken() {
    let rig = Rig::start().await;
    rig.proxy.wanted(&sleepers()).await.unwrap();
    let mut visitor = rig.client().await;
    visitor.send(&format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await;
    eventually("it waits", || async { waiting(&rig).await == 1 }).await;
    let told = Instant::now();
    rig.proxy.wanted(&BTreeSet::new()).await.unwrap();
    assert_eq!(visitor.receive().await.unwrap().status(), 503);
    assert!(told.elapsed() < Duration::from_secs(5), "{:?}", told.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_a_hundred_are_not_held() {
    let rig = Rig::start_with(|settings| settings.requests_per_address = 1000).await;
    rig.proxy.wanted(&sleepers()).await.unwrap();
    let mut held = Vec::new();
    for _ in 0..100 {
        let mut client = rig.client().await;
        client.send(&format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await;
        held.push(client);
    }
    // Each of those is in one of two workers' hands soon; the next one is too many.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let refused = rig.get("/").await;
    assert_eq!(refused.status(), 503);
    assert!(refused.head.header("retry-after").is_some());
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    for client in &mut held {
        assert_eq!(client.receive().await.unwrap().status(), 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waited_arrives_whole_and_the_answer_is_the_apps_own() {
    let rig = Rig::start().await;
    rig.proxy.wanted(&sleepers()).await.unwrap();
    // More than the proxy keeps in memory of a body.
    let body = "x".repeat(300_000);
    let upload = format!(
        "POST /length HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    let mut clients = Vec::new();
    for request in [upload, get("/own-502"), get("/hang-up")] {
        let mut client = rig.client().await;
        client.send(&request).await;
        clients.push(client);
    }
    let mut stream = rig.client().await;
    let head = format!("GET /events HTTP/1.1\r\nHost: {HOST}\r\nAccept: text/event-stream\r\n\r\n");
    stream.send(&head).await;
    assert_eq!(rig.proxy.wanted(&sleepers()).await.unwrap(), sleepers());
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    let mut answers = Vec::new();
    for client in &mut clients {
        answers.push(client.receive().await.unwrap());
    }
    assert_eq!((answers[0].status(), answers[0].body.as_str()), (200, "300000"));
    assert_eq!((answers[1].status(), answers[1].body.as_str()), (502, "an answer of the app"));
    assert_eq!(answers[2].status(), 502);
    assert!(answers[2].body.contains("No usable answer"), "{}", answers[2].body);
    assert_eq!(stream.receive_head().await.unwrap().status(), 200);
    stream.wait_for("data: first").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_a_member_got_does_not_wait_for_another() {
    let rig = Rig::start().await;
    rig.proxy.wanted(&sleepers()).await.unwrap();
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    let mut client = rig.client().await;
    let order = format!("POST /hang-up HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 2\r\n\r\nhi");
    client.send(&order).await;
    assert_eq!(client.receive().await.unwrap().status(), 502);
    assert_eq!(backend.requests(), 1, "it was not sent again");
}
