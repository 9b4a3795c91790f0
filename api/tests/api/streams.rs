//! Streams: live, resumable, bounded, and only for who may still read.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use slipway_core::id::{AppId, Id as _, JobId};
use slipway_core::log::{LogLine, LogSource, LoggedRequest};
use slipway_core::time::{Millis, Timestamp};
use slipway_core::wire::auth::Scope;
use slipway_store::{LogPosition, clock};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::person::Person;
use crate::worker::Worker;
use crate::world::{World, eventually};

/// A stream as a client reads it.
struct Stream {
    response: reqwest::Response,
    text: String,
}

/// One event: its id and its data.
type Item = (String, Value);

impl Stream {
    async fn open(person: &Person, path: &str, last_event_id: Option<&str>) -> Self {
        let mut request = person.request(Method::GET, path).header("accept", "text/event-stream");
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new() }
    }

    /// The next event that holds something; nothing at the end of the stream.
    async fn next(&mut self) -> Option<Item> {
        loop {
            if let Some(item) = item_of(&self.next_event().await?) {
                return Some(item);
            }
        }
    }

    /// The next position, be it that of an event that holds nothing.
    async fn next_position(&mut self) -> LogPosition {
        loop {
            let event = self.next_event().await.expect("the stream goes on");
            if let Some(id) = event.lines().find_map(|line| line.strip_prefix("id: ")) {
                return id.parse().unwrap();
            }
        }
    }

    async fn next_event(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                return Some(self.text.drain(..end + 2).collect());
            }
            let chunk = timeout(Duration::from_secs(10), self.response.chunk()).await;
            let chunk = chunk.expect("something comes").ok()??;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

/// What an event holds; nothing, if it is a comment.
fn item_of(event: &str) -> Option<Item> {
    let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
    let data = serde_json::from_str(field("data: ")?).unwrap();
    Some((field("id: ").unwrap_or_default().to_owned(), data))
}

fn line(source: LogSource, text: &str) -> LogLine {
    LogLine::new(clock::now(), source, text)
}

fn write(world: &World, app: &AppId, texts: &[&str]) {
    let lines: Vec<LogLine> = texts.iter().map(|text| line(LogSource::App, text)).collect();
    world.state.logs.append(app, &lines).unwrap();
}

#[tokio::test]
async fn a_deployment_is_followed_from_its_first_line_to_its_end() {
    let world = World::start().await;
    let admin = world.admin().await;
    let app = world.app(&admin, "shop").await;
    let image = json!({"reference": "shop:1"});
    let id = admin.post("/v1/apps/shop/deploy/image", &image).await.json()["id"].clone();
    let path = format!("/v1/deployments/{}/stream", id.as_str().unwrap());
    let mut stream = Stream::open(&admin, &path, None).await;
    let (begin, first) = stream.next().await.unwrap();
    assert_eq!(first["deployment"]["state"]["name"], "queued");
    Worker::of(&world, &app.id).deploy().await;
    let (mut lines, mut ids) = (Vec::new(), vec![begin.parse::<u64>().unwrap()]);
    while let Some((id, item)) = stream.next().await {
        ids.push(id.parse::<u64>().unwrap());
        match item["type"].as_str().unwrap() {
            "line" => lines.push(item["text"].as_str().unwrap().to_owned()),
            "moved" => assert_ne!(item["deployment"]["state"]["name"], "queued"),
            _ => assert_eq!(item["deployment"]["state"]["name"], "succeeded"),
        }
    }
    assert_eq!(lines, ["-----> Building", "=====> v1 is live"]);
    assert!(ids.is_sorted());

    // Resumed after the first line, it does not come again.
    let resumed = ids[ids.iter().position(|id| *id > ids[0]).unwrap()].to_string();
    let mut stream = Stream::open(&admin, &path, Some(&resumed)).await;
    let mut again = Vec::new();
    while let Some((_, item)) = stream.next().await {
        again.extend(item["text"].as_str().map(str::to_owned));
    }
    assert_eq!(again, ["=====> v1 is live"]);
}

