//! The router as a browser meets it.

#![expect(clippy::unwrap_used, reason = "a test ends where its world does")]

mod api;
mod forms;
mod scripts;
mod streams;
mod visitors;

use axum::Router;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, LOCATION, SET_COOKIE};
use axum::http::{Method, Request, StatusCode};
use axum::response::Response;
use http_body_util::BodyExt as _;
use slipway_web::{WebSettings, router};
use tower::ServiceExt as _;

use crate::api::Api;

/// Nothing listens here.
const NO_API: &str = "http://127.0.0.1:1";
const PUBLIC: &str = "https://slipway.example.com";
/// Where a signed-in person's forms go.
const FORMS: [&str; 30] = [
    "/apps/shop/releases/1/rollback",
    "/apps/shop/config",
    "/apps/shop/config/edit",
    "/apps/shop/config/reveal",
    "/apps/shop/scale",
    "/apps/shop/domains",
    "/apps/shop/domains/shop.example.com/remove",
    "/apps/shop/restart",
    "/apps/shop/delete",
    "/apps/shop/scale/web",
    "/apps/shop/scale/web/simulate",
    "/apps/shop/scale/web/off",
    "/apps/shop/alerts",
    "/apps/shop/alerts/errors/switch",
    "/apps/shop/alerts/errors/remove",
    "/apps/shop/drains",
    "/apps/shop/drains/drn_0000000000000000000000000a/test",
    "/apps/shop/drains/drn_0000000000000000000000000a/remove",
    "/alerts",
    "/alerts/disk/switch",
    "/channels",
    "/channels/ops/test",
    "/channels/ops/remove",
    "/tokens",
    "/tokens/tok_0000000000000000000000000a/revoke",
    "/members",
    "/members/usr_0000000000000000000000000a/role",
    "/members/usr_0000000000000000000000000a/reset",
    "/members/usr_0000000000000000000000000a/remove",
    "/members/invitations/inv_0000000000000000000000000a/revoke",
];
const FORM: &str = "application/x-www-form-urlencoded";

fn console(api_url: &str) -> Router {
    let (api_url, public_url) = (api_url.to_owned(), PUBLIC.to_owned());
    router(WebSettings { api_url, public_url, secret: None }).unwrap()
}

async fn get(console: &Router, path: &str, cookie: &str) -> Response {
    let request = Request::get(path).header(COOKIE, cookie).body(Body::empty()).unwrap();
    console.clone().oneshot(request).await.unwrap()
}

async fn post(console: &Router, path: &str, cookie: &str, origin: &str, form: &str) -> Response {
    let request = Request::post(path)
        .header(COOKIE, cookie)
        .header("origin", origin)
        .header("content-type", FORM)
        .body(Body::from(form.to_owned()))
        .unwrap();
    console.clone().oneshot(request).await.unwrap()
}

async fn text(response: Response) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn set_cookies(response: &Response) -> Vec<&str> {
    response.headers().get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap()).collect()
}

/// `name=value` of the cookie that an answer sets.
fn pair(response: &Response) -> String {
    set_cookies(response)[0].split(';').next().unwrap().to_owned()
}

/// What stands between two texts.
fn between<'a>(html: &'a str, before: &str, after: &str) -> &'a str {
    let start = html.find(before).unwrap() + before.len();
    html[start..].split(after).next().unwrap()
}

/// A browser at the sign-in page: its cookie, and the token of the form it sees.
async fn at_the_door(console: &Router) -> (String, String) {
    let response = get(console, "/sign-in", "").await;
    let cookie = pair(&response);
    let html = text(response).await;
    (cookie, between(&html, "name=\"form_token\" value=\"", "\"").to_owned())
}

async fn sign_in(console: &Router) -> Response {
    let (cookie, token) = at_the_door(console).await;
    let form = format!(
        "form_token={token}&email=ada%40example.com&password=correct-horse&next=%2Fapps%2Fshop"
    );
    post(console, "/sign-in", &cookie, PUBLIC, &form).await
}

