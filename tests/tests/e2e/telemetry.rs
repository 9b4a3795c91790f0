//! What is measured, outwards to a real Prometheus and a collector, and inwards from apps.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;
use slipway_core::telemetry::catalogue;
use slipway_core::wire::auth::{Scope, TokenRequest};
use slipway_tests::program::of_this_crate;
use slipway_tests::prometheus::{Prometheus, promtool, series_in};
use slipway_tests::{Backend, Echo, Slipway, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::time::timeout;

use crate::Outcome;

const SOON: Duration = Duration::from_secs(40);
const MANIFEST: &str = "[rollout]\nobserve = \"0s\"\n[metrics]\npath = \"/metrics\"\n";

/// A token that may read and nothing else.
async fn reader(slipway: &Slipway) -> anyhow::Result<String> {
    let request = TokenRequest {
        name: "prometheus".to_owned(),
        scope: Scope::Read,
        app: None,
        expires_in_days: None,
    };
    Ok(slipway.client().create_token(&request).await?.secret)
}

/// What `/metrics` answers to `curl` with these headers: a status line, and the rest.
async fn scrape(slipway: &Slipway, headers: &[&str]) -> anyhow::Result<String> {
    let url = format!("{}/metrics", slipway.url());
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--include", &url]);
    for header in headers {
        curl.args(["--header", header]);
    }
    Ok(String::from_utf8(curl.output().await?.stdout)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_reads_what_apps_do_and_answers_for_it() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    let ada = slipway.developer("shop").await;
    let own = "# TYPE queue_depth gauge\nqueue_depth{queue=\"mail\"} 3\nqueue_depth 4\n\
        # TYPE seen_total counter\nseen_total 9\n";
    ada.deploy(&Echo::named("one").exposing(own).manifest(MANIFEST)).await;
    for _ in 0..20 {
        slipway.site("shop").text("/").await?;
    }
    let token = reader(&slipway).await?;
    let prometheus = Prometheus::reading(slipway.api(), &token)?;
    let is_at_least = async |expression: &str, least: f64| {
        let look = || async {
            prometheus.is_reading().await?;
            let value = prometheus.value(expression).await?;
            ensure!(value >= least, "`{expression}` is {value}");
            Ok(())
        };
        eventually(expression, SOON, look).await
    };
    is_at_least(r#"sum(slipway_app_requests_total{app="shop",class="2xx"})"#, 20.0).await?;
    is_at_least(r#"sum(slipway_instance_requests_total{process="web"})"#, 20.0).await?;
    is_at_least(r#"sum(slipway_instance_ready{app="shop"})"#, 1.0).await?;
    is_at_least(r#"sum(slipway_instance_memory_bytes{app="shop"})"#, 1e6).await?;
    is_at_least(r#"sum(slipway_custom{app="shop",name="queue_depth"})"#, 7.0).await?;
    is_at_least(r#"sum(slipway_deployments{app="shop",kind="push"})"#, 1.0).await?;
    is_at_least("slipway_http_request_duration_seconds_count{method=\"GET\"}", 1.0).await?;
    is_at_least("histogram_quantile(0.99, slipway_http_request_duration_seconds_bucket)", 0.0)
        .await?;
    is_at_least("slipway_worker_up", 1.0).await?;
    is_at_least(r#"slipway_app_request_duration_seconds_count{app="shop"}"#, 20.0).await?;

    let bearer = format!("authorization: Bearer {token}");
    let answer = scrape(&slipway, &[&bearer]).await?;
    let (head, text) = answer.split_once("\r\n\r\n").context("it has a head")?;
    assert!(head.contains("text/plain; version=0.0.4"), "{head}");
    promtool(&["check", "metrics"], text)?;
    assert!(!text.contains("seen_total"), "a counter is not taken for a gauge");
    expect_what_the_catalogue_says(text);
    let open = scrape(&slipway, &[&bearer, "accept: application/openmetrics-text"]).await?;
    assert!(open.ends_with("# EOF\n") && open.contains("application/openmetrics-text"), "{open}");
    // What is delivered with Slipway asks for nothing that there is not.
    for file in ["../deploy/prometheus/alerts.yml", "../deploy/grafana/slipway.json"] {
        let absent: BTreeSet<String> = series_in(&of_this_crate(file))?
            .into_iter()
            .filter(|name| !text.contains(&format!("# TYPE {}", without_part(name))))
            .collect();
        assert!(absent.is_empty(), "{file} asks for {absent:?}");
    }
    Ok(())
}

/// Everything that is told has its definition, and the labels that are defined.
fn expect_what_the_catalogue_says(text: &str) {
    let told: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter_map(|line| line.split(' ').next())
        .map(|name| name.strip_suffix("_total").unwrap_or(name))
        .collect();
    let defined: BTreeSet<&str> = catalogue::ALL.iter().map(|one| one.name).collect();
    assert_eq!(told, defined, "a family is told, or defined in the catalogue, and not both");
    for definition in catalogue::ALL {
        let is_its = |line: &&str| {
            let name =
                line.split(['{', ' ']).next().and_then(|it| it.strip_prefix(definition.name));
            name.is_some_and(|end| ["", "_total", "_bucket"].contains(&end))
        };
        let series = text.lines().find(is_its);
        let labels = series.and_then(|line| Some(line.split_once('{')?.1.rsplit_once('}')?.0));
        let labels = labels.unwrap_or_default().split("\",").filter(|label| !label.is_empty());
        let names = labels.filter_map(|label| label.split('=').next()).filter(|name| *name != "le");
        assert_eq!(names.collect::<Vec<_>>(), definition.labels, "{}", definition.name);
    }
}

/// The family of a histogram's series.
fn without_part(name: &str) -> &str {
    ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part)).unwrap_or(name)
}

#[tokio::test(flavor = "multi_thread")]
async fn measurements_are_for_readers_of_everything() -> Outcome {
    let slipway = Slipway::start(Backend::Sqlite).await?;
    slipway.developer("shop").await;
    assert!(scrape(&slipway, &[]).await?.starts_with("HTTP/1.1 401"));
    let request = TokenRequest {
        name: "one app".to_owned(),
        scope: Scope::Admin,
        app: Some(Slipway::app("shop")),
        expires_in_days: None,
    };
    let limited = slipway.client().create_token(&request).await?.secret;
    let limited = format!("authorization: Bearer {limited}");
    assert!(scrape(&slipway, &[&limited]).await?.starts_with("HTTP/1.1 403"));
    let token = reader(&slipway).await?;
    let told = scrape(&slipway, &[&format!("authorization: Bearer {token}")]).await?;
    assert!(told.starts_with("HTTP/1.1 200"), "{told}");
    Ok(())
}

#[test]
fn the_alert_rules_are_sound() -> Outcome {
    let rules = of_this_crate("../deploy/prometheus/alerts.yml");
    promtool(&["check", "rules", &rules.to_string_lossy()], "")
}

/// The head and the body of the next request to a collector, which is answered with this.
async fn collected(listener: &TcpListener, answer: &str) -> anyhow::Result<(String, Value)> {
    let (mut stream, _) = timeout(SOON, listener.accept()).await.context("no push came")??;
    let mut request = Vec::new();
    let (head, length, start) = loop {
        read_some(&mut stream, &mut request).await?;
        let text = String::from_utf8_lossy(&request).to_lowercase();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.context("it has a length")?.parse()?;
            break (head.to_owned(), length, head.len() + 4);
        }
    };
    while request.len() < start + length {
        read_some(&mut stream, &mut request).await?;
    }
    stream.write_all(answer.as_bytes()).await?;
    Ok((head, serde_json::from_slice(&request[start..])?))
}

async fn read_some(stream: &mut TcpStream, into: &mut Vec<u8>) -> anyhow::Result<()> {
    let read = timeout(SOON, stream.read_buf(into)).await??;
    ensure!(read > 0, "the request ended early");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_is_told_again_after_it_was_away() -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let endpoint = format!("http://{}/v1/metrics", listener.local_addr()?);
    let arguments =
        ["--otlp-endpoint", &endpoint, "--otlp-header", "x-key=a=b", "--otlp-interval", "10"];
    let arguments = arguments.map(str::to_owned).to_vec();
    let slipway = Slipway::start_with(Backend::Sqlite, arguments).await?;
    slipway.developer("shop").await;
    let unwell = "HTTP/1.1 503 Unwell\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    collected(&listener, unwell).await?;
    let well = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    let (head, body) = collected(&listener, well).await?;
    assert!(head.starts_with("post /v1/metrics ") && head.contains("x-key: a=b"), "{head}");
    assert!(head.contains("content-type: application/json"), "{head}");
    let resource = &body["resourceMetrics"][0];
    let attributes = resource["resource"]["attributes"].as_array().context("attributes")?;
    let id = attributes.iter().find(|one| one["key"] == "service.instance.id");
    assert_eq!(id.context("an id")?["value"]["stringValue"], slipway.installation());
    let metrics = resource["scopeMetrics"][0]["metrics"].as_array().context("metrics")?;
    let named = |name: &str| metrics.iter().find(|metric| metric["name"] == name);
    let wanted = named("slipway_app_wanted_instances").context("it tells of apps")?;
    assert_eq!(wanted["gauge"]["dataPoints"][0]["attributes"][0]["value"]["stringValue"], "shop");
    let cpu = named("slipway_host_cpu_seconds").context("it tells of the host")?;
    assert_eq!((&cpu["sum"]["isMonotonic"], cpu["unit"].as_str()), (&Value::Bool(true), Some("s")));
    Ok(())
}
