//! Metrics as charts ask for them.

use serde_json::{Value, json};
use slipway_core::id::{AppId, InstanceId};
use slipway_core::name::ProcessName;
use slipway_core::resolution::Resolution;
use slipway_core::sample::{Condition, Cpu, HostSample, Level, Measured, Sample, Traffic};
use slipway_core::time::{Millis, Timestamp};
use slipway_store::{InstanceSample, ProcessSample, SampleBatch, clock, mint};

use crate::worker::Worker;
use crate::world::World;

const FIVE: Resolution = Resolution::FiveSeconds;

fn sample(requests: u64) -> Sample {
    let mut traffic = Traffic { responses: [0, requests, 0, 0, 0], ..Traffic::default() };
    for _ in 0..requests {
        traffic.latency.record(12);
    }
    Sample::over(FIVE.span())
        .with_traffic(traffic)
        .with_cpu(Cpu { used_us: 1_000_000, allowed_us: 2_500_000 })
        .with_condition(Condition { ready: Level::whole(2), ..Condition::default() })
}

/// The last minute of an app with one process: ten requests every five seconds, and none read in
/// the ten seconds from the twentieth on.
async fn minute(world: &World, app_id: &AppId) -> Timestamp {
    let begin = FIVE.slot(clock::now()) - Millis(60_000);
    let instance_id: InstanceId = mint::id();
    let mut batch = SampleBatch::default();
    for slot in (0..12_u64).filter(|slot| !matches!(slot, 4 | 5)) {
        let at = begin + Millis(slot * 5000);
        let (process, sample) = (ProcessName::web(), sample(10));
        let mut host = HostSample::over(FIVE.span());
        host.cpu = Some(Measured::over(host.span, Cpu { used_us: 1, allowed_us: 4 }));
        batch.host.push((FIVE, at, host));
        batch.instances.push((
            FIVE,
            InstanceSample {
                app_id: app_id.clone(),
                process: process.clone(),
                instance_id: instance_id.clone(),
                at,
                sample: sample.clone(),
            },
        ));
        batch.processes.push((FIVE, ProcessSample { app_id: app_id.clone(), process, at, sample }));
    }
    world.state.store.write_samples(&batch).await.unwrap();
    begin
}

fn values(answer: &Value, series: usize) -> Vec<Option<f64>> {
    serde_json::from_value(answer["series"][series]["values"].clone()).unwrap()
}

