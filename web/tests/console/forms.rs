//! What people typed, and what becomes of it.

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::Response;

use crate::api::Api;
use crate::{PUBLIC, between, console, get, pair, post, sign_in, text};

/// Somebody signed in, with the token of the forms they see.
struct Person {
    console: Router,
    cookie: String,
    form_token: String,
}

impl Person {
    async fn of(api: &Api) -> Self {
        let console = console(&api.url);
        let cookie = pair(&sign_in(&console).await);
        let html = text(get(&console, "/", &cookie).await).await;
        let form_token = between(&html, "name=\"form_token\" value=\"", "\"").to_owned();
        Self { console, cookie, form_token }
    }

    async fn send(&self, path: &str, fields: &str) -> Response {
        let form = format!("form_token={}&{fields}", self.form_token);
        post(&self.console, path, &self.cookie, PUBLIC, &form).await
    }
}

#[tokio::test]
async fn scaling_one_process_leaves_the_counts_of_others_alone() {
    let api = Api::start().await;
    let person = Person::of(&api).await;
    let asleep = "was.web=0&count.web=0&was.worker=1";
    let path = "/apps/shop/scale";
    let unchanged = person.send(path, &format!("{asleep}&count.worker=1")).await;
    assert_eq!(unchanged.headers()[LOCATION], path);
    let changed = person.send(path, &format!("{asleep}&count.worker=3")).await;
    assert_eq!(changed.headers()[LOCATION], "/apps/shop");
    assert_eq!(api.scalings(), [serde_json::json!({"counts": {"worker": 3}})]);
}

#[tokio::test]
async fn a_form_that_the_api_refuses_says_why_and_keeps_what_was_typed() {
    let api = Api::start().await;
    let person = Person::of(&api).await;
    for (path, fields, why, kept) in [
        (
            "/channels",
            "kind=webhook&name=ops&app=shpo&url=https%3A%2F%2Fhooks.example.com%2Fa",
            "There is no such app.",
            &["value=\"ops\"", "value=\"shpo\"", "hooks.example.com"][..],
        ),
        (
            "/tokens",
            "name=CI%22&scope=write&app=shpo&expires=365",
            "There is no such app.",
            &[
                "value=\"CI&quot;\"",
                "value=\"write\" checked",
                "value=\"shpo\"",
                "value=\"365\" selected",
            ],
        ),
        (
            "/tokens",
            "name=CI&scope=read&app=NO%20NAME&expires=",
            "This is no app",
            &["value=\"read\" checked", "value=\"NO NAME\"", "value=\"\" selected"],
        ),
        (
            "/members",
            "email=grace%40example.com&role=read",
            "This person is a member already.",
            &["value=\"grace@example.com\"", "value=\"read\" checked"],
        ),
        ("/members", "email=grace&role=write", "This is no address.", &["value=\"grace\""]),
    ] {
        let response = person.send(path, fields).await;
        assert_eq!(response.status(), StatusCode::OK, "{path} {fields}");
        let html = text(response).await;
        assert!(html.contains(why), "{path}: {html}");
        for part in kept {
            assert!(html.contains(part), "{path} {part}: {html}");
        }
    }
}

#[tokio::test]
async fn a_form_of_what_is_gone_leads_to_a_page_that_says_so() {
    let api = Api::start().await;
    let person = Person::of(&api).await;
    let rule = "name=errors&metric=errors&above=1";
    for (path, fields) in [("/apps/nobody/scale", "count.web=1"), ("/apps/nobody/alerts", rule)] {
        let response = person.send(path, fields).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        let html = text(response).await;
        assert!(html.contains("Page not found"), "{path}: {html}");
        assert!(html.contains("Check the address"), "{path}: {html}");
    }
}
