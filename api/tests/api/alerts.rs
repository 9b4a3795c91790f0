//! Alerts and channels as their callers meet them.

use serde_json::{Value, json};
use slipway_core::wire::auth::Scope;

use crate::world::World;

fn rule() -> Value {
    json!({"metric": "p95_ms", "direction": "above", "threshold": 500, "for_ms": 300_000})
}

#[tokio::test]
async fn an_app_has_alerts_before_anybody_asks_for_them() {
    let world = World::start().await;
    let admin = world.admin().await;
    world.app(&admin, "shop").await;
    let alerts = admin.get("/v1/apps/shop/alerts").await.json();
    let names: Vec<&str> =
        alerts.as_array().unwrap().iter().map(|alert| alert["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["crash-loop", "errors", "latency", "memory"]);
    assert_eq!(alerts[1]["condition"], "errors above 1 % for 5 min");
    assert_eq!(alerts[1]["origin"], "default");
    assert_eq!(admin.get("/v1/alerts").await.json()[0]["name"], "disk");
}

#[tokio::test]
async fn an_alert_is_added_changed_switched_off_and_removed() {
    let world = World::start().await;
    let admin = world.admin().await;
    world.app(&admin, "shop").await;
    let path = |name: &str| format!("/v1/apps/shop/alerts/{name}");
    let added = admin.put(&path("slow"), &rule()).await.json();
    assert_eq!((&added["origin"], &added["rule"]["over_ms"]), (&json!("own"), &json!(60_000)));
    assert_eq!(admin.delete(&path("slow")).await.status, 204);
    assert_eq!(admin.delete(&path("slow")).await.status, 404);

    let kept = admin.delete(&path("errors")).await;
    assert_eq!((kept.status, kept.code().as_str()), (409, "default_alert"));
    let mut off = rule();
    off["enabled"] = json!(false);
    assert_eq!(admin.put(&path("errors"), &off).await.json()["origin"], "changed");
    assert_eq!(admin.delete(&path("errors")).await.status, 204);
    let alerts = admin.get("/v1/apps/shop/alerts").await.json();
    assert_eq!(alerts[1]["rule"]["enabled"], true, "it is what it was");
}

#[tokio::test]
async fn a_rule_that_makes_no_sense_is_refused() {
    let world = World::start().await;
    let admin = world.admin().await;
    world.app(&admin, "shop").await;
    for (field, value) in [
        ("metric", json!("p42_ms")),
        ("metric", json!("host_disk")),
        ("threshold", json!(-1)),
        ("clear", json!(501)),
        ("over_ms", json!(1)),
        ("direction", json!("beside")),
        ("treshold", json!(1)),
    ] {
        let mut wrong = rule();
        wrong[field] = value;
        let refused = admin.put("/v1/apps/shop/alerts/slow", &wrong).await;
        assert_eq!(refused.status, 422, "{field}: {}", refused.text);
    }
    assert_eq!(admin.put("/v1/apps/shop/alerts/A%20B", &rule()).await.status, 422);
}

#[tokio::test]
async fn a_channel_s_secrets_are_shown_once_and_stored_sealed() {
    let world = World::start().await;
    let admin = world.admin().await;
    let target = json!({"kind": "webhook", "url": "https://hooks.example.com/hunter2-path"});
    let made = admin.post("/v1/channels", &json!({"name": "ops", "target": target})).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let secret = made.json()["secret"].as_str().unwrap().to_owned();
    assert_eq!(secret.len(), 43);
    let password = json!({"kind": "email", "host": "mail.example.com", "port": 587,
        "username": "ada", "password": "hunter2-word", "from": "a@example.com",
        "to": ["b@example.com"]});
    let made = admin.post("/v1/channels", &json!({"name": "mail", "target": password})).await;
    assert_eq!((made.status, &made.json()["secret"]), (201, &Value::Null), "{}", made.text);

    let reader = world.token(&admin, Scope::Read, None).await;
    for (person, path) in
        [(&reader, "/v1/channels"), (&reader, "/v1/channels/ops/deliveries"), (&admin, "/v1/audit")]
    {
        let answer = person.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.text.contains("hunter2") && !answer.text.contains(&secret), "{path}");
    }
    let database = std::fs::read(world.state.data_dir.database()).unwrap();
    let wal = std::fs::read(world.state.data_dir.database().with_extension("db-wal"));
    for file in [database, wal.unwrap_or_default()] {
        for needle in ["hunter2", &secret] {
            assert!(!file.windows(needle.len()).any(|window| window == needle.as_bytes()));
        }
    }
    let listed = admin.get("/v1/channels").await.json();
    assert_eq!(listed[0]["target"], "b@example.com through mail.example.com:587");
    assert_eq!(listed[1]["target"], "https://hooks.example.com/…");
}

#[tokio::test]
async fn internal_receivers_are_refused_when_they_are_saved() {
    let world = World::start().await;
    let admin = world.admin().await;
    for url in [
        "http://127.0.0.1:9000/",
        "http://localhost/",
        "http://api.localhost/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://10.0.0.1/",
        "http://user@hooks.example.com/",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
    ] {
        let target = json!({"kind": "slack", "url": url});
        let refused = admin.post("/v1/channels", &json!({"name": "x", "target": target})).await;
        assert_eq!(refused.status, 422, "{url}: {}", refused.text);
    }
    let mail = json!({"kind": "email", "host": "127.0.0.1", "port": 25, "security": "none",
        "from": "a@example.com", "to": ["b@example.com"]});
    let refused = admin.post("/v1/channels", &json!({"name": "x", "target": mail})).await;
    assert_eq!((refused.status, refused.code().as_str()), (422, "outbound_refused"));
    assert_eq!(admin.get("/v1/channels").await.json(), json!([]));
}

#[tokio::test]
async fn a_test_message_is_owed_to_its_channel() {
    let world = World::start().await;
    let admin = world.admin().await;
    let target = json!({"kind": "discord", "url": "https://discord.example.com/x"});
    let channel = json!({"name": "chat", "target": target});
    assert_eq!(admin.post("/v1/channels", &channel).await.status, 201);
    let taken = admin.post("/v1/channels", &channel).await;
    assert_eq!((taken.status, taken.code().as_str()), (409, "channel_name_taken"));
    let owed = admin.post("/v1/channels/chat/test", &json!({})).await;
    assert_eq!((owed.status, &owed.json()["state"]), (202, &json!("waiting")), "{}", owed.text);
    let listed = admin.get("/v1/channels/chat/deliveries").await.json();
    assert_eq!(listed[0]["id"], owed.json()["id"]);
    assert_eq!(admin.delete("/v1/channels/chat").await.status, 204);
    assert_eq!(admin.get("/v1/channels/chat/deliveries").await.status, 404);
}