#[tokio::test]
async fn every_answer_forbids_inline_scripts_frames_and_caching() {
    let console = console(NO_API);
    for path in ["/", "/sign-in", "/claim", "/join", "/nowhere", "/apps/shop", "/assets/none.css"] {
        let response = get(&console, path, "").await;
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(
            header(CONTENT_SECURITY_POLICY.as_str()),
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
             connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
            "{path}"
        );
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
        assert_eq!(header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(header(CACHE_CONTROL.as_str()), "no-store", "{path}");
    }
}

#[tokio::test]
async fn the_style_sheet_is_kept_for_ever_under_its_own_name() {
    let console = console(NO_API);
    let html = text(get(&console, "/sign-in", "").await).await;
    let path = between(&html, "rel=\"stylesheet\" href=\"", "\"");
    let response = get(&console, path, "").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/css; charset=utf-8");
    assert_eq!(response.headers()[CACHE_CONTROL], "public, max-age=31536000, immutable");
    assert!(html.len() < 4096, "and the page itself stays small");
}

#[tokio::test]
async fn the_script_is_ours_and_travels_compressed() {
    let console = console(NO_API);
    let html = text(get(&console, "/sign-in", "").await).await;
    assert_eq!(html.matches("<script").count(), 1);
    let path = between(&html, "<script src=\"", "\"");
    let request = Request::get(path).header("accept-encoding", "gzip, br").body(Body::empty());
    let response = console.clone().oneshot(request.unwrap()).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/javascript; charset=utf-8");
    assert_eq!(response.headers()["content-encoding"], "gzip");
    let packed = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(packed[..2], [0x1f, 0x8b]);
    let plain = text(get(&console, path, "").await).await;
    assert!(plain.len() > 2 * packed.len(), "{} and {}", plain.len(), packed.len());
}

#[tokio::test]
async fn a_stranger_is_asked_to_sign_in_and_comes_back() {
    let console = console(NO_API);
    for (path, location) in
        [("/", "/sign-in"), ("/apps/shop", "/sign-in?next=/apps/shop"), ("/apps/a%22b", "/sign-in")]
    {
        let response = get(&console, path, "").await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER, "{path}");
        assert_eq!(response.headers()[LOCATION], location);
    }
}

