//! Attaching to a command: who is let in, and when.

use std::time::Duration;

use serde_json::json;
use slipway_client::{Client, Credentials};
use slipway_core::wire::attach::{ClientFrame, ServerFrame};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

use crate::person::{Answer, Person, read};
use crate::worker::Worker;
use crate::world::World;

/// An app with something live, and a command that waits to be attached to.
async fn waiting(world: &World, admin: &Person) -> String {
    let app = world.app(admin, "shop").await;
    admin.post("/v1/apps/shop/deploy/image", &json!({"reference": "shop:1"})).await;
    Worker::of(world, &app.id).deploy().await;
    let run = json!({"command": ["sh"], "attach": {"terminal": null}});
    let run = admin.post("/v1/apps/shop/runs", &run).await;
    assert_eq!(run.status, 202, "{}", run.text);
    run.json()["id"].as_str().unwrap().to_owned()
}

/// Asks for a WebSocket, with these headers besides.
async fn knock(person: &Person, run: &str, headers: &[(&'static str, &str)]) -> Answer {
    let path = format!("/v1/apps/shop/runs/{run}/attach");
    let mut request = person
        .request(reqwest::Method::GET, &path)
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    read(request).await
}

#[tokio::test]
async fn nobody_is_let_in_who_comes_from_elsewhere_or_to_nothing() {
    let world = World::start().await;
    let admin = world.admin().await;
    let run = waiting(&world, &admin).await;
    let stranger = knock(&world.stranger(), &run, &[]).await;
    assert_eq!((stranger.status, stranger.code().as_str()), (401, "not_signed_in"));
    let foreign = knock(&admin, &run, &[("origin", "https://evil.example")]).await;
    assert_eq!((foreign.status, foreign.code().as_str()), (400, "malformed_request"));
    let plain = admin.get(&format!("/v1/apps/shop/runs/{run}/attach")).await;
    assert_eq!((plain.status, plain.code().as_str()), (400, "malformed_request"));
    let nobody_there = knock(&admin, &run, &[]).await;
    assert_eq!((nobody_there.status, nobody_there.code().as_str()), (503, "busy"));

    let alone = admin.post("/v1/apps/shop/runs", &json!({"command": ["true"]})).await;
    let alone = alone.json()["id"].as_str().unwrap().to_owned();
    let refused = knock(&admin, &alone, &[]).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "not_attachable"));
    world.app(&admin, "blog").await;
    let elsewhere = world.token(&admin, slipway_core::wire::auth::Scope::Write, Some("blog")).await;
    assert_eq!(knock(&elsewhere, &run, &[]).await.status, 404);
}

#[tokio::test]
async fn a_terminal_and_an_instance_are_checked_before_anything_is_kept() {
    let world = World::start().await;
    let admin = world.admin().await;
    waiting(&world, &admin).await;
    let terminal = json!({"kind": "a b", "window": {"rows": 1, "columns": 1}});
    let exec = json!({"command": ["sh"], "attach": {"terminal": terminal}});
    assert_eq!(admin.post("/v1/apps/shop/exec", &exec).await.code(), "invalid_terminal");
    let exec = json!({"command": ["sh"], "instance": "00000000"});
    assert_eq!(admin.post("/v1/apps/shop/exec", &exec).await.code(), "not_found");
    let exec = json!({"command": ["sh"], "process": "worker"});
    assert_eq!(admin.post("/v1/apps/shop/exec", &exec).await.code(), "nothing_running");
}

/// The next message on the worker's socket: four bytes of length, then so many.
async fn message(line: &mut UnixStream) -> Vec<u8> {
    let length = timeout(Duration::from_secs(5), line.read_u32()).await.unwrap().unwrap();
    let mut message = vec![0; usize::try_from(length).unwrap()];
    line.read_exact(&mut message).await.unwrap();
    message
}

#[tokio::test]
async fn frames_pass_both_ways_until_the_right_is_taken_back() {
    let world = World::start().await;
    let admin = world.admin().await;
    let run = waiting(&world, &admin).await;
    let listener = UnixListener::bind(world.state.data_dir.attach_socket()).unwrap();
    let token = json!({"name": "laptop", "scope": "write", "app": null});
    let token = admin.post("/v1/tokens", &token).await.json();
    let secret = token["secret"].as_str().unwrap().to_owned();
    let client = Client::new(world.url("").parse().unwrap(), "tests/1").unwrap();
    let client = client.with_credentials(Credentials::Token(secret));
    let (shop, id) = ("shop".parse().unwrap(), run.parse().unwrap());
    let (attached, accepted) = tokio::join!(client.attach_run(&shop, &id), listener.accept());
    let (mut attached, (mut line, _)) = (attached.unwrap(), accepted.unwrap());
    assert_eq!(message(&mut line).await, run.as_bytes());

    attached.says.say(&ClientFrame::Input(b"typed".to_vec())).await.unwrap();
    let heard = ClientFrame::decode(&message(&mut line).await).unwrap();
    assert_eq!(heard, ClientFrame::Input(b"typed".to_vec()));
    let shown = ServerFrame::Output(vec![7; 20_000]);
    let frame = shown.encode();
    line.write_u32(u32::try_from(frame.len()).unwrap()).await.unwrap();
    line.write_all(&frame).await.unwrap();
    assert_eq!(attached.hears.next().await.unwrap(), shown);

    let revoked =
        admin.delete(&format!("/v1/tokens/{}", token["token"]["id"].as_str().unwrap())).await;
    assert!(revoked.status < 300, "{}", revoked.text);
    let told = timeout(Duration::from_secs(8), attached.hears.next()).await.unwrap().unwrap();
    assert!(matches!(told, ServerFrame::Failed { message, .. } if message.contains("taken back")));
    let end = timeout(Duration::from_secs(5), line.read_u32()).await.unwrap();
    assert!(end.is_err(), "the worker is let go");
}
