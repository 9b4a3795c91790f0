//! What apps and visitors see of each other.

use std::num::NonZeroU16;

use super::backend::Backend;
use super::rig::{HOST, Rig, shop};

#[tokio::test(flavor = "multi_thread")]
async fn an_app_answers_under_its_name() {
    let rig = Rig::start().await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    let response = rig.get("/").await;
    assert_eq!((response.status(), response.body.as_str()), (200, backend.name()));
    assert!(response.head.header("x-request-id").is_some());
    assert_eq!(response.head.header("server"), Some("nginx"), "no version");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_go_to_all_members_in_turn() {
    let rig = Rig::start_with(|settings| settings.worker_processes = NonZeroU16::new(1)).await;
    let (first, second) = (Backend::start(1).await, Backend::start(2).await);
    rig.set(&[&first, &second]).await;
    for _ in 0..20 {
        rig.get("/").await;
    }
    assert_eq!((first.requests(), second.requests()), (10, 10));
}

#[tokio::test(flavor = "multi_thread")]
async fn weights_share_out_requests_even_under_light_load() {
    let rig = Rig::start_with(|settings| settings.worker_processes = NonZeroU16::new(1)).await;
    let (mut stable, mut canary) = (Backend::start(1).await, Backend::start(2).await);
    let mut warm = Backend::start(3).await;
    (stable.member.weight, canary.member.weight, warm.member.weight) = (9, 1, 0);
    rig.set(&[&stable, &canary, &warm]).await;
    for _ in 0..50 {
        rig.get("/").await;
    }
    assert_eq!((stable.requests(), canary.requests(), warm.requests()), (45, 5, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_member_gets_fewer_requests() {
    let rig = Rig::start_with(|settings| settings.worker_processes = NonZeroU16::new(1)).await;
    let (busy, idle) = (Backend::start(1).await, Backend::start(2).await);
    rig.set(&[&busy]).await;
    let mut slow = rig.client().await;
    slow.send(&format!("GET /slow/2000 HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await;
    super::rig::eventually("the slow request arrives", || async { busy.requests() == 1 }).await;
    rig.set(&[&busy, &idle]).await;
    for _ in 0..6 {
        rig.get("/").await;
    }
    assert_eq!((busy.requests(), idle.requests()), (1, 6));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_claims_about_itself_is_overwritten() {
    let rig = Rig::start().await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    let mut client = rig.client().await;
    let port = rig.address.port();
    client
        .send(&format!(
            "GET /headers HTTP/1.1\r\nHost: {HOST}:{port}\r\nX-Real-IP: evil\r\n\
             X-Forwarded-For: evil\r\nX-Forwarded-Proto: evil\r\nX-Forwarded-Host: evil\r\n\
             X-Forwarded-Port: evil\r\nX-Forwarded-Ssl: evil\r\nX-Forwarded-Prefix: evil\r\n\
             X-Forwarded-Server: evil\r\nX-Forwarded-Scheme: evil\r\nX-Forwarded-Protocol: evil\r\n\
             Forwarded: for=evil\r\nX-Request-Id: evil\r\nX-Request-Start: evil\r\nProxy: evil\r\n\
             X_Forwarded_For: evil\r\nX_Real_IP: evil\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n"
        ))
        .await;
    let response = client.receive().await.unwrap();
    assert_eq!(response.status(), 200);
    let seen = response.body.to_lowercase();
    assert!(!seen.contains("evil") && !seen.contains("h2c"), "{seen}");
    for expected in [
        format!("host: {HOST}:{port}"),
        "x-real-ip: 127.0.0.1".to_owned(),
        "x-forwarded-for: 127.0.0.1".to_owned(),
        "x-forwarded-proto: http".to_owned(),
        format!("x-forwarded-host: {HOST}:{port}"),
        format!("x-forwarded-port: {port}"),
        "x-request-start: t=".to_owned(),
        "x-request-id: ".to_owned(),
    ] {
        assert!(seen.contains(&expected), "{expected} is missing in {seen}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_name_in_the_request_line_counts_and_not_another_in_a_header() {
    let rig = Rig::start().await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    let mut client = rig.client().await;
    client.send(&format!("GET http://{HOST}/headers HTTP/1.1\r\nHost: evil.example\r\n\r\n")).await;
    let seen = client.receive().await.unwrap().body.to_lowercase();
    assert!(seen.contains(&format!("host: {HOST}")) && !seen.contains("evil"), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_passes_and_survives_a_switch() {
    let rig = Rig::start().await;
    let (old, new) = (Backend::start(1).await, Backend::start(2).await);
    rig.set(&[&old]).await;
    let mut client = rig.client().await;
    client
        .send(&format!(
            "GET /echo HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        ))
        .await;
    assert_eq!(client.receive_head().await.unwrap().status(), 101);
    client.send("before").await;
    client.expect("before").await;
    rig.set(&[&new]).await;
    client.send("after").await;
    client.expect("after").await;
    assert_eq!(rig.proxy.traffic().await.unwrap().in_flight(&old.member.instance), Some(1));
    drop(client);
    super::rig::eventually("the websocket is over", || async {
        rig.proxy.traffic().await.unwrap().in_flight(&old.member.instance) == Some(0)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_arrives_while_the_stream_is_open() {
    let rig = Rig::start().await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    for (path, accept) in [("/events", "text/event-stream"), ("/unbuffered", "*/*")] {
        let mut client = rig.client().await;
        client
            .send(&format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\nAccept: {accept}\r\n\r\n"))
            .await;
        assert_eq!(client.receive_head().await.unwrap().status(), 200);
        client.wait_for("data: first\n\n").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_response_of_the_app_reaches_the_visitor_unchanged() {
    let rig = Rig::start().await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    let response = rig.get("/own-502").await;
    assert_eq!((response.status(), response.body.as_str()), (502, "an answer of the app"));
    assert_eq!(rig.proxy.traffic().await.unwrap().of_app(&shop()).dropped, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_cannot_redirect_inside_the_proxy() {
    let rig = Rig::start().await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    assert_eq!(rig.get("/redirect").await.body, "not redirected");
}
