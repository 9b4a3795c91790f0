//! Apps from creation to destruction, and what is written down about it.

use serde_json::json;
use slipway_core::wire::auth::Scope;

use crate::world::World;

#[tokio::test]
async fn an_app_is_created_listed_described_and_destroyed() {
    let world = World::start().await;
    let admin = world.admin().await;
    let made = admin.post("/v1/apps", &json!({"name": "shop"})).await;
    assert_eq!(made.status, 201);
    let mut described = made.json();
    described["created_at"] = json!(0);
    described["git_url"] = json!("(git)");
    insta::assert_json_snapshot!(described, @r#"
    {
      "created_at": 0,
      "deploy_branch": "main",
      "deployed_at": null,
      "domains": [],
      "git_url": "(git)",
      "health": "empty",
      "latest_deployment": null,
      "name": "shop",
      "processes": [],
      "ready": 0,
      "source": null,
      "url": "http://shop.localhost:8080",
      "version": null,
      "wanted": 0
    }
    "#);
    assert_eq!(admin.get("/v1/apps").await.json()[0]["name"], "shop");
    let taken = admin.post("/v1/apps", &json!({"name": "shop"})).await;
    assert_eq!((taken.status, taken.code().as_str()), (409, "name_taken"));

    for path in ["/v1/apps/shop", "/v1/apps/shop?confirm=other"] {
        assert_eq!(admin.delete(path).await.code(), "not_confirmed");
    }
    assert_eq!(admin.delete("/v1/apps/shop?confirm=shop").await.status, 202);
    assert_eq!(admin.get("/v1/apps/shop").await.status, 404);
    let again = admin.post("/v1/apps", &json!({"name": "shop"})).await;
    assert_eq!(again.status, 409, "the name is free when the finaliser has ended");
}

#[tokio::test]
async fn names_and_fields_are_checked_at_the_edge() {
    let world = World::start().await;
    let admin = world.admin().await;
    for name in ["", "A", "a", "-a", "a_b", "../x", "a b", &"a".repeat(31)] {
        let answer = admin.post("/v1/apps", &json!({"name": name})).await;
        assert_eq!((answer.status, answer.code().as_str()), (422, "invalid_request"), "{name}");
        assert!(answer.json()["message"].as_str().unwrap().contains("app name"));
    }
    let unknown = admin.post("/v1/apps", &json!({"name": "shop", "nmae": "x"})).await;
    assert_eq!(unknown.status, 422, "an unknown field is an error");
    let text = admin.request(reqwest::Method::POST, "/v1/apps").body("name=shop");
    assert_eq!(crate::person::read(text).await.status, 415);
    let broken = admin
        .request(reqwest::Method::POST, "/v1/apps")
        .header("content-type", "application/json")
        .body("{\"name\": ");
    assert_eq!(crate::person::read(broken).await.code(), "malformed_request");
}

#[tokio::test]
async fn an_invisible_app_is_answered_exactly_like_one_that_does_not_exist() {
    let world = World::start().await;
    let admin = world.admin().await;
    world.app(&admin, "shop").await;
    world.app(&admin, "blog").await;
    let limited = world.token(&admin, Scope::Write, Some("blog")).await;
    assert_eq!(limited.get("/v1/apps/blog").await.status, 200);
    let names = limited.get("/v1/apps").await.json();
    assert_eq!(names.as_array().unwrap().len(), 1);
    for (method, path) in [
        (reqwest::Method::GET, "/v1/apps/NAME"),
        (reqwest::Method::GET, "/v1/apps/NAME/config/SECRET"),
        (reqwest::Method::POST, "/v1/apps/NAME/restart"),
        (reqwest::Method::DELETE, "/v1/apps/NAME?confirm=NAME"),
        (reqwest::Method::GET, "/v1/events?app=NAME"),
        (reqwest::Method::GET, "/git/NAME.git/info/refs?service=git-upload-pack"),
    ] {
        let answer = async |name: &str| {
            let path = path.replace("NAME", name);
            let answer = crate::person::read(limited.request(method.clone(), &path)).await;
            let id = answer.header("x-request-id").to_owned();
            (answer.status, answer.text.replace(name, "NAME").replace(&id, "ID"))
        };
        let (hidden, absent) = (answer("shop").await, answer("zzzz").await);
        assert_eq!(hidden, absent, "{path}");
        assert_eq!(hidden.0, 404, "{path}");
    }
}

#[tokio::test]
async fn what_changes_something_or_is_denied_is_written_down_without_values() {
    let world = World::start().await;
    let admin = world.admin().await;
    world.app(&admin, "shop").await;
    let values = json!({"values": {"SECRET": "hunter2-the-value"}});
    assert_eq!(admin.patch("/v1/apps/shop/config", &values).await.status, 200);
    assert_eq!(admin.get("/v1/apps/shop/config/SECRET").await.json()["value"], "hunter2-the-value");
    let reader = world.token(&admin, Scope::Read, None).await;
    assert_eq!(reader.get("/v1/apps/shop/config/SECRET").await.status, 403);
    let guess = json!({"email": "eve@example.com", "password": "hunter2-the-guess"});
    world.stranger().post("/v1/login", &guess).await;
    assert_eq!(world.stranger().get("/v1/apps").await.status, 401);

    let log = admin.get("/v1/audit?limit=10").await;
    assert!(!log.text.contains("hunter2"), "{}", log.text);
    let rows = log.json();
    let row = |action: &str, result: &str| {
        let found = rows
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["action"] == action && row["result"] == result);
        found.unwrap_or_else(|| panic!("no row {action} {result} in {rows:#}")).clone()
    };
    let created = row("POST /v1/apps", "ok");
    assert_eq!(created["actor"], crate::world::EMAIL);
    assert_eq!(created["address"], "127.0.0.1");
    row("PATCH /v1/apps/{app}/config", "ok");
    row("GET /v1/apps/{app}/config/{key}", "ok");
    let denied = row("GET /v1/apps/{app}/config/{key}", "scope_too_small");
    assert!(denied["token"].as_str().unwrap().starts_with("tok_"));
    assert_eq!(denied["target"], "/v1/apps/shop/config/SECRET");
    assert_eq!(row("POST /v1/login", "wrong_password")["actor"], "eve@example.com");
    let gets = rows.as_array().unwrap().iter().filter(|row| row["action"] == "GET /v1/apps");
    assert_eq!(gets.count(), 0, "reading and asking without a credential is no deed");
}
