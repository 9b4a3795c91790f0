//! People who share an installation: joining, changing roles, leaving.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use slipway_core::wire::auth::Scope;
use tokio::time::timeout;

use crate::person::{Answer, Person};
use crate::world::{EMAIL, PASSWORD, World};

const NEW_PASSWORD: &str = "another fine sentence";
const BOB: &str = "bob@example.com";

async fn invite(admin: &Person, email: &str, role: Scope) -> Answer {
    admin.post("/v1/members/invitations", &json!({"email": email, "role": role})).await
}

/// The token of a new invitation.
async fn invited(admin: &Person, email: &str, role: Scope) -> String {
    let answer = invite(admin, email, role).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["token"].as_str().unwrap().to_owned()
}

async fn join(world: &World, token: &str, password: &str) -> Answer {
    let request = json!({"token": token, "password": password});
    world.stranger().post("/v1/members/join", &request).await
}

async fn login(world: &World, email: &str, password: &str) -> Answer {
    world.stranger().post("/v1/login", &json!({"email": email, "password": password})).await
}

async fn id_of(person: &Person) -> String {
    person.get("/v1/me").await.json()["user"]["id"].as_str().unwrap().to_owned()
}

async fn set_role(admin: &Person, id: &str, role: Scope) -> Answer {
    admin.put(&format!("/v1/members/{id}"), &json!({"role": role})).await
}

fn refused(answer: &Answer) -> (u16, String) {
    (answer.status, answer.code())
}

#[tokio::test]
async fn an_invitation_makes_one_member_and_signs_them_in() {
    let world = World::start().await;
    let admin = world.admin().await;
    let answer = invite(&admin, "Bob@Example.com", Scope::Deploy).await.json();
    let (token, url) = (answer["token"].as_str().unwrap(), answer["url"].as_str().unwrap());
    assert_eq!(url, format!("{}#{token}", world.url("/join")), "the secret is behind the `#`");
    let invitation = &answer["invitation"];
    assert_eq!((&invitation["email"], &invitation["role"]), (&json!(BOB), &json!("deploy")));
    assert_eq!((&invitation["kind"], &invitation["invited_by"]), (&json!("join"), &json!(EMAIL)));
    let at = |field: &str| invitation[field].as_i64().unwrap();
    assert!((at("expires_at") - at("created_at") - 72 * 3_600_000).abs() < 5_000);

    let joined = join(&world, token, PASSWORD).await;
    assert_eq!(joined.status, 201, "{}", joined.text);
    let session = joined.json();
    let access = session["access_token"].as_str().unwrap().to_owned();
    let bob = Person::new(world.address, Some(access));
    let me = bob.get("/v1/me").await.json();
    assert_eq!((&me["user"]["email"], &me["scope"]), (&json!(BOB), &json!("deploy")));
    assert_eq!(login(&world, BOB, PASSWORD).await.status, 200);
    let again = join(&world, token, NEW_PASSWORD).await;
    assert_eq!(refused(&again), (401, "invalid_invitation".to_owned()), "it works once");
    let members = bob.get("/v1/members").await.json();
    let emails: Vec<&Value> = members.as_array().unwrap().iter().map(|it| &it["email"]).collect();
    assert_eq!(emails, [EMAIL, BOB]);
}

#[tokio::test]
async fn an_invitation_is_shown_once_and_stored_as_a_hash() {
    let world = World::start().await;
    let admin = world.admin().await;
    let token = invited(&admin, BOB, Scope::Read).await;
    let listed = admin.get("/v1/members/invitations").await;
    assert!(listed.text.contains(BOB) && !listed.text.contains(&token), "{}", listed.text);
    assert!(world.has_written(BOB) && !world.has_written(&token));
    assert_eq!(join(&world, &token, PASSWORD).await.status, 201);
    assert!(!world.has_written(&token), "the audit log holds no secret either");
    assert_eq!(admin.get("/v1/members/invitations").await.json(), json!([]));
}

