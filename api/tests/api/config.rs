//! Configuration travels byte-exact and is never shown where it should not be.

use serde_json::{Value, json};
use slipway_core::wire::auth::Scope;

use crate::person::{Person, read};
use crate::worker::Worker;
use crate::world::World;

async fn patch(person: &Person, values: Value, if_match: Option<&str>) -> crate::person::Answer {
    let mut request = person.request(reqwest::Method::PATCH, "/v1/apps/shop/config");
    if let Some(etag) = if_match {
        request = request.header("if-match", etag);
    }
    read(request.json(&json!({"values": values}))).await
}

#[tokio::test]
async fn values_travel_byte_exact() {
    let world = World::start().await;
    let admin = world.admin().await;
    world.app(&admin, "shop").await;
    let awkward = [
        ("NEWLINES", "a\nb\r\nc\n".to_owned()),
        ("QUOTES", "'\"`\\".to_owned()),
        ("SHELL", "$HOME ${X} $(id) #no =yes ;|&".to_owned()),
        ("UNICODE", "ünï 日本 🚀\u{200d}\u{feff}".to_owned()),
        ("SPACES", "  x  ".to_owned()),
        ("EMPTY", String::new()),
        ("CONTROL", "\u{1}\u{1b}[0m\u{7f}\t".to_owned()),
        ("LONG", "x".repeat(32 * 1024)),
    ];
    let values: serde_json::Map<String, Value> =
        awkward.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
    assert_eq!(patch(&admin, Value::Object(values), None).await.status, 200);
    for (key, value) in awkward {
        let revealed = admin.get(&format!("/v1/apps/shop/config/{key}")).await.json();
        assert_eq!(revealed["value"], json!(value), "{key}");
    }
}

#[tokio::test]
async fn lists_show_keys_and_never_values() {
    let world = World::start().await;
    let admin = world.admin().await;
    world.app(&admin, "shop").await;
    patch(&admin, json!({"SECRET": "hunter2"}), None).await;
    let reader = world.token(&admin, Scope::Deploy, None).await;
    for path in ["/v1/apps/shop/config", "/v1/apps/shop", "/v1/events", "/v1/apps/shop/logs"] {
        let answer = reader.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.text.contains("hunter2"), "{path}: {}", answer.text);
    }
    assert_eq!(reader.get("/v1/apps/shop/config/SECRET").await.status, 403);
    assert!(world.has_written("SECRET") && !world.has_written("hunter2"));
}

#[tokio::test]
async fn a_change_from_an_outdated_view_is_refused() {
    let world = World::start().await;
    let admin = world.admin().await;
    world.app(&admin, "shop").await;
    let seen = admin.get("/v1/apps/shop/config").await;
    let etag = seen.header("etag").to_owned();
    assert_eq!(etag, format!("\"{}\"", seen.json()["etag"].as_str().unwrap()));
    assert_eq!(patch(&admin, json!({"A": "1"}), Some(&etag)).await.status, 200);
    let lost = patch(&admin, json!({"A": "2"}), Some(&etag)).await;
    assert_eq!((lost.status, lost.code().as_str()), (412, "stale_etag"));
    assert_eq!(admin.get("/v1/apps/shop/config/A").await.json()["value"], "1");
}

#[tokio::test]
async fn what_breaks_a_rule_changes_nothing() {
    let world = World::start().await;
    let admin = world.admin().await;
    world.app(&admin, "shop").await;
    for values in [
        json!({"GOOD": "x", "SLIPWAY_APP": "x"}),
        json!({"GOOD": "x", "A B": "x"}),
        json!({"GOOD": "x", "1A": "x"}),
        json!({"GOOD": "x", "NUL": "a\0b"}),
        json!({"GOOD": "x", "BIG": "x".repeat(32 * 1024 + 1)}),
    ] {
        assert_eq!(patch(&admin, values, None).await.status, 422);
    }
    let many: serde_json::Map<String, Value> =
        (0..1001).map(|number| (format!("K{number}"), json!(""))).collect();
    assert_eq!(patch(&admin, Value::Object(many), None).await.status, 422);
    let huge = json!({"values": {"A": "x".repeat(2 * 1024 * 1024)}});
    assert_eq!(admin.patch("/v1/apps/shop/config", &huge).await.status, 400);
    assert_eq!(admin.get("/v1/apps/shop/config").await.json()["entries"], json!([]));
}

#[tokio::test]
async fn a_change_to_something_live_is_a_deployment_and_no_change_is_none() {
    let world = World::start().await;
    let admin = world.admin().await;
    let app = world.app(&admin, "shop").await;
    let before = patch(&admin, json!({"A": "1"}), None).await.json();
    assert_eq!(before["deployment"], Value::Null, "nothing is live yet");
    let worker = Worker::of(&world, &app.id);
    let image = json!({"reference": "nginx:1.25"});
    assert_eq!(admin.post("/v1/apps/shop/deploy/image", &image).await.status, 202);
    worker.deploy().await;
    let changed = patch(&admin, json!({"A": "2"}), None).await.json();
    assert_eq!(changed["deployment"]["kind"], "config");
    let same = patch(&admin, json!({"A": "2"}), None).await.json();
    assert_eq!(same["deployment"], Value::Null);
    assert_eq!(same["etag"], changed["etag"]);
}
