//! Receivers of log lines, over the API.

use serde_json::json;
use slipway_store::LogPosition;

use crate::world::World;

#[tokio::test]
async fn drains_are_added_listed_and_removed_and_never_show_a_secret() {
    let world = World::start().await;
    let admin = world.admin().await;
    let app = world.app(&admin, "shop").await;
    world.app(&admin, "blog").await;
    let request = json!({"url": "https://logs.example.com/k3y", "token": "s3cret",
        "sources": ["app", "access"], "gzip": true});
    let added = admin.post("/v1/apps/shop/drains", &request).await;
    assert_eq!(added.status, 201, "{}", added.text);
    let id = added.json()["id"].as_str().unwrap().to_owned();
    let listed = admin.get("/v1/apps/shop/drains").await;
    assert_eq!(listed.json()[0]["address"], "https://logs.example.com/…");
    assert_eq!(listed.json()[0]["sources"], json!(["app", "access"]));
    for text in [&added.text, &listed.text] {
        assert!(!text.contains("s3cret") && !text.contains("k3y"), "{text}");
    }
    assert_eq!(admin.delete(&format!("/v1/apps/blog/drains/{id}")).await.status, 404);

    let drain = world.state.store.drains(&app.id).await.unwrap().remove(0);
    world.state.store.note_drain_failure(&drain.id, "it answered 503").await.unwrap();
    let failing = admin.get("/v1/apps/shop/drains").await.json();
    assert_eq!(failing[0]["failure"]["message"], "it answered 503");
    world.state.store.note_delivered(&drain.id, LogPosition::default()).await.unwrap();
    let well = admin.get("/v1/apps/shop/drains").await.json();
    assert_eq!(well[0]["failure"], json!(null));

    assert_eq!(admin.delete(&format!("/v1/apps/shop/drains/{id}")).await.status, 204);
    assert_eq!(admin.get("/v1/apps/shop/drains").await.json(), json!([]));
}

#[tokio::test]
async fn a_drain_that_cannot_be_or_must_not_be_is_refused_when_it_is_added() {
    let world = World::start().await;
    let admin = world.admin().await;
    world.app(&admin, "shop").await;
    for (url, code) in [
        ("udp://logs.example.com:514", "invalid_drain"),
        ("https://user:s3cret@logs.example.com/", "invalid_drain"),
        ("syslog://127.0.0.1:514", "outbound_refused"),
        ("syslog+tls://[::1]:6514", "outbound_refused"),
        ("http://169.254.169.254/latest/meta-data", "outbound_refused"),
        ("https://localhost/in", "outbound_refused"),
    ] {
        let refused = admin.post("/v1/apps/shop/drains", &json!({"url": url})).await;
        assert_eq!((refused.status, refused.json()["code"].as_str()), (422, Some(code)), "{url}");
        assert!(!refused.text.contains("s3cret"), "{}", refused.text);
    }
    let unknown = json!({"url": "syslog://logs.example.com:514", "sauces": ["app"]});
    assert_eq!(admin.post("/v1/apps/shop/drains", &unknown).await.status, 422);
}

#[tokio::test]
async fn a_test_waits_for_what_the_worker_finds() {
    let world = World::start().await;
    let admin = world.admin().await;
    let app = world.app(&admin, "shop").await;
    let request = json!({"url": "syslog://logs.example.com:514"});
    let id = admin.post("/v1/apps/shop/drains", &request).await.json()["id"].clone();
    let path = format!("/v1/apps/shop/drains/{}/test", id.as_str().unwrap());
    let store = world.state.store.clone();
    let worker = tokio::spawn(async move {
        loop {
            let drain = store.drains(&app.id).await.unwrap().remove(0);
            if let Some(trial) = drain.test {
                let outcome = Err("it cannot be reached".to_owned());
                return store.end_drain_test(&drain.id, trial.asked_at, &outcome).await.unwrap();
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    let answer = admin.post(&path, &json!({})).await;
    worker.await.unwrap();
    assert_eq!(answer.json(), json!({"delivered": false, "error": "it cannot be reached"}));
}
