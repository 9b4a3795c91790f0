//! A log as it is passed on to a browser.

use axum::Router;
use axum::http::StatusCode;

use crate::api::Api;
use crate::{console, get, pair, sign_in, text};

/// All that a browser is sent until the API says no more.
async fn stream(console: &Router, cookie: &str, query: &str) -> String {
    let response = get(console, &format!("/apps/shop/logs/stream{query}"), cookie).await;
    assert_eq!(response.status(), StatusCode::OK);
    text(response).await
}

#[tokio::test]
async fn a_browser_is_told_how_far_a_log_was_looked_through() {
    let api = Api::start().await;
    let console = console(&api.url);
    let cookie = pair(&sign_in(&console).await);
    let sent = stream(&console, &cookie, "").await;
    let events: Vec<&str> = sent.split_terminator("\n\n").collect();
    assert_eq!(events.len(), 2, "{sent}");
    assert!(events[0].contains("event: lines") && events[0].contains("one"), "{sent}");
    assert!(events[0].contains("id: 10-35"), "behind its line, where nothing else was: {sent}");
    assert_eq!(events[1], "event: position\ndata: null\nid: 10-50");
}

#[tokio::test]
async fn a_page_goes_on_after_what_it_saw() {
    let api = Api::start().await;
    let console = console(&api.url);
    let cookie = pair(&sign_in(&console).await);
    let sent = stream(&console, &cookie, "?process=worker&after=10-35").await;
    assert!(sent.contains("id: 10-50") && !sent.contains("one"), "{sent}");
    let sent = stream(&console, &cookie, "?after=10%0A35").await;
    assert!(sent.contains("one"), "what is no position is not passed on: {sent}");
}
