//! What is turned away at the edge.

use super::backend::Backend;
use super::rig::{HOST, Rig, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_host_gets_a_404_that_names_no_tenant() {
    let rig = Rig::start().await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    for request in [
        "GET / HTTP/1.1\r\nHost: nobody.example\r\n\r\n".to_owned(),
        format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", rig.address),
        "GET / HTTP/1.0\r\n\r\n".to_owned(),
        "GET /.slipway/gen HTTP/1.1\r\nHost: nobody.example\r\n\r\n".to_owned(),
        "GET /members HTTP/1.1\r\nHost: nobody.example\r\n\r\n".to_owned(),
    ] {
        let mut client = rig.client().await;
        client.send(&request).await;
        let response = client.receive().await.unwrap();
        assert_eq!(response.status(), 404, "{request}");
        assert!(!response.body.contains("shop"), "{}", response.body);
    }
    assert_eq!(backend.requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn shapes_that_smuggle_requests_never_reach_an_app() {
    let rig = Rig::start().await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    for (shape, expected) in [
        ("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd", 400),
        ("Content-Length : 4\r\n\r\nabcd", 400),
        ("Content-Length: +4\r\n\r\nabcd", 400),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", 400),
        ("Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
        ("Host: other.localhost\r\n\r\n", 400),
        ("Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    ] {
        let mut client = rig.client().await;
        client.send(&format!("POST / HTTP/1.1\r\nHost: {HOST}\r\n{shape}")).await;
        let response = client.receive().await.unwrap();
        assert_eq!(response.status(), expected, "{shape}");
    }
    assert_eq!(backend.requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_limit_is_refused_before_it_is_read() {
    let rig = Rig::start().await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    let mut client = rig.client().await;
    let length = 100 * 1024 * 1024 + 1;
    client
        .send(&format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {length}\r\n\r\n"))
        .await;
    assert_eq!(client.receive().await.unwrap().status(), 413);
    assert_eq!(backend.requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_trickles_in_is_given_up_and_occupies_no_app() {
    let rig = Rig::start().await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    let mut client = rig.client().await;
    let began = std::time::Instant::now();
    client.send(&format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nX-Slow: ")).await;
    let answer = client.receive().await;
    assert!(answer.is_none_or(|answer| answer.status() == 408));
    assert!(began.elapsed().as_secs() < 15, "{:?}", began.elapsed());
    assert_eq!(backend.requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_cannot_hold_more_requests_than_allowed() {
    let rig = Rig::start_with(|settings| settings.requests_per_address = 2).await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    let (mut first, mut second) = (rig.client().await, rig.client().await);
    for client in [&mut first, &mut second] {
        client.send(&format!("GET /slow/800 HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await;
    }
    eventually("both are under way", || async { backend.requests() == 2 }).await;
    assert_eq!(rig.get("/").await.status(), 429);
    assert_eq!(first.receive().await.unwrap().status(), 200);
    assert_eq!(second.receive().await.unwrap().status(), 200);
    assert_eq!(rig.get("/").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_control_socket_is_closed_to_other_users_and_the_network() {
    use std::os::unix::fs::PermissionsExt;
    let rig = Rig::start().await;
    let socket = rig.proxy.layout.control_socket();
    let directory = std::fs::metadata(socket.parent().unwrap()).unwrap();
    assert_eq!(directory.permissions().mode() & 0o777, 0o700);
    assert_eq!(rig.get("/members").await.status(), 503, "the app's own path, not the control's");
}
