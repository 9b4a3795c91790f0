//! For whom the console says that it calls.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::header::COOKIE;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::routing::post;
use slipway_web::{WebSettings, router};
use tower::ServiceExt as _;

use crate::{FORM, PUBLIC, at_the_door};

type Heard = Arc<Mutex<Vec<HeaderMap>>>;

/// An API that lets nobody in and remembers what it was told.
async fn api() -> (String, Heard) {
    let heard = Heard::default();
    let login = async |State(heard): State<Heard>, headers: HeaderMap| {
        heard.lock().unwrap().push(headers);
        StatusCode::UNAUTHORIZED
    };
    let router = Router::new().route("/v1/login", post(login)).with_state(Arc::clone(&heard));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, heard)
}

/// What the API hears of somebody at 203.0.113.7 who signs in, and would like to be somebody else.
async fn heard_of_a_visitor(secret: Option<&str>) -> HeaderMap {
    let (api_url, heard) = api().await;
    let secret = secret.map(str::to_owned);
    let settings = WebSettings { api_url, public_url: PUBLIC.to_owned(), secret };
    let console = router(settings).unwrap();
    let (cookie, token) = at_the_door(&console).await;
    let form = format!("form_token={token}&email=ada%40example.com&password=guess&next=");
    let mut request = Request::post("/sign-in")
        .header(COOKIE, cookie)
        .header("origin", PUBLIC)
        .header("content-type", FORM)
        .header("x-forwarded-for", "198.51.100.1")
        .header("x-slipway-console", "forged")
        .body(Body::from(form))
        .unwrap();
    let peer: SocketAddr = "[::ffff:203.0.113.7]:4711".parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    console.oneshot(request).await.unwrap();
    heard.lock().unwrap().pop().unwrap()
}

#[tokio::test]
async fn the_api_is_told_who_called_the_console() {
    let headers = heard_of_a_visitor(Some("secret")).await;
    assert_eq!(headers["x-forwarded-for"], "198.51.100.1, 203.0.113.7");
    assert_eq!(headers["x-slipway-console"], "secret");
}

#[tokio::test]
async fn a_console_that_runs_apart_shows_nothing_that_a_visitor_sent() {
    let headers = heard_of_a_visitor(None).await;
    assert_eq!(headers["x-forwarded-for"], "198.51.100.1, 203.0.113.7");
    assert!(!headers.contains_key("x-slipway-console"));
}