#[tokio::test]
async fn logs_are_followed_filtered_and_resumed_without_a_gap() {
    let world = World::start().await;
    let admin = world.admin().await;
    let app = world.app(&admin, "shop").await;
    write(&world, &app.id, &["one", "two", "three"]);
    let read = admin.get("/v1/apps/shop/logs?lines=2").await.json();
    let texts: Vec<&Value> = read.as_array().unwrap().iter().map(|line| &line["text"]).collect();
    assert_eq!(texts, ["two", "three"]);

    let path = "/v1/apps/shop/logs?follow=true&lines=1";
    let mut stream = Stream::open(&admin, path, None).await;
    let (id, first) = stream.next().await.unwrap();
    assert_eq!(first["text"], "three");
    write(&world, &app.id, &["four"]);
    assert_eq!(stream.next().await.unwrap().1["text"], "four");
    write(&world, &app.id, &["five"]);
    drop(stream);
    let mut resumed = Stream::open(&admin, path, Some(&id)).await;
    assert_eq!(resumed.next().await.unwrap().1["text"], "four");
    assert_eq!(resumed.next().await.unwrap().1["text"], "five");

    let found = admin.get("/v1/apps/shop/logs?contains=FOUR").await.json();
    assert_eq!(found.as_array().unwrap().len(), 1);
    let none = admin.get("/v1/apps/shop/logs?source=build").await.json();
    assert_eq!(none, json!([]));
}

#[tokio::test]
async fn a_reader_of_few_lines_comes_back_to_where_was_looked_and_misses_nothing() {
    let position = Duration::from_millis(50);
    let world = World::with_limits(|limits| limits.stream_position = position).await;
    let admin = world.admin().await;
    let app = world.app(&admin, "shop").await;
    let append = |lines: &[LogLine]| world.state.logs.append(&app.id, lines).unwrap();
    let worker = |text: &str| {
        let process = Some("worker".to_owned());
        LogLine { process, ..line(LogSource::App, text) }
    };
    append(&[worker("one"), line(LogSource::Access, "a request")]);
    let path = "/v1/apps/shop/logs?follow=true&process=worker";
    let mut stream = Stream::open(&admin, path, None).await;
    let (first, item) = stream.next().await.unwrap();
    assert_eq!(item["text"], "one");
    assert_eq!(stream.next_position().await, world.state.logs.whole_end(&app.id).await.unwrap());

    // More requests than the log keeps; none of them is the worker's.
    let requests = vec![line(LogSource::Access, &"x".repeat(10_000)); 100];
    for _ in 0..12 {
        append(&requests);
    }
    let end = world.state.logs.whole_end(&app.id).await.unwrap();
    let last = loop {
        let position = stream.next_position().await;
        if position == end {
            break position.to_string();
        }
    };
    drop(stream);
    append(&[worker("two")]);
    let mut resumed = Stream::open(&admin, path, Some(&last)).await;
    assert_eq!(resumed.next().await.unwrap().1["text"], "two");

    let mut late = Stream::open(&admin, path, Some(&first)).await;
    let told = late.next().await.unwrap().1["text"].as_str().unwrap().to_owned();
    assert!(told.starts_with("some lines are missing"), "who was away is told: {told}");
}