#[tokio::test]
async fn nothing_that_changes_something_is_taken_from_another_site() {
    let console = console(NO_API);
    let (cookie, token) = at_the_door(&console).await;
    for path in
        ["/sign-in", "/sign-out", "/claim", "/join", "/", "/apps/shop"].into_iter().chain(FORMS)
    {
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            let request = Request::builder()
                .method(&method)
                .uri(path)
                .header(COOKIE, &cookie)
                .header("origin", "https://shop.example.com")
                .header("content-type", FORM)
                .body(Body::from(format!("form_token={token}")))
                .unwrap();
            let response = console.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_form_without_its_token_is_refused() {
    let console = console(NO_API);
    let (cookie, token) = at_the_door(&console).await;
    let fields = "email=ada%40example.com&password=correct-horse&next=&claim_token=a&link=a";
    for path in ["/sign-in", "/claim", "/join"] {
        for (cookie, form, status) in [
            (cookie.as_str(), format!("form_token=wrong&{fields}"), StatusCode::FORBIDDEN),
            ("", format!("form_token={token}&{fields}"), StatusCode::FORBIDDEN),
            ("", format!("form_token=&{fields}"), StatusCode::FORBIDDEN),
            (cookie.as_str(), fields.to_owned(), StatusCode::UNPROCESSABLE_ENTITY),
        ] {
            let response = post(&console, path, cookie, PUBLIC, &form).await;
            assert_eq!(response.status(), status, "{path} {form}");
            assert!(set_cookies(&response).is_empty());
        }
    }
}

#[tokio::test]
async fn a_signed_in_person_changes_nothing_without_the_token_of_a_form() {
    let api = Api::start().await;
    let console = console(&api.url);
    let cookie = pair(&sign_in(&console).await);
    let fields = "text=&etag=&key=A&domain=a.example&confirm=shop&name=a&scope=read&app=&expires=\
                  &count.web=1&to=on&role=read&email=ada%40example.com";
    for path in FORMS {
        let form = format!("form_token=wrong&{fields}");
        let response = post(&console, path, &cookie, PUBLIC, &form).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn streams_and_files_are_for_people_who_are_signed_in() {
    let console = console(NO_API);
    for path in [
        "/apps/shop/logs/stream",
        "/apps/shop/logs/download",
        "/deployments/dep_0000000000000000000000000a/stream",
        "/deployments/dep_0000000000000000000000000a/progress",
        "/events",
        "/tokens",
        "/members",
        "/members/usr_0000000000000000000000000a/remove",
        "/server",
    ] {
        let response = get(&console, path, "").await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER, "{path}");
    }
}

#[tokio::test]
async fn reading_a_page_changes_nothing() {
    let api = Api::start().await;
    let console = console(&api.url);
    let cookie = pair(&sign_in(&console).await);
    for path in ["/sign-out", "/claim", "/join", "/sign-in"] {
        let response = get(&console, path, &cookie).await;
        let ended = set_cookies(&response).iter().any(|cookie| cookie.contains("session"));
        assert!(!ended, "{path}");
    }
    assert_eq!(get(&console, "/sign-out", &cookie).await.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(get(&console, "/", &cookie).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn signing_in_keeps_the_session_out_of_reach_of_scripts() {
    let api = Api::start().await;
    let console = console(&api.url);
    let response = sign_in(&console).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(response.headers()[LOCATION], "/apps/shop");
    let cookie = set_cookies(&response)[0];
    assert!(cookie.starts_with("__Host-slipway-session="), "{cookie}");
    let flags = cookie.split_once("; ").unwrap().1;
    assert_eq!(flags, "HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=2591100");
}

#[tokio::test]
async fn a_wrong_password_shows_the_form_again_without_it() {
    let api = Api::start().await;
    let console = console(&api.url);
    let (cookie, token) = at_the_door(&console).await;
    let form = format!("form_token={token}&email=ada%40example.com&password=swordfish&next=");
    let response = post(&console, "/sign-in", &cookie, PUBLIC, &form).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(set_cookies(&response).is_empty());
    let html = text(response).await;
    assert!(html.contains("The e-mail address or the password is wrong."), "{html}");
    assert!(html.contains("value=\"ada@example.com\""));
    assert!(!html.contains("swordfish"));
}

#[tokio::test]
async fn an_ended_access_token_is_renewed_once_for_all_tabs() {
    let api = Api::start().await;
    let console = console(&api.url);
    let cookie = pair(&sign_in(&console).await);
    api.end_access_tokens();
    let (one, two) = tokio::join!(get(&console, "/", &cookie), get(&console, "/", &cookie));
    assert_eq!((one.status(), two.status()), (StatusCode::OK, StatusCode::OK));
    // The browser may also bring the old cookie once more.
    let three = get(&console, "/", &cookie).await;
    assert_eq!(three.status(), StatusCode::OK);
    assert_eq!(pair(&one), pair(&two));
    assert_eq!(pair(&one), pair(&three));
    assert_ne!(pair(&one), cookie);
    let renewed = pair(&one);
    assert!(set_cookies(&get(&console, "/", &renewed).await).is_empty());
}

#[tokio::test]
async fn a_session_that_cannot_be_renewed_ends_in_the_browser() {
    let api = Api::start().await;
    let console = console(&api.url);
    let cookie = pair(&sign_in(&console).await);
    api.end_access_tokens();
    api.end_refresh_tokens();
    let response = get(&console, "/apps/shop", &cookie).await;
    assert_eq!(response.headers()[LOCATION], "/sign-in?next=/apps/shop");
    assert!(set_cookies(&response)[0].contains("Max-Age=0"));
}

#[tokio::test]
async fn signing_out_ends_the_session_on_both_sides() {
    let api = Api::start().await;
    let console = console(&api.url);
    let cookie = pair(&sign_in(&console).await);
    let html = text(get(&console, "/", &cookie).await).await;
    let token = between(&html, "name=\"form_token\" value=\"", "\"");
    let refused = post(&console, "/sign-out", &cookie, PUBLIC, "form_token=wrong").await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let form = format!("form_token={token}");
    let response = post(&console, "/sign-out", &cookie, PUBLIC, &form).await;
    assert_eq!(response.headers()[LOCATION], "/sign-in");
    assert!(set_cookies(&response)[0].contains("Max-Age=0"));
    assert_eq!(get(&console, "/", &cookie).await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn an_api_that_does_not_answer_has_a_page_that_says_so() {
    let api = Api::start().await;
    let cookie = pair(&sign_in(&console(&api.url)).await);
    let response = get(&console(NO_API), "/", &cookie).await;
    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    let html = text(response).await;
    assert!(html.contains("The API does not answer"), "{html}");
}

#[tokio::test]
async fn what_does_not_exist_has_a_page_that_says_so() {
    let api = Api::start().await;
    let console = console(&api.url);
    let cookie = pair(&sign_in(&console).await);
    for path in [
        "/nowhere",
        "/apps/nobody",
        "/apps/NOT_A_NAME",
        "/apps/a/b/c",
        "/deployments/x",
        "/assets/x",
    ] {
        let response = get(&console, path, &cookie).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        assert!(text(response).await.contains("Page not found"), "{path}");
    }
}

#[tokio::test]
async fn it_can_be_merged_with_the_api() {
    use axum::routing::get as on_get;
    let api = Router::new()
        .route("/v1/apps", on_get(async || "api"))
        .route("/git/{app}/info/refs", on_get(async || "api"))
        .route("/docs", on_get(async || "api"))
        .route("/openapi.json", on_get(async || "api"))
        .route("/healthz", on_get(async || "api"))
        .route("/readyz", on_get(async || "api"))
        .fallback(async || (StatusCode::NOT_FOUND, "api"));
    let both = api.merge(console(NO_API));
    for path in [
        "/v1/apps",
        "/v1/none",
        "/git/a/info/refs",
        "/docs",
        "/openapi.json",
        "/healthz",
        "/readyz",
    ] {
        assert_eq!(text(get(&both, path, "").await).await, "api", "{path}");
    }
}