#[tokio::test]
async fn a_range_is_drawn_with_gaps_where_nothing_was_measured() {
    let world = World::start().await;
    let admin = world.admin().await;
    let app = world.app(&admin, "shop").await;
    let begin = minute(&world, &app.id).await;
    let end = begin + Millis(60_000);
    let path = format!(
        "/v1/apps/shop/metrics?metrics=p95_ms,rps,queue_ms&since={}&until={}&points=12",
        begin.0, end.0
    );
    let answer = admin.get(&path).await.json();
    assert_eq!(answer["step_ms"], 5000);
    assert_eq!(answer["times"].as_array().unwrap().len(), 12);
    assert_eq!(answer["times"][0], json!(begin.0));
    let names: Vec<&str> = answer["series"]
        .as_array()
        .unwrap()
        .iter()
        .map(|series| series["metric"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["rps", "p95_ms", "queue_ms"], "in the order of metrics");
    let mut expected = vec![Some(2.0); 12];
    expected[4..6].fill(None);
    assert_eq!(values(&answer, 0), expected);
    assert_eq!(values(&answer, 1)[0], Some(12.0));
    assert_eq!(values(&answer, 2), [None; 12], "nobody waited, and nobody measured it");
}

#[tokio::test]
async fn a_series_is_of_a_process_or_of_an_instance() {
    let world = World::start().await;
    let admin = world.admin().await;
    let app = world.app(&admin, "shop").await;
    minute(&world, &app.id).await;
    let by_process = admin.get("/v1/apps/shop/metrics?metrics=cpu").await.json();
    assert_eq!(by_process["series"][0]["instance"], Value::Null);
    assert_eq!(by_process["series"][0]["unit"], "percent");
    let by_instance = admin.get("/v1/apps/shop/metrics?metrics=cpu&by=instance").await.json();
    assert!(by_instance["series"][0]["instance"].as_str().unwrap().starts_with("run_"));
    let other = admin.get("/v1/apps/shop/metrics?metrics=cpu&process=worker").await.json();
    assert_eq!(other["series"], json!([]));
}

#[tokio::test]
async fn what_happened_is_marked_on_the_axis() {
    let world = World::start().await;
    let admin = world.admin().await;
    let app = world.app(&admin, "shop").await;
    admin.post("/v1/apps/shop/deploy/image", &json!({"reference": "nginx:1.25"})).await;
    Worker::of(&world, &app.id).deploy().await;
    let scaled = admin.put("/v1/apps/shop/scale", &json!({"counts": {"web": 3}})).await;
    assert_eq!(scaled.status, 200, "{}", scaled.text);
    let answer = admin.get("/v1/apps/shop/metrics").await.json();
    let marks: Vec<(&str, &str)> = answer["markers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|mark| (mark["kind"].as_str().unwrap(), mark["text"].as_str().unwrap()))
        .collect();
    assert_eq!(marks, [("deployment", "v1 is live"), ("scaling", "web 1 → 3")]);
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_with_a_hint() {
    let world = World::start().await;
    let admin = world.admin().await;
    world.app(&admin, "shop").await;
    for (query, code) in [
        ("metrics=rsp", "unknown_metric"),
        ("metrics=host_cpu", "misplaced_metric"),
        ("since=5&until=5", "empty_range"),
        ("until=5", "empty_range"),
    ] {
        let answer = admin.get(&format!("/v1/apps/shop/metrics?{query}")).await;
        assert_eq!((answer.status, answer.code().as_str()), (422, code), "{query}");
        assert!(!answer.json()["hint"].as_str().unwrap().is_empty(), "{query}");
    }
    assert_eq!(admin.get("/v1/apps/shop/metrics?metric=rps").await.status, 400);
    let host = admin.get("/v1/metrics/host?metrics=rps").await;
    assert_eq!(host.code(), "misplaced_metric");
}

#[tokio::test]
async fn the_host_and_the_present_are_told_apart_from_apps_and_the_past() {
    let world = World::start().await;
    let admin = world.admin().await;
    let app = world.app(&admin, "shop").await;
    world.app(&admin, "blog").await;
    minute(&world, &app.id).await;
    let host = admin.get("/v1/metrics/host?metrics=host_cpu").await.json();
    assert_eq!(values(&host, 0).into_iter().flatten().last(), Some(25.0));
    let now = admin.get("/v1/metrics/now").await.json();
    assert_eq!(
        now,
        json!([{
            "app": "shop", "process": "web", "rps": 2.0, "p95_ms": 12.0, "errors": 0.0,
            "cpu": 40.0, "memory": null, "memory_bytes": null, "instances": 2.0
        }])
    );
    let limited = world.token(&admin, slipway_core::wire::auth::Scope::Read, Some("blog")).await;
    assert_eq!(limited.get("/v1/metrics/now").await.json(), json!([]), "only what it may see");
}

#[tokio::test]
async fn an_overview_has_a_rate_and_a_curve_of_every_app_that_passes_something_on() {
    let world = World::start().await;
    let admin = world.admin().await;
    let app = world.app(&admin, "shop").await;
    world.app(&admin, "blog").await;
    // Five minutes that are rolled up, and the last one that is not.
    let now = clock::now();
    let begin = Resolution::Minute.slot(now) - Millis(5 * 60_000);
    let mut batch = SampleBatch::default();
    let row = |at, sample| ProcessSample {
        app_id: app.id.clone(),
        process: ProcessName::web(),
        at,
        sample,
    };
    for minute in 0..5_u64 {
        let traffic = Traffic { responses: [0, 60, 0, 0, 0], ..Traffic::default() };
        let sample = Sample::over(Resolution::Minute.span()).with_traffic(traffic);
        batch.processes.push((Resolution::Minute, row(begin + Millis(minute * 60_000), sample)));
    }
    for slot in 0..24_u64 {
        let at = FIVE.slot(now) - Millis(slot * 5000);
        batch.processes.push((FIVE, row(at, sample(10))));
    }
    world.state.store.write_samples(&batch).await.unwrap();
    let overview = admin.get("/v1/metrics/overview").await.json();
    let apps = overview["apps"].as_array().unwrap();
    assert_eq!(apps.len(), 1, "blog passes nothing on: {overview}");
    assert_eq!((&apps[0]["app"], &apps[0]["rps"]), (&json!("shop"), &json!(2.0)));
    assert_eq!(apps[0]["p95_ms"], json!(12.0));
    let curve: Vec<Option<f64>> = serde_json::from_value(apps[0]["curve"].clone()).unwrap();
    assert_eq!(curve.len(), overview["times"].as_array().unwrap().len());
    let known: Vec<f64> = curve.into_iter().flatten().collect();
    // What is rolled up is not told a second time by the finer samples of that minute.
    assert_eq!(known, [1.0, 1.0, 1.0, 1.0, 1.0, 2.0]);
    let limited = world.token(&admin, slipway_core::wire::auth::Scope::Read, Some("blog")).await;
    let overview = limited.get("/v1/metrics/overview").await.json();
    assert_eq!(overview["apps"], json!([]), "only what it may see");
}
