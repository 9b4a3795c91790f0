//! Deployments, releases, and the way back.

use serde_json::{Value, json};
use slipway_core::deployment::DeploymentEvent;

use crate::person::Person;
use crate::worker::Worker;
use crate::world::World;

async fn deploy_image(admin: &Person) -> Value {
    let answer = admin.post("/v1/apps/shop/deploy/image", &json!({"reference": "shop:1"})).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    answer.json()
}

#[tokio::test]
async fn a_rollback_goes_to_the_newest_stable_release_that_differs() {
    let world = World::start().await;
    let admin = world.admin().await;
    let app = world.app(&admin, "shop").await;
    let worker = Worker::of(&world, &app.id);
    for _ in 0..2 {
        deploy_image(&admin).await;
        worker.deploy().await;
    }
    let target = admin.get("/v1/apps/shop/rollback").await;
    assert_eq!(target.status, 200, "{}", target.text);
    assert_eq!(target.json()["version"], 1);
    assert_eq!(target.json()["differs_from_live"]["from_version"], 2);
    let rollback = admin.post("/v1/apps/shop/rollback", &json!({})).await;
    assert_eq!(rollback.status, 202, "{}", rollback.text);
    assert_eq!(rollback.json()["description"], "rollback to v1");
    assert_eq!(rollback.json()["kind"], "rollback");
    let by_name = admin.post("/v1/apps/shop/rollback", &json!({"version": 1})).await;
    assert_eq!(by_name.status, 202);
}

#[tokio::test]
async fn a_rollback_that_makes_no_sense_is_refused_before_anything_happens() {
    let world = World::start().await;
    let admin = world.admin().await;
    let app = world.app(&admin, "shop").await;
    let roll_back = async |body: Value| {
        let answer = admin.post("/v1/apps/shop/rollback", &body).await;
        (answer.status, answer.code())
    };
    assert_eq!(roll_back(json!({})).await, (409, "nothing_to_roll_back_to".to_owned()));
    let target = admin.get("/v1/apps/shop/rollback").await;
    assert_eq!((target.status, target.code().as_str()), (409, "nothing_to_roll_back_to"));
    deploy_image(&admin).await;
    Worker::of(&world, &app.id).deploy().await;
    assert_eq!(roll_back(json!({"version": 1})).await, (409, "already_current".to_owned()));
    assert_eq!(roll_back(json!({"version": 9})).await, (404, "not_found".to_owned()));
    assert_eq!(roll_back(json!({"versoin": 1})).await, (422, "invalid_request".to_owned()));
    let deployments = world.state.store.deployments(&app.id, 10, None).await.unwrap();
    assert_eq!(deployments.len(), 1);
}

#[tokio::test]
async fn a_release_shows_what_differs_from_the_live_one_and_no_value() {
    let world = World::start().await;
    let admin = world.admin().await;
    let app = world.app(&admin, "shop").await;
    let worker = Worker::of(&world, &app.id);
    deploy_image(&admin).await;
    worker.deploy().await;
    admin.patch("/v1/apps/shop/config", &json!({"values": {"A": "hunter2"}})).await;
    worker.deploy().await;
    let first = admin.get("/v1/apps/shop/releases/v1").await;
    let differs = &first.json()["differs_from_live"];
    assert_eq!(
        (differs["from_version"].as_u64(), differs["to_version"].as_u64()),
        (Some(2), Some(1))
    );
    assert_eq!(differs["config_removed"], json!(["A"]));
    assert!(!first.text.contains("hunter2"));
    let live = admin.get("/v1/apps/shop/releases/2").await.json();
    assert_eq!((live["live"].as_bool(), live["differs_from_live"].is_null()), (Some(true), true));
    assert_eq!(live["config_keys"], json!(["A"]));
    let listed = admin.get("/v1/apps/shop/releases?limit=1&before=2").await.json();
    assert_eq!((listed[0]["version"].as_u64(), listed.as_array().unwrap().len()), (Some(1), 1));
}

#[tokio::test]
async fn a_deployment_is_canceled_before_its_switch_and_again_without_harm() {
    let world = World::start().await;
    let admin = world.admin().await;
    world.app(&admin, "shop").await;
    let id = deploy_image(&admin).await["id"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        let canceled = admin.post(&format!("/v1/deployments/{id}/cancel"), &json!({})).await;
        assert_eq!(canceled.status, 202, "{}", canceled.text);
        assert_eq!(canceled.json()["state"]["name"], "canceled");
    }
}

