//! What the server does not put up with, and what every answer carries.

use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::Method;
use serde_json::json;
use slipway_core::id::Id as _;
use slipway_core::time::{Millis, Timestamp};
use slipway_core::wire::status::TaskRound;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::DATABASE;
use crate::person::{Person, read};
use crate::world::{World, eventually};

#[tokio::test]
async fn every_answer_carries_the_security_headers_and_an_id() {
    let world = World::start().await;
    let admin = world.admin().await;
    for path in ["/v1/apps", "/v1/nothing", "/healthz", "/docs", "/v1/apps/none"] {
        let answer = admin.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(answer.header("x-request-id").len(), 32, "{path}");
        assert_eq!(answer.header("server"), "", "{path}");
    }
}

#[tokio::test]
async fn every_refusal_has_the_one_shape() {
    let world = World::start().await;
    let admin = world.admin().await;
    for (method, path, status, code) in [
        (Method::GET, "/nothing", 404, "no_such_route"),
        (Method::GET, "/v1/../etc/passwd", 404, "no_such_route"),
        (Method::DELETE, "/v1/status", 405, "method_not_allowed"),
        (Method::GET, "/v1/apps/%FF", 404, "no_such_route"),
        (Method::GET, "/v1/apps/none", 404, "not_found"),
        (Method::GET, "/v1/apps/Bad%20Name", 404, "not_found"),
        (Method::GET, "/v1/deployments/dep_x", 404, "not_found"),
        (Method::GET, "/v1/audit?limit=x", 400, "malformed_request"),
        (Method::GET, "/v1/audit?nonsense=1", 400, "malformed_request"),
    ] {
        let answer = read(admin.request(method, path)).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{path}");
        let body = answer.json();
        assert_eq!(body["request_id"], answer.header("x-request-id"), "{path}");
        let message = body["message"].as_str().unwrap();
        assert!(!message.ends_with('.') && !message.starts_with(char::is_uppercase), "{message}");
    }
}

#[tokio::test]
async fn a_failure_of_ours_is_an_id_and_no_detail() {
    let world = World::start().await;
    let admin = world.admin().await;
    let app = world.app(&admin, "shop").await;
    // A file where the app's log directory should be.
    std::fs::write(world.state.data_dir.logs().join(app.id.as_str()), "").unwrap();
    let answer = admin.get("/v1/apps/shop/logs").await;
    assert_eq!((answer.status, answer.code().as_str()), (500, "internal"));
    assert_eq!(answer.json()["message"], "the server failed to do this");
    assert!(!answer.text.contains("directory"), "{}", answer.text);
}

#[tokio::test]
async fn a_large_body_is_refused_before_it_is_read() {
    let world = World::start().await;
    let admin = world.admin().await;
    let body = format!("{{\"name\": \"{}\"}}", "x".repeat(2 * 1024 * 1024));
    let request = admin
        .request(Method::POST, "/v1/apps")
        .header("content-type", "application/json")
        .body(body);
    assert_eq!(read(request).await.status, 400);
}

#[tokio::test]
async fn a_head_that_trickles_in_is_cut_off() {
    let world = World::start().await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n").await.unwrap();
    let mut answer = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(15), stream.read_to_end(&mut answer));
    closed.await.expect("the connection is closed").unwrap();
    assert!(!String::from_utf8_lossy(&answer).contains("200 OK"));
}

#[tokio::test]
async fn who_comes_when_all_places_are_taken_waits_until_one_is_left() {
    let world = World::with_limits(|limits| limits.connections = 2).await;
    let connect = async || TcpStream::connect(world.address).await.unwrap();
    let (first, second, mut third) = (connect().await, connect().await, connect().await);
    third.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut status = [0; 12];
    let early = tokio::time::timeout(Duration::from_millis(300), third.read_exact(&mut status));
    assert!(early.await.is_err(), "both places are taken by connections that say nothing");
    drop(first);
    let answered = tokio::time::timeout(Duration::from_secs(5), third.read_exact(&mut status));
    answered.await.expect("there is a place").unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    drop(second);
}

async fn upload(person: &Person, body: Vec<u8>, kind: &str) -> crate::person::Answer {
    let path = "/v1/apps/shop/deploy/archive?description=work";
    let request = person.request(Method::POST, path).header("content-type", kind);
    read(request.body(body)).await
}

fn archive() -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut header = tar::Header::new_gnu();
    header.set_size(11);
    header.set_mode(0o644);
    header.set_cksum();
    tar.append_data(&mut header, "Procfile", &b"web: serve\n"[..]).unwrap();
    tar.into_inner().unwrap().finish().unwrap()
}

#[tokio::test]
async fn an_upload_is_kept_byte_for_byte_and_deployed() {
    let world = World::start().await;
    let admin = world.admin().await;
    let app = world.app(&admin, "shop").await;
    let answer = upload(&admin, archive(), "application/gzip").await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    assert_eq!(answer.json()["kind"], "upload");
    assert_eq!(answer.json()["source"], "work");
    let sources = world.state.store.sources(&app.id).await.unwrap();
    let kept = std::fs::read(world.state.data_dir.source(&sources[0])).unwrap();
    assert_eq!(kept, archive());
}

#[tokio::test]
async fn what_is_no_archive_or_too_large_is_refused_and_leaves_nothing() {
    let world = World::with_limits(|limits| limits.source_bytes = 10_000).await;
    let admin = world.admin().await;
    world.app(&admin, "shop").await;
    let text = upload(&admin, b"hello".to_vec(), "application/gzip").await;
    assert_eq!((text.status, text.code().as_str()), (422, "not_an_archive"));
    let zip = upload(&admin, archive(), "application/zip").await;
    assert_eq!(zip.status, 415);
    let large = upload(&admin, vec![0; 20_000], "application/gzip").await;
    assert_eq!((large.status, large.code().as_str()), (413, "too_large"));
    eventually("nothing is left", async || {
        let data = &world.state.data_dir;
        let left = [data.sources(), data.scratch()];
        let left = left.iter().map(|it| std::fs::read_dir(it).unwrap().count()).sum::<usize>();
        (left == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn health_and_readiness_need_no_credential() {
    let world = World::start().await;
    let stranger = world.stranger();
    assert_eq!(stranger.get("/healthz").await.status, 200);
    assert_eq!(stranger.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn the_status_has_the_word_of_every_part() {
    let world = World::start().await;
    let admin = world.admin().await;
    world.app(&admin, "shop").await;
    let store = &world.state.store;
    let docker = ("docker", false, "does not answer".to_owned());
    let round = TaskRound {
        name: "alerts".to_owned(),
        ended_at: Timestamp(1_000),
        took_ms: Millis(3),
        interval_ms: Millis(5_000),
        failures: 2,
        error: Some("no".to_owned()),
    };
    store.set_statuses(&[docker], "worker", std::slice::from_ref(&round)).await.unwrap();
    let status = admin.get("/v1/status").await.json();
    assert_eq!((status["apps"].as_u64(), status["claimed"].as_bool()), (Some(1), Some(true)));
    assert_eq!(status["database"], json!(DATABASE.as_str()));
    let parts = status["components"].as_array().unwrap();
    assert_eq!(parts[0]["name"], "database");
    assert_eq!(
        (parts[1]["name"].as_str(), parts[1]["ok"].as_bool()),
        (Some("docker"), Some(false))
    );
    assert_eq!(status["tasks"], json!([round]));
}
