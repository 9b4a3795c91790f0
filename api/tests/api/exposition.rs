//! What is measured, as a scraper meets it. The worker's part is in the end-to-end tests.

use reqwest::Method;
use serde_json::json;
use slipway_core::wire::auth::Scope;
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixListener;

use crate::person::read;
use crate::world::World;

#[tokio::test]
async fn without_a_worker_the_api_tells_of_itself_and_says_so() {
    let world = World::start().await;
    let admin = world.admin().await;
    admin.get("/v1/apps/absent").await;
    let reader = world.token(&admin, Scope::Read, None).await;
    let told = reader.get("/metrics").await;
    assert_eq!(told.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let has = |line: &str| assert!(told.text.lines().any(|l| l == line), "{line}: {}", told.text);
    has("slipway_worker_up 0");
    has(r#"slipway_http_requests_total{method="GET",route="/v1/apps/{app}",status="404"} 1"#);
    has("# TYPE slipway_http_request_duration_seconds histogram");
}

#[tokio::test]
async fn the_format_is_negotiated_and_the_workers_series_are_among_them() {
    let world = World::start().await;
    let admin = world.admin().await;
    let listener = UnixListener::bind(world.state.data_dir.telemetry_socket()).unwrap();
    let told = json!([{
        "name": "slipway_app_requests", "help": "Responses.", "kind": "counter", "unit": "count",
        "points": [{"labels": [["app", "shop"]], "value": 12.0}],
    }]);
    let answers = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(told.to_string().as_bytes()).await.unwrap();
    };
    let request = admin.request(Method::GET, "/metrics");
    let request = request.header("accept", "application/openmetrics-text;version=1.0.0,*/*;q=0.1");
    let (answer, ()) = tokio::join!(read(request), answers);
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"));
    for line in
        ["# TYPE slipway_app_requests counter", r#"slipway_app_requests_total{app="shop"} 12"#]
    {
        assert!(answer.text.lines().any(|found| found == line), "{line}: {}", answer.text);
    }
    assert!(answer.text.contains("slipway_worker_up 1\n") && answer.text.ends_with("# EOF\n"));
}
