//! Whoever comes through the console is known by their own address, and nobody else can say theirs.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use slipway_client::{Behalf, Client};
use slipway_core::wire::auth::LoginRequest;

use crate::person::{Person, read};
use crate::world::{EMAIL, PASSWORD, World};

const HERE: &str = "127.0.0.1";

fn secret(world: &World) -> String {
    world.state.settings.console.as_ref().unwrap().secret().to_owned()
}

/// A request as a console sends it that shows `secret`, for somebody who came this way.
fn through(request: RequestBuilder, secret: &str, way: &str) -> RequestBuilder {
    request.header("x-slipway-console", secret).header("x-forwarded-for", way)
}

/// The status of a sign-in; a guess is of another account each time, so that only addresses wait.
async fn sign_in(world: &World, secret: &str, way: &str, guess: Option<u32>) -> u16 {
    let guessed =
        guess.map(|number| json!({"email": format!("u{number}@example.com"), "password": "x"}));
    let login = guessed.unwrap_or_else(|| json!({"email": EMAIL, "password": PASSWORD}));
    let request = world.stranger().request(Method::POST, "/v1/login").json(&login);
    read(through(request, secret, way)).await.status
}

/// The address in the newest row of the audit log about a new app.
async fn audited(admin: &Person) -> Value {
    let rows = admin.get("/v1/audit?limit=10").await.json();
    let made = |row: &&Value| row["action"] == "POST /v1/apps";
    rows.as_array().unwrap().iter().find(made).unwrap()["address"].clone()
}

#[tokio::test]
async fn who_fails_to_sign_in_to_the_console_keeps_nobody_else_out() {
    let world = World::with_limits(|limits| limits.login_failures_per_address = 3).await;
    world.admin().await;
    let secret = secret(&world);
    for number in 0..3 {
        // What stands before their address they may have made up.
        let way = format!("198.51.100.{number}, 203.0.113.7");
        assert_eq!(sign_in(&world, &secret, &way, Some(number)).await, 401);
    }
    assert_eq!(sign_in(&world, &secret, "203.0.113.7", None).await, 429);
    assert_eq!(sign_in(&world, &secret, "203.0.113.8", None).await, 200);
    assert_eq!(sign_in(&world, "", "", None).await, 200, "nor who is on this machine");
}

#[tokio::test]
async fn a_stranger_who_plays_the_console_is_not_believed() {
    let world = World::with_limits(|limits| limits.login_failures_per_address = 3).await;
    world.admin().await;
    let secret = secret(&world);
    let forged = ["guess", &secret[1..], &format!("{secret}x"), ""];
    for (number, forged) in (0..).zip(forged) {
        let way = format!("203.0.113.{number}");
        let expected = if number < 3 { 401 } else { 429 };
        assert_eq!(sign_in(&world, forged, &way, Some(number)).await, expected, "{forged}");
    }
}

#[tokio::test]
async fn the_audit_log_names_the_address_of_who_sat_before_the_console() {
    let world = World::start().await;
    let admin = world.admin().await;
    let create = |name: &str| admin.request(Method::POST, "/v1/apps").json(&json!({"name": name}));
    let secret = secret(&world);
    assert_eq!(read(through(create("shop"), &secret, "203.0.113.7")).await.status, 201);
    assert_eq!(audited(&admin).await, "203.0.113.7");
    assert_eq!(read(through(create("blog"), "guess", "203.0.113.7")).await.status, 201);
    assert_eq!(audited(&admin).await, HERE);
}

#[tokio::test]
async fn the_client_says_for_whom_it_calls() {
    let world = World::with_limits(|limits| limits.login_failures_per_address = 1).await;
    let admin = world.admin().await;
    let client = Client::new(world.url("").parse().unwrap(), "test/1").unwrap();
    let visitor = ["198.51.100.1".parse().unwrap(), "203.0.113.7".parse().unwrap()];
    let client = client.on_behalf(Behalf::new(&visitor, Some(secret(&world).into())));
    let guess = LoginRequest { email: "eve@example.com".parse().unwrap(), password: "x".into() };
    assert_eq!(client.login(&guess).await.err().unwrap().status(), Some(401));
    assert_eq!(client.login(&guess).await.err().unwrap().status(), Some(429));
    let rows = admin.get("/v1/audit?limit=10").await.json();
    let refused = |row: &&Value| row["action"] == "POST /v1/login";
    let row = rows.as_array().unwrap().iter().find(refused).unwrap();
    assert_eq!(row["address"], "203.0.113.7");
}
