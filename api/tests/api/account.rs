//! One's own password and tokens.

use serde_json::json;
use slipway_core::wire::auth::Scope;

use crate::person::Person;
use crate::world::{EMAIL, PASSWORD, World};

const NEW_PASSWORD: &str = "another fine sentence";

#[tokio::test]
async fn a_new_password_ends_every_other_session() {
    let world = World::start().await;
    let here = world.admin().await;
    let elsewhere = world.sign_in().await;
    let change = |current: &str| json!({"current_password": current, "new_password": NEW_PASSWORD});
    let wrong = here.put("/v1/me/password", &change("not my password")).await;
    assert_eq!((wrong.status, wrong.code().as_str()), (401, "wrong_password"));
    let weak = json!({"current_password": PASSWORD, "new_password": "short"});
    assert_eq!(here.put("/v1/me/password", &weak).await.status, 422);
    assert_eq!(here.put("/v1/me/password", &change(PASSWORD)).await.status, 204);
    assert_eq!(here.get("/v1/me").await.status, 200);
    assert_eq!(elsewhere.get("/v1/me").await.status, 401);
    let login = |password: &str| json!({"email": EMAIL, "password": password});
    assert_eq!(world.stranger().post("/v1/login", &login(PASSWORD)).await.status, 401);
    assert_eq!(world.stranger().post("/v1/login", &login(NEW_PASSWORD)).await.status, 200);
}

#[tokio::test]
async fn a_token_is_shown_once_and_stored_as_a_hash() {
    let world = World::start().await;
    let admin = world.admin().await;
    let request = json!({"name": "CI", "scope": "deploy", "expires_in_days": 30});
    let made = admin.post("/v1/tokens", &request).await.json();
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("slp_") && secret.len() == 47, "{secret}");
    let listed = admin.get("/v1/tokens").await;
    assert!(listed.text.contains("\"CI\"") && !listed.text.contains(secret));
    assert!(world.has_written("CI") && !world.has_written(secret));
    let holder = Person::new(world.address, Some(secret.to_owned()));
    let me = holder.get("/v1/me").await.json();
    assert_eq!((me["scope"].as_str(), me["token"].as_str()), (Some("deploy"), Some("CI")));
}

#[tokio::test]
async fn a_revoked_token_is_refused_at_once() {
    let world = World::start().await;
    let admin = world.admin().await;
    let token = world.token(&admin, Scope::Read, None).await;
    assert_eq!(token.get("/v1/apps").await.status, 200);
    let listed = admin.get("/v1/tokens").await.json();
    let id = listed[0]["id"].as_str().unwrap();
    assert_eq!(admin.delete(&format!("/v1/tokens/{id}")).await.status, 204);
    assert_eq!(token.get("/v1/apps").await.code(), "invalid_credential");
    assert_eq!(admin.delete(&format!("/v1/tokens/{id}")).await.status, 404);
}

#[tokio::test]
async fn a_token_that_leaked_cannot_make_or_revoke_tokens() {
    let world = World::start().await;
    let admin = world.admin().await;
    let deployer = world.token(&admin, Scope::Write, None).await;
    let request = json!({"name": "mine", "scope": "read"});
    assert_eq!(deployer.post("/v1/tokens", &request).await.status, 403);
    let id = admin.get("/v1/tokens").await.json()[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(deployer.delete(&format!("/v1/tokens/{id}")).await.status, 403);
    assert_eq!(deployer.post("/v1/logout", &json!({})).await.code(), "session_required");
    let change = json!({"current_password": PASSWORD, "new_password": NEW_PASSWORD});
    assert_eq!(deployer.put("/v1/me/password", &change).await.code(), "session_required");
}

#[tokio::test]
async fn a_repeated_request_for_a_token_makes_no_second_one_and_shows_no_secret() {
    let world = World::start().await;
    let admin = world.admin().await;
    let ask = async || {
        let request = admin.request(reqwest::Method::POST, "/v1/tokens");
        let request = request.header("idempotency-key", "k1");
        crate::person::read(request.json(&json!({"name": "CI", "scope": "read"}))).await
    };
    assert_eq!(ask().await.status, 201);
    let again = ask().await;
    assert_eq!((again.status, again.code().as_str()), (409, "secret_shown"));
    assert_eq!(admin.get("/v1/tokens").await.json().as_array().unwrap().len(), 1);
}
