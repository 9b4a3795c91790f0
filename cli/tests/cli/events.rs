//! What happened, and what happens from now on.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::harness::{Desk, Seen, Server, events, me, ok, refuse, unexpected};

/// A server with these newest events of `shop`. One more happens to whoever follows; then the app is
/// gone.
async fn server(newest: Value) -> Server {
    let asked = AtomicUsize::new(0);
    Server::start(move |seen: &Seen| match seen.line.as_str() {
        "GET /v1/me" => ok(&me()),
        line if line.starts_with("GET /v1/events?app=shop") => {
            match asked.fetch_add(1, Ordering::Relaxed) {
                0 => ok(&newest),
                1 => events(&[created(7)]),
                _ => refuse(404, "not_found", "there is no app `shop`", None),
            }
        }
        _ => unexpected(seen),
    })
    .await
}

fn created(id: i64) -> Value {
    json!({"id": id, "at": 1, "app": "shop", "kind": "app_created", "by": "ada@example.com"})
}

/// What was asked of the events, in order.
async fn follow(newest: Value) -> Vec<String> {
    let server = server(newest).await;
    let desk = Desk::signed_in(&server).await;
    let ended = desk.slipway(&["events", "-f", "-a", "shop"]).await;
    assert!(ended.stdout.ends_with("shop: created by ada@example.com\n"), "{ended:?}");
    let lines = server.seen().into_iter().map(|seen| seen.line);
    lines.filter(|line| line.starts_with("GET /v1/events")).take(2).collect()
}

#[tokio::test]
async fn following_goes_on_after_the_newest_event_and_without_one_begins_now() {
    assert_eq!(
        follow(json!([created(5), created(6)])).await,
        ["GET /v1/events?app=shop", "GET /v1/events?app=shop&after=6"]
    );
    assert_eq!(
        follow(json!([])).await,
        ["GET /v1/events?app=shop", "GET /v1/events?app=shop"],
        "and repeats nothing"
    );
}
