//! Scaling by itself, as far as the API decides about it.

use serde_json::{Value, json};
use slipway_core::resolution::Resolution;
use slipway_core::sample::{Condition, Level, Sample, Traffic};
use slipway_core::time::Millis;
use slipway_store::{ProcessSample, SampleBatch, clock};

use crate::person::Person;
use crate::worker::Worker;
use crate::world::World;

const WEB: &str = "/v1/apps/shop/autoscale/web";

/// An app with one live release, of one process.
async fn deployed(world: &World) -> Person {
    let admin = world.admin().await;
    world.app(&admin, "shop").await;
    admin.post("/v1/apps/shop/deploy/image", &json!({"reference": "shop:1"})).await;
    let app = world.stored("shop").await.id;
    Worker::of(world, &app).deploy().await;
    admin
}

fn settings(min: u32, max: u32) -> Value {
    json!({"min": min, "max": max, "targets": {"rps": 50}})
}

#[tokio::test]
async fn settings_are_set_shown_and_ended() {
    let world = World::start().await;
    let admin = deployed(&world).await;
    assert_eq!(admin.get(WEB).await.status, 404);
    let set = admin.put(WEB, &settings(1, 8)).await;
    assert_eq!(set.status, 200, "{}", set.text);
    assert_eq!(set.json()["settings"]["targets"], json!({"rps": 50}));
    assert_eq!(set.json()["settings"]["down_window_ms"], 300_000);
    let listed = admin.get("/v1/apps/shop/autoscale").await.json();
    assert_eq!(listed["processes"][0], admin.get(WEB).await.json());
    assert_eq!(listed["decisions"], json!([]));

    let counts = json!({"counts": {"web": 9}});
    let refused = admin.put("/v1/apps/shop/scale", &counts).await;
    assert_eq!(
        (refused.status, &refused.json()["code"]),
        (409, &json!("outside_autoscale_bounds"))
    );
    assert_eq!(admin.delete(WEB).await.status, 204);
    assert_eq!(admin.delete(WEB).await.status, 404);
    assert_eq!(admin.put("/v1/apps/shop/scale", &counts).await.status, 200);
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused_with_the_reason() {
    let world = World::start().await;
    let admin = deployed(&world).await;
    for (path, body, said) in [
        (WEB, settings(3, 2), "`max`"),
        (WEB, json!({"min": 1, "max": 2, "targets": {}}), "no target"),
        (WEB, json!({"min": 1, "max": 2, "targets": {"errors": 1}}), "`errors`"),
        (WEB, json!({"min": 1, "max": 2, "targets": {"cpu": 60}, "idel_ms": 1}), "idel_ms"),
        ("/v1/apps/shop/autoscale/clock", settings(0, 2), "only `web`"),
        ("/v1/apps/shop/autoscale/clock", settings(1, 2), "no process `clock`"),
    ] {
        let refused = admin.put(path, &body).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
        assert!(refused.text.contains(said), "{said}: {}", refused.text);
    }
}

#[tokio::test]
async fn a_simulation_is_told_what_was_measured() {
    let world = World::start().await;
    let admin = deployed(&world).await;
    let app = world.stored("shop").await.id;
    let now = Resolution::FiveSeconds.slot(clock::now());
    let sample = |ago: u64| {
        let traffic = Traffic { responses: [0, 500, 0, 0, 0], ..Traffic::default() };
        let condition = Condition { ready: Level::whole(1), ..Condition::default() };
        let sample = Sample::over(Millis(5_000)).with_traffic(traffic).with_condition(condition);
        let at = now - Millis::from_secs(ago * 5);
        let process = "web".parse().unwrap();
        (Resolution::FiveSeconds, ProcessSample { app_id: app.clone(), process, at, sample })
    };
    let batch = SampleBatch { processes: (1..=60).map(sample).collect(), ..SampleBatch::default() };
    world.state.store.write_samples(&batch).await.unwrap();
    let request = json!({"settings": settings(1, 8), "since": now.0 - 600_000});
    let simulated = admin.post(&format!("{WEB}/simulate"), &request).await;
    assert_eq!(simulated.status, 200, "{}", simulated.text);
    let simulated = simulated.json();
    assert_eq!(simulated["covered_ms"], 300_000);
    assert_eq!(simulated["steps"].as_array().unwrap().last().unwrap()["count"], 2, "{simulated:#}");
}