#[tokio::test]
async fn a_revoked_and_a_replaced_invitation_do_not_work() {
    let world = World::start().await;
    let admin = world.admin().await;
    let first = invited(&admin, BOB, Scope::Read).await;
    let second = invited(&admin, BOB, Scope::Write).await;
    assert_eq!(join(&world, &first, PASSWORD).await.code(), "invalid_invitation");
    let listed = admin.get("/v1/members/invitations").await.json();
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["role"]), (1, &json!("write")));
    let path = format!("/v1/members/invitations/{}", listed[0]["id"].as_str().unwrap());
    assert_eq!(admin.delete(&path).await.status, 204);
    assert_eq!(admin.delete(&path).await.status, 404);
    assert_eq!(join(&world, &second, PASSWORD).await.code(), "invalid_invitation");
    assert_eq!(admin.get("/v1/members").await.json().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_member_is_not_invited_a_second_time() {
    let world = World::start().await;
    let admin = world.admin().await;
    let answer = invite(&admin, EMAIL, Scope::Read).await;
    assert_eq!(refused(&answer), (409, "already_member".to_owned()));
    let hint = answer.json()["hint"].as_str().unwrap().to_owned();
    assert!(hint.contains("slipway members role"), "{hint}");
}

#[tokio::test]
async fn a_password_that_is_refused_leaves_the_invitation_as_it_was() {
    let world = World::start().await;
    let admin = world.admin().await;
    let token = invited(&admin, BOB, Scope::Read).await;
    assert_eq!(join(&world, &token, "short").await.code(), "weak_password");
    assert_eq!(join(&world, &token, PASSWORD).await.status, 201);
}

#[tokio::test]
async fn guesses_at_invitations_are_limited_like_sign_ins() {
    let world = World::with_limits(|limits| limits.login_failures_per_address = 3).await;
    let admin = world.admin().await;
    let token = invited(&admin, BOB, Scope::Read).await;
    for guess in ["", "guess", "slp_guess"] {
        assert_eq!(join(&world, guess, PASSWORD).await.code(), "invalid_invitation");
    }
    let limited = join(&world, &token, PASSWORD).await;
    assert_eq!(refused(&limited), (429, "too_many_attempts".to_owned()));
    assert_ne!(limited.header("retry-after"), "");
    assert_eq!(login(&world, EMAIL, PASSWORD).await.status, 429, "they are counted together");
}

#[tokio::test]
async fn a_role_changes_sessions_and_tokens_with_the_next_request() {
    let world = World::start().await;
    let admin = world.admin().await;
    let bob = world.member(&admin, "bob", Scope::Write).await;
    let token = world.token(&bob, Scope::Write, None).await;
    let id = id_of(&bob).await;
    assert_eq!(set_role(&admin, &id, Scope::Read).await.json()["role"], "read");
    for demoted in [&bob, &token] {
        assert_eq!(demoted.get("/v1/me").await.json()["scope"], "read");
        let answer = demoted.post("/v1/apps", &json!({"name": "shop"})).await;
        assert_eq!(refused(&answer), (403, "scope_too_small".to_owned()));
    }
    assert_eq!(bob.get("/v1/tokens").await.json()[0]["scope"], "read", "what it may do is listed");
    let more = bob.post("/v1/tokens", &json!({"name": "more", "scope": "write"})).await;
    assert_eq!(more.code(), "scope_too_small");
    assert_eq!(set_role(&admin, &id, Scope::Admin).await.status, 200);
    assert_eq!(bob.get("/v1/me").await.json()["scope"], "admin");
    assert_eq!(token.get("/v1/me").await.json()["scope"], "write", "no more than it was made with");
}

#[tokio::test]
async fn a_removed_member_is_nobody_and_what_they_did_stays() {
    let world = World::start().await;
    let admin = world.admin().await;
    let bob = world.member(&admin, "bob", Scope::Write).await;
    let token = world.token(&bob, Scope::Write, None).await;
    assert_eq!(bob.post("/v1/apps", &json!({"name": "shop"})).await.status, 201);
    let session = login(&world, BOB, PASSWORD).await.json();
    let path = format!("/v1/members/{}", id_of(&bob).await);
    assert_eq!(admin.delete(&path).await.status, 204);
    assert_eq!(admin.delete(&path).await.status, 404);

    for gone in [&bob, &token] {
        assert_eq!(gone.get("/v1/me").await.code(), "invalid_credential");
    }
    let refresh = json!({"refresh_token": session["refresh_token"]});
    assert_eq!(world.stranger().post("/v1/refresh", &refresh).await.status, 401);
    assert_eq!(login(&world, BOB, PASSWORD).await.code(), "wrong_password");
    assert_eq!(admin.get("/v1/tokens").await.json(), json!([]));
    assert!(admin.get("/v1/audit").await.text.contains(BOB));
    let events = admin.get("/v1/events").await.json();
    assert_eq!((&events[0]["kind"], &events[0]["by"]), (&json!("app_created"), &json!(BOB)));
}

#[tokio::test]
async fn a_removed_member_loses_an_open_stream_within_five_seconds() {
    let world = World::start().await;
    let admin = world.admin().await;
    let bob = world.member(&admin, "bob", Scope::Read).await;
    let id = id_of(&bob).await;
    let stream = bob.request(Method::GET, "/v1/events").header("accept", "text/event-stream");
    let mut stream = stream.send().await.unwrap();
    assert_eq!(admin.delete(&format!("/v1/members/{id}")).await.status, 204);
    let ended = async { while let Ok(Some(_)) = stream.chunk().await {} };
    timeout(Duration::from_secs(6), ended).await.expect("the stream ends");
}

#[tokio::test]
async fn the_only_admin_is_neither_demoted_nor_removed() {
    let world = World::start().await;
    let admin = world.admin().await;
    world.member(&admin, "bob", Scope::Write).await;
    let id = id_of(&admin).await;
    let demoted = set_role(&admin, &id, Scope::Write).await;
    assert_eq!(refused(&demoted), (409, "last_admin".to_owned()));
    let left = admin.delete(&format!("/v1/members/{id}")).await;
    assert_eq!(refused(&left), (409, "last_admin".to_owned()));
    assert_eq!(set_role(&admin, &id, Scope::Admin).await.status, 200, "it is so already");
    assert_eq!(admin.get("/v1/me").await.json()["scope"], "admin");
}

#[tokio::test]
async fn two_admins_who_remove_each_other_leave_one() {
    let world = World::start().await;
    let ada = world.admin().await;
    let bob = world.member(&ada, "bob", Scope::Admin).await;
    let to_ada = format!("/v1/members/{}", id_of(&ada).await);
    let to_bob = format!("/v1/members/{}", id_of(&bob).await);
    let (one, two) = tokio::join!(ada.delete(&to_bob), bob.delete(&to_ada));
    let done = [&one, &two].into_iter().filter(|answer| answer.status == 204).count();
    assert_eq!(done, 1, "{one:?} {two:?}");
    let left = world.state.store.users().await.unwrap();
    assert_eq!((left.len(), left[0].role), (1, Scope::Admin));
}

#[tokio::test]
async fn a_member_leaves_by_themselves_and_takes_nobody_along() {
    let world = World::start().await;
    let admin = world.admin().await;
    let bob = world.member(&admin, "bob", Scope::Write).await;
    let token = world.token(&bob, Scope::Write, None).await;
    let own = format!("/v1/members/{}", id_of(&bob).await);
    let other = bob.delete(&format!("/v1/members/{}", id_of(&admin).await)).await;
    assert_eq!(refused(&other), (403, "scope_too_small".to_owned()));
    assert_eq!(token.delete(&own).await.code(), "scope_too_small", "a token that leaked");
    assert_eq!(bob.delete(&own).await.status, 204);
    assert_eq!(bob.get("/v1/me").await.status, 401);
}

#[tokio::test]
async fn a_password_reset_works_once_and_ends_the_sessions() {
    let world = World::start().await;
    let admin = world.admin().await;
    let bob = world.member(&admin, "bob", Scope::Deploy).await;
    let path = format!("/v1/members/{}/password-reset", id_of(&bob).await);
    let reset = admin.post(&path, &json!({})).await;
    assert_eq!(reset.status, 201, "{}", reset.text);
    assert_eq!(reset.json()["invitation"]["kind"], "password_reset");
    let token = reset.json()["token"].as_str().unwrap().to_owned();
    assert_eq!(bob.get("/v1/me").await.status, 200, "until it is used nothing changes");
    let joined = join(&world, &token, NEW_PASSWORD).await;
    assert_eq!((joined.status, &joined.json()["user"]["role"]), (201, &json!("deploy")));
    assert_eq!(bob.get("/v1/me").await.status, 401);
    assert_eq!(login(&world, BOB, PASSWORD).await.status, 401);
    assert_eq!(login(&world, BOB, NEW_PASSWORD).await.status, 200);
    assert_eq!(join(&world, &token, NEW_PASSWORD).await.code(), "invalid_invitation");
    let nobody = "/v1/members/usr_00000000000000000000000000/password-reset";
    assert_eq!(admin.post(nobody, &json!({})).await.status, 404);
}

#[tokio::test]
async fn what_an_admin_handed_out_goes_with_their_rights() {
    let world = World::start().await;
    let ada = world.admin().await;
    let bob = world.member(&ada, "bob", Scope::Admin).await;
    let by_demoted = invited(&bob, "eve@example.com", Scope::Admin).await;
    let by_ada = invited(&ada, "carol@example.com", Scope::Read).await;
    assert_eq!(set_role(&ada, &id_of(&bob).await, Scope::Write).await.status, 200);
    assert_eq!(join(&world, &by_demoted, PASSWORD).await.code(), "invalid_invitation");
    assert_eq!(join(&world, &by_ada, PASSWORD).await.status, 201);
}

#[tokio::test]
async fn coming_and_going_is_written_down_without_secrets() {
    let world = World::start().await;
    let admin = world.admin().await;
    let token = invited(&admin, BOB, Scope::Read).await;
    join(&world, "guess", PASSWORD).await;
    join(&world, &token, PASSWORD).await;
    let rows = admin.get("/v1/audit").await;
    assert!(!rows.text.contains(&token) && !rows.text.contains(PASSWORD));
    let rows = rows.json();
    let seen: Vec<_> = rows.as_array().unwrap()[..3]
        .iter()
        .map(|row| {
            (row["action"].as_str().unwrap(), &row["actor"], row["result"].as_str().unwrap())
        })
        .collect();
    let expected = [
        ("POST /v1/members/join", &json!(BOB), "ok"),
        ("POST /v1/members/join", &Value::Null, "invalid_invitation"),
        ("POST /v1/members/invitations", &json!(EMAIL), "ok"),
    ];
    assert_eq!(seen, expected);
}
