//! Claiming, signing in, refreshing, and everything that is refused there.

use serde_json::{Value, json};
use slipway_api::issue_claim;
use slipway_core::wire::auth::Scope;

use crate::person::{Person, read};
use crate::world::{EMAIL, PASSWORD, World};

async fn signed_in(world: &World) -> Value {
    world.admin().await;
    let answer = world.stranger().post("/v1/login", &login(PASSWORD)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

fn login(password: &str) -> Value {
    json!({"email": EMAIL, "password": password})
}

fn with(world: &World, session: &Value) -> Person {
    Person::new(world.address, Some(session["access_token"].as_str().unwrap().to_owned()))
}

#[tokio::test]
async fn an_installation_is_claimed_once_with_its_own_token() {
    let world = World::start().await;
    let stranger = world.stranger();
    let claim = |token: &str| json!({"claim_token": token, "email": EMAIL, "password": PASSWORD});
    let first = issue_claim(&world.state.store).await.unwrap().unwrap();
    let second = issue_claim(&world.state.store).await.unwrap().unwrap();
    for wrong in ["", "guess", &first] {
        let answer = stranger.post("/v1/claim", &claim(wrong)).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "invalid_credential"));
    }
    let weak = json!({"claim_token": second, "email": EMAIL, "password": "short"});
    assert_eq!(stranger.post("/v1/claim", &weak).await.status, 422);
    let claimed = stranger.post("/v1/claim", &claim(&second)).await;
    assert_eq!(claimed.status, 201, "{}", claimed.text);
    assert_eq!(claimed.json()["user"]["role"], "admin");
    assert_eq!(stranger.post("/v1/claim", &claim(&second)).await.status, 401, "it works once");
    assert_eq!(issue_claim(&world.state.store).await.unwrap(), None);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_account_are_answered_alike() {
    let world = World::start().await;
    world.admin().await;
    let stranger = world.stranger();
    let wrong = stranger.post("/v1/login", &login("not the password")).await;
    let unknown =
        stranger.post("/v1/login", &json!({"email": "eve@example.com", "password": "x"})).await;
    assert_eq!((wrong.status, unknown.status), (401, 401));
    for field in ["code", "message", "hint"] {
        assert_eq!(wrong.json()[field], unknown.json()[field]);
    }
}

#[tokio::test]
async fn an_account_waits_after_too_many_failures_even_with_the_right_password() {
    let world = World::with_limits(|limits| limits.login_failures_per_account = 3).await;
    world.admin().await;
    let stranger = world.stranger();
    for _ in 0..3 {
        assert_eq!(stranger.post("/v1/login", &login("wrong password")).await.status, 401);
    }
    let limited = stranger.post("/v1/login", &login(PASSWORD)).await;
    assert_eq!((limited.status, limited.code().as_str()), (429, "too_many_attempts"));
    let seconds: u64 = limited.header("retry-after").parse().unwrap();
    assert!((1..=900).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn an_address_waits_whatever_it_claims_to_be() {
    let world = World::with_limits(|limits| limits.login_failures_per_address = 3).await;
    world.admin().await;
    for number in 0..3 {
        let guess = json!({"email": format!("u{number}@example.com"), "password": "x"});
        assert_eq!(world.stranger().post("/v1/login", &guess).await.status, 401);
    }
    let request = world
        .stranger()
        .request(reqwest::Method::POST, "/v1/login")
        .header("x-forwarded-for", "203.0.113.7")
        .json(&login(PASSWORD));
    assert_eq!(read(request).await.status, 429);
}

#[tokio::test]
async fn a_refresh_token_works_once_and_its_reuse_ends_the_session() {
    let world = World::start().await;
    let session = signed_in(&world).await;
    let stranger = world.stranger();
    let first = json!({"refresh_token": session["refresh_token"]});
    let renewed = stranger.post("/v1/refresh", &first).await;
    assert_eq!(renewed.status, 200, "{}", renewed.text);
    let renewed = renewed.json();
    assert_ne!(renewed["refresh_token"], session["refresh_token"]);
    assert_eq!(with(&world, &renewed).get("/v1/me").await.status, 200);

    assert_eq!(stranger.post("/v1/refresh", &first).await.status, 401, "used before");
    assert_eq!(with(&world, &renewed).get("/v1/me").await.status, 401, "the session has ended");
    let second = json!({"refresh_token": renewed["refresh_token"]});
    assert_eq!(stranger.post("/v1/refresh", &second).await.status, 401);
}

#[tokio::test]
async fn a_logout_bites_at_once() {
    let world = World::start().await;
    let session = signed_in(&world).await;
    let person = with(&world, &session);
    assert_eq!(person.get("/v1/me").await.status, 200);
    assert_eq!(person.post("/v1/logout", &json!({})).await.status, 204);
    assert_eq!(person.get("/v1/me").await.status, 401);
    let refresh = json!({"refresh_token": session["refresh_token"]});
    assert_eq!(world.stranger().post("/v1/refresh", &refresh).await.status, 401);
}

#[tokio::test]
async fn a_demotion_bites_at_once_whatever_the_token_says() {
    let world = World::start().await;
    let session = signed_in(&world).await;
    let person = with(&world, &session);
    let token = world.token(&person, Scope::Admin, None).await;
    assert_eq!(token.get("/v1/audit").await.status, 200);
    let other = world.member(&person, "bob", Scope::Admin).await;
    let path = format!("/v1/members/{}", session["user"]["id"].as_str().unwrap());
    assert_eq!(other.put(&path, &json!({"role": "read"})).await.status, 200);
    for demoted in [&person, &token] {
        assert_eq!(demoted.get("/v1/me").await.json()["scope"], "read");
        assert_eq!(demoted.get("/v1/audit").await.status, 403);
    }
}

#[tokio::test]
async fn credentials_in_an_address_or_of_another_scheme_are_nothing() {
    let world = World::start().await;
    let session = signed_in(&world).await;
    let token = session["access_token"].as_str().unwrap();
    let stranger = world.stranger();
    for path in [
        format!("/v1/me?access_token={token}"),
        format!("/v1/me?token={token}"),
        format!("/v1/me?authorization=Bearer%20{token}"),
    ] {
        assert_eq!(stranger.get(&path).await.code(), "not_signed_in");
    }
    let digest = stranger
        .request(reqwest::Method::GET, "/v1/me")
        .header("authorization", format!("Digest {token}"));
    assert_eq!(read(digest).await.code(), "not_signed_in");
    let cookie = stranger
        .request(reqwest::Method::GET, "/v1/me")
        .header("cookie", format!("session={token}"));
    assert_eq!(read(cookie).await.code(), "not_signed_in");
}
