//! A request that is repeated because its answer was lost is done once.

use serde_json::{Value, json};
use slipway_core::wire::auth::Scope;

use crate::person::{Answer, Person, read};
use crate::world::World;

async fn post(person: &Person, path: &str, key: &str, body: Value) -> Answer {
    let request = person.request(reqwest::Method::POST, path);
    read(request.header("idempotency-key", key).json(&body)).await
}

#[tokio::test]
async fn the_same_request_gets_the_same_answer_and_happens_once() {
    let world = World::start().await;
    let admin = world.admin().await;
    let app = world.app(&admin, "shop").await;
    let image = json!({"reference": "nginx:1.25"});
    let first = post(&admin, "/v1/apps/shop/deploy/image", "k1", image.clone()).await;
    let again = post(&admin, "/v1/apps/shop/deploy/image", "k1", image.clone()).await;
    assert_eq!((first.status, again.status), (202, 202));
    assert_eq!(first.text, again.text);
    let other = post(&admin, "/v1/apps/shop/deploy/image", "k2", image).await;
    assert_ne!(other.json()["id"], first.json()["id"]);
    assert_eq!(world.state.store.deployments(&app.id, 10, None).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_key_is_good_for_one_request_of_one_person() {
    let world = World::start().await;
    let admin = world.admin().await;
    assert_eq!(post(&admin, "/v1/apps", "k1", json!({"name": "shop"})).await.status, 201);
    let reused = post(&admin, "/v1/apps", "k1", json!({"name": "blog"})).await;
    assert_eq!((reused.status, reused.code().as_str()), (422, "key_reused"));
    let elsewhere = post(&admin, "/v1/apps/shop/restart", "k1", json!({"name": "shop"})).await;
    assert_eq!(elsewhere.code(), "key_reused");
    let endless = post(&admin, "/v1/apps", &"k".repeat(256), json!({"name": "blog"})).await;
    assert_eq!(endless.status, 400);
}

#[tokio::test]
async fn a_request_that_failed_may_be_tried_again() {
    let world = World::start().await;
    let admin = world.admin().await;
    world.app(&admin, "shop").await;
    let rollback = async || post(&admin, "/v1/apps/shop/rollback", "k1", json!({})).await;
    assert_eq!(rollback().await.code(), "nothing_to_roll_back_to");
    assert_eq!(rollback().await.code(), "nothing_to_roll_back_to", "it was looked at again");
}

#[tokio::test]
async fn a_denied_request_leaves_no_answer_behind() {
    let world = World::start().await;
    let admin = world.admin().await;
    let reader = world.token(&admin, Scope::Read, None).await;
    assert_eq!(post(&reader, "/v1/apps", "k1", json!({"name": "shop"})).await.status, 403);
    assert_eq!(post(&admin, "/v1/apps", "k1", json!({"name": "shop"})).await.status, 201);
    assert_eq!(post(&reader, "/v1/apps", "k1", json!({"name": "shop"})).await.status, 403);
}