#[tokio::test]
async fn requests_are_found_by_status_time_and_source_and_read_from_page_to_page() {
    let world = World::start().await;
    let admin = world.admin().await;
    let app = world.app(&admin, "shop").await;
    let mut lines = vec![line(LogSource::App, "starting")];
    for (at, status) in [(10, 200), (20, 404), (30, 503), (40, 500)] {
        let request = LoggedRequest {
            id: format!("{at}-1-1"),
            client: "203.0.113.9".to_owned(),
            method: "GET".to_owned(),
            path: "/".to_owned(),
            status,
            duration_ms: 3,
            bytes: 100,
        };
        let line = LogLine::new(Timestamp(at), LogSource::Access, request.to_string());
        lines.push(LogLine { request: Some(request), ..line });
    }
    world.state.logs.append(&app.id, &lines).unwrap();
    let times = async |query: &str| {
        let answer = admin.get(&format!("/v1/apps/shop/logs?{query}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let lines = answer.json();
        lines
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line["at"].as_i64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(times("status=5xx").await, [30, 40]);
    assert_eq!(times("status=404,503").await, [20, 30]);
    assert_eq!(times("source=access,build&since=20&until=40").await, [20, 30]);
    assert_eq!(times("contains=203.0.113.9&status=200").await, [10]);

    let path = "/v1/apps/shop/logs?source=access&lines=3";
    let request = admin.request(Method::GET, path);
    let answer = request.send().await.unwrap();
    let before = answer.headers()["slipway-log-before"].to_str().unwrap().to_owned();
    assert_eq!(times(&format!("source=access&lines=3&before={before}")).await, [10]);

    let mut stream = Stream::open(&admin, "/v1/apps/shop/logs?follow=true&status=5xx", None).await;
    assert_eq!(stream.next().await.unwrap().1["request"]["status"], 503);
    for bad in ["status=50", "source=nobody", "source=", "since=yesterday", "before=1"] {
        let answer = admin.get(&format!("/v1/apps/shop/logs?{bad}")).await;
        assert_eq!(answer.status, 400, "{bad}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_hostile_line_stays_one_event() {
    let world = World::start().await;
    let admin = world.admin().await;
    let app = world.app(&admin, "shop").await;
    let hostile = "a\r\rb\n\nevent: done\ndata: {}\u{2028}\0\u{1b}[2J";
    write(&world, &app.id, &[hostile]);
    let mut stream = Stream::open(&admin, "/v1/apps/shop/logs?follow=true", None).await;
    assert_eq!(stream.next().await.unwrap().1["text"], json!(hostile));
}

#[tokio::test]
async fn a_position_that_is_none_is_refused() {
    let world = World::start().await;
    let admin = world.admin().await;
    world.app(&admin, "shop").await;
    for id in ["x", "-1", "1;2", "99999999999999999999999"] {
        let request = admin
            .request(Method::GET, "/v1/apps/shop/logs?follow=true")
            .header("last-event-id", id);
        assert_eq!(crate::person::read(request).await.status, 400, "{id}");
    }
}

#[tokio::test]
async fn events_come_in_order_and_resume_after_any_of_them() {
    let world = World::start().await;
    let admin = world.admin().await;
    world.app(&admin, "shop").await;
    let mut stream = Stream::open(&admin, "/v1/events?after=0", None).await;
    let (first, created) = stream.next().await.unwrap();
    assert_eq!(
        (created["kind"].as_str(), created["app"].as_str()),
        (Some("app_created"), Some("shop"))
    );
    world.app(&admin, "blog").await;
    assert_eq!(stream.next().await.unwrap().1["app"], "blog");
    let mut resumed = Stream::open(&admin, "/v1/events", Some(&first)).await;
    assert_eq!(resumed.next().await.unwrap().1["app"], "blog");
    let limited = world.token(&admin, Scope::Read, Some("blog")).await;
    let visible = limited.get("/v1/events").await.json();
    assert_eq!(visible.as_array().unwrap().len(), 1, "{visible}");
}

#[tokio::test]
async fn a_one_off_command_streams_its_lines_and_its_exit_code() {
    let world = World::start().await;
    let admin = world.admin().await;
    let app = world.app(&admin, "shop").await;
    admin.post("/v1/apps/shop/deploy/image", &json!({"reference": "shop:1"})).await;
    Worker::of(&world, &app.id).deploy().await;
    let run = admin.post("/v1/apps/shop/runs", &json!({"command": ["migrate"]})).await;
    assert_eq!(run.status, 202, "{}", run.text);
    let id: JobId = run.json()["id"].as_str().unwrap().parse().unwrap();
    let store = &world.state.store;
    let job = eventually("the job can be claimed", async || {
        store.claim("test", Millis::from_secs(60)).await.unwrap()
    })
    .await;
    assert_eq!(job.id, id);
    let printed = |text: &str| {
        let mut line = line(LogSource::Run, text);
        line.deployment = Some(id.as_str().to_owned());
        world.state.logs.append(&app.id, &[line]).unwrap();
    };
    printed("before anybody reads");
    let path = format!("/v1/apps/shop/runs/{id}/stream");
    let mut stream = Stream::open(&admin, &path, None).await;
    assert_eq!(stream.next().await.unwrap().1["text"], "before anybody reads");
    write(&world, &app.id, &["somebody else's line"]);
    printed("done");
    assert_eq!(stream.next().await.unwrap().1["text"], "done");
    store.complete(&job.id, job.fence, Some(json!({"code": 3}))).await.unwrap();
    assert_eq!(stream.next().await.unwrap().1, json!({"type": "exited", "code": 3}));
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn the_events_of_a_quiet_app_are_shown_however_much_happens_to_others() {
    let world = World::start().await;
    let admin = world.admin().await;
    world.app(&admin, "quiet").await;
    let busy = world.app(&admin, "busy").await;
    admin.post("/v1/apps/busy/deploy/image", &json!({"reference": "busy:1"})).await;
    Worker::of(&world, &busy.id).deploy().await;
    for number in 0..500 {
        let counts = [("web".parse().unwrap(), 2 + number % 2)].into();
        world.state.store.set_scale(&busy.id, &counts, "ada").await.unwrap();
    }
    let quiet = admin.get("/v1/events?app=quiet").await.json();
    let kinds: Vec<&Value> = quiet.as_array().unwrap().iter().map(|it| &it["kind"]).collect();
    assert_eq!(kinds, ["app_created"]);
    let all = admin.get("/v1/events").await.json();
    assert_eq!(all.as_array().unwrap().len(), 500);
    assert!(all.as_array().unwrap().iter().all(|it| it["app"] == "busy"));
}

#[tokio::test]
async fn a_revoked_token_loses_its_open_stream_within_five_seconds() {
    let world = World::start().await;
    let admin = world.admin().await;
    world.app(&admin, "shop").await;
    let reader = world.token(&admin, Scope::Read, None).await;
    let mut stream = Stream::open(&reader, "/v1/apps/shop/logs?follow=true", None).await;
    let id = admin.get("/v1/tokens").await.json()[0]["id"].as_str().unwrap().to_owned();
    admin.delete(&format!("/v1/tokens/{id}")).await;
    let began = Instant::now();
    assert!(stream.next().await.is_none());
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_stream_ends_after_its_time_and_says_where_to_resume() {
    let world = World::with_limits(|limits| limits.stream_time = Duration::from_millis(300)).await;
    let admin = world.admin().await;
    let app = world.app(&admin, "shop").await;
    write(&world, &app.id, &["one"]);
    let mut stream = Stream::open(&admin, "/v1/apps/shop/logs?follow=true", None).await;
    let (id, _) = stream.next().await.unwrap();
    assert!(id.parse::<LogPosition>().unwrap().words > 0);
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn a_reader_who_takes_nothing_is_cut_off_from_outside() {
    let world = World::with_limits(|limits| limits.stream_stall = Duration::from_millis(500)).await;
    let admin = world.admin().await;
    let app = world.app(&admin, "shop").await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let request = format!(
        "GET /v1/apps/shop/logs?follow=true HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n",
        admin.credential.as_ref().unwrap()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = [0; 64];
    stream.read_exact(&mut head).await.unwrap();
    // More than what the sockets hold between them, and the reader reads nothing of it.
    let long = "x".repeat(16 * 1024);
    for _ in 0..40 {
        write(&world, &app.id, &[long.as_str(); 32]);
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut received = Vec::new();
    let end = timeout(Duration::from_secs(10), stream.read_to_end(&mut received)).await;
    let complete = end
        .expect("the connection was closed")
        .is_ok_and(|_| String::from_utf8_lossy(&received).ends_with("0\r\n\r\n"));
    assert!(!complete, "it was cut, not ended");
}