#[tokio::test]
async fn canceling_what_is_live_already_takes_it_back() {
    let world = World::start().await;
    let admin = world.admin().await;
    let app = world.app(&admin, "shop").await;
    let worker = Worker::of(&world, &app.id);
    deploy_image(&admin).await;
    worker.deploy().await;
    let id = deploy_image(&admin).await["id"].as_str().unwrap().to_owned();
    let task = worker.begin().await;
    task.to_switching().await;
    task.advance(DeploymentEvent::Switched { observe: true }).await;
    let answer = admin.post(&format!("/v1/deployments/{id}/cancel"), &json!({})).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    assert_eq!(answer.json()["kind"], "rollback");
    assert_eq!(answer.json()["description"], "rollback to v1");
    let ended = admin.post(&format!("/v1/deployments/{id}/cancel"), &json!({})).await;
    assert_eq!((ended.status, ended.code().as_str()), (409, "already_ended"));
}

#[tokio::test]
async fn a_restart_needs_something_live() {
    let world = World::start().await;
    let admin = world.admin().await;
    let app = world.app(&admin, "shop").await;
    let nothing = admin.post("/v1/apps/shop/restart", &json!({})).await;
    assert_eq!((nothing.status, nothing.code().as_str()), (409, "nothing_live"));
    let run = admin.post("/v1/apps/shop/runs", &json!({"command": ["true"]})).await;
    assert_eq!(run.code(), "nothing_live");
    deploy_image(&admin).await;
    Worker::of(&world, &app.id).deploy().await;
    let restart = admin.post("/v1/apps/shop/restart", &json!({})).await;
    assert_eq!(restart.json()["description"], "restart");
}

#[tokio::test]
async fn a_restart_drops_no_change_that_waits() {
    let world = World::start().await;
    let admin = world.admin().await;
    let app = world.app(&admin, "shop").await;
    deploy_image(&admin).await;
    Worker::of(&world, &app.id).deploy().await;
    let set = admin.patch("/v1/apps/shop/config", &json!({"values": {"TIER": "gold"}})).await;
    assert_eq!(set.status, 200, "{}", set.text);
    for _ in 0..2 {
        assert_eq!(admin.post("/v1/apps/shop/restart", &json!({})).await.status, 202);
    }
    let listed = admin.get("/v1/apps/shop/deployments").await.json();
    let stands =
        |deployment: &Value| (deployment["kind"].clone(), deployment["state"]["name"].clone());
    let latest: Vec<_> = listed.as_array().unwrap().iter().take(3).map(stands).collect();
    let expected = [("restart", "queued"), ("restart", "superseded"), ("config", "queued")]
        .map(|(kind, state)| (json!(kind), json!(state)));
    assert_eq!(latest, expected);
}

#[tokio::test]
async fn wanted_counts_are_set_for_processes_that_there_are() {
    let world = World::start().await;
    let admin = world.admin().await;
    let app = world.app(&admin, "shop").await;
    deploy_image(&admin).await;
    Worker::of(&world, &app.id).deploy().await;
    let set =
        async |counts: Value| admin.put("/v1/apps/shop/scale", &json!({"counts": counts})).await;
    assert_eq!(set(json!({"web": 3})).await.json()["counts"], json!({"web": 3}));
    let unknown = set(json!({"wrong": 1})).await;
    assert_eq!((unknown.status, unknown.code().as_str()), (422, "unknown_process"));
    assert!(unknown.json()["message"].as_str().unwrap().contains("`web`"));
    assert_eq!(set(json!({"web": 101})).await.status, 422);
    assert_eq!(set(json!({"web": -1})).await.status, 422);
    assert_eq!(admin.get("/v1/apps/shop/scale").await.json()["counts"], json!({"web": 3}));
}

#[tokio::test]
async fn an_image_has_to_be_named_like_one() {
    let world = World::start().await;
    let admin = world.admin().await;
    world.app(&admin, "shop").await;
    for bad in ["", "-v", "a b", "$(x)"] {
        let answer = admin.post("/v1/apps/shop/deploy/image", &json!({"reference": bad})).await;
        assert_eq!((answer.status, answer.code().as_str()), (422, "invalid_image"), "{bad}");
    }
}
