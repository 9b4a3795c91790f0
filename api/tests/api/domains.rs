//! Domains of apps, over the API.

use reqwest::Method;
use serde_json::{Value, json};
use slipway_core::domain::Domain;
use slipway_core::instance::InstanceState;
use slipway_store::{App, Instance, clock, mint};

use crate::person::{Answer, Person, read};
use crate::worker::Worker;
use crate::world::World;

async fn add(person: &Person, app: &str, domain: &str) -> Answer {
    person.post(&format!("/v1/apps/{app}/domains"), &json!({"domain": domain})).await
}

#[tokio::test]
async fn domains_are_added_listed_described_and_removed() {
    let world = World::start().await;
    let admin = world.admin().await;
    world.app(&admin, "shop").await;
    let added = add(&admin, "shop", "WWW.bücher.example.").await;
    assert_eq!(added.status, 201, "{}", added.text);
    let mut shown = added.json();
    shown["domain"]["added_at"] = json!(0);
    insta::assert_json_snapshot!(shown, @r#"
    {
      "deployment": null,
      "domain": {
        "added_at": 0,
        "added_by": "ada@example.com",
        "dns": "point an A, AAAA or CNAME record of `www.xn--bcher-kva.example` at this server",
        "domain": "www.xn--bcher-kva.example",
        "url": "http://www.xn--bcher-kva.example:8080"
      }
    }
    "#);
    let again = add(&admin, "shop", "www.xn--bcher-kva.example").await;
    assert_eq!((again.status, again.json()), (201, added.json()), "it stays as it is");
    add(&admin, "shop", "shop.example.com").await;
    let listed = admin.get("/v1/apps/shop/domains").await.json();
    assert_eq!(listed[0]["domain"], "shop.example.com");
    assert_eq!(listed[1], added.json()["domain"]);
    let described = admin.get("/v1/apps/shop").await.json();
    assert_eq!(described["domains"], json!(["shop.example.com", "www.xn--bcher-kva.example"]));
    assert_eq!(described["url"], "http://shop.localhost:8080", "its own name stays the first");

    let path = "/v1/apps/shop/domains/WWW.b%C3%BCcher.example";
    assert_eq!(admin.delete(path).await.status, 204);
    assert_eq!(admin.delete(path).await.status, 404);
    assert_eq!(admin.delete("/v1/apps/shop/domains/no_domain").await.status, 404);
    assert_eq!(admin.get("/v1/apps/shop/domains").await.json().as_array().unwrap().len(), 1);
    let rows = admin.get("/v1/audit?limit=20").await.json();
    let did = |action: &str| {
        let rows = rows.as_array().unwrap();
        rows.iter().filter(|row| row["action"] == action && row["result"] == "ok").count()
    };
    assert_eq!(did("POST /v1/apps/{app}/domains"), 3);
    assert_eq!(did("DELETE /v1/apps/{app}/domains/{domain}"), 1);
}

#[tokio::test]
async fn what_is_no_domain_or_reserved_is_refused_with_a_way_out() {
    let world = World::start().await;
    let admin = world.admin().await;
    world.app(&admin, "shop").await;
    for (domain, code) in [
        ("", "invalid_domain"),
        ("localhost", "invalid_domain"),
        ("*.example.com", "invalid_domain"),
        ("http://example.com/", "invalid_domain"),
        ("example.com:8080", "invalid_domain"),
        ("127.0.0.1", "invalid_domain"),
        ("[::1]", "invalid_domain"),
        ("a;b.example.com", "invalid_domain"),
        ("blog.localhost", "domain_reserved"),
        ("a.b.LOCALHOST.", "domain_reserved"),
        ("slipway.example.com", "domain_reserved"),
    ] {
        let refused = add(&admin, "shop", domain).await;
        assert_eq!((refused.status, refused.code().as_str()), (422, code), "{domain}");
        assert!(!refused.json()["hint"].as_str().unwrap().is_empty(), "{domain}");
    }
    let unknown = json!({"domain": "example.com", "tls": true});
    assert_eq!(admin.post("/v1/apps/shop/domains", &unknown).await.status, 422);
    assert_eq!(admin.get("/v1/apps/shop/domains").await.json(), json!([]));
}

#[tokio::test]
async fn a_domain_of_another_app_is_refused_without_naming_that_app() {
    let world = World::start().await;
    let admin = world.admin().await;
    world.app(&admin, "secret-project").await;
    world.app(&admin, "shop").await;
    add(&admin, "secret-project", "example.com").await;
    let refused = add(&admin, "shop", "Example.com").await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "domain_taken"));
    assert!(!refused.text.contains("secret-project"), "{}", refused.text);
    assert_eq!(admin.delete("/v1/apps/shop/domains/example.com").await.status, 404);
    for number in 0..50 {
        assert_eq!(add(&admin, "shop", &format!("d{number}.example.com")).await.status, 201);
    }
    assert_eq!(add(&admin, "shop", "more.example.com").await.code(), "too_many_domains");
}

#[tokio::test]
async fn the_same_key_adds_a_domain_once() {
    let world = World::start().await;
    let admin = world.admin().await;
    let app = world.app(&admin, "shop").await;
    let send = async || {
        let request = admin.request(Method::POST, "/v1/apps/shop/domains");
        let request = request.header("idempotency-key", "k1");
        read(request.json(&json!({"domain": "example.com"}))).await.json()
    };
    let first = send().await;
    let domain: Domain = "example.com".parse().unwrap();
    world.state.store.remove_domain(&app.id, &domain, "ada").await.unwrap();
    assert_eq!(send().await, first, "the answer is that of the first time");
    assert_eq!(admin.get("/v1/apps/shop/domains").await.json(), json!([]));
}

/// An instance of the live release, as the worker writes it down.
async fn run_an_instance(world: &World, app: &App) {
    let live = world.state.store.live_release(&app.id).await.unwrap().unwrap();
    let instance = Instance {
        id: mint::id(),
        app_id: app.id.clone(),
        release_id: live.id,
        process: "web".parse().unwrap(),
        state: InstanceState::Ready,
        endpoint: None,
        created_at: clock::now(),
        started: true,
        ready_at: None,
        draining_since: None,
        warm_until: None,
        stopped_at: None,
        restarts: 0,
        reason: None,
        in_proxy: true,
    };
    world.state.store.insert_instance(&instance).await.unwrap();
}

#[tokio::test]
async fn instances_that_run_are_replaced_so_that_they_know_the_name() {
    let world = World::start().await;
    let admin = world.admin().await;
    let app = world.app(&admin, "shop").await;
    let worker = Worker::of(&world, &app.id);
    let image = json!({"reference": "nginx:1.25"});
    assert_eq!(admin.post("/v1/apps/shop/deploy/image", &image).await.status, 202);
    worker.deploy().await;
    run_an_instance(&world, &app).await;
    let added = add(&admin, "shop", "example.com").await.json();
    assert_eq!(added["deployment"]["kind"], "config");
    assert_eq!(added["deployment"]["description"], "add example.com");
    worker.deploy().await;

    let lists = json!({"values": {"ALLOWED_HOSTS": "*", "CSRF_TRUSTED_ORIGINS": "http://a.b"}});
    assert_eq!(admin.patch("/v1/apps/shop/config", &lists).await.status, 200);
    worker.deploy().await;
    let added = add(&admin, "shop", "www.example.com").await.json();
    assert_eq!(added["deployment"], Value::Null, "the app keeps the lists itself");
}
