//! The client against a real HTTP server that answers like the API, and unlike it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Json};
use axum::routing::{get, post};
use futures_util::StreamExt;
use serde_json::json;
use slipway_client::{
    Client, ClientError, Credentials, LogQuery, SessionLock, SessionStore, SessionTokens,
};
use slipway_core::id::{DeploymentId, Id, UserId};
use slipway_core::log::LogSource;
use slipway_core::name::AppName;
use slipway_core::time::Timestamp;
use slipway_core::wire::app::CreateApp;
use slipway_core::wire::deployment::DeploymentUpdate;

async fn serve(router: Router) -> Client {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    Client::new(server.parse().unwrap(), "test/1").unwrap()
}

fn shop() -> AppName {
    "shop".parse().unwrap()
}

fn refusal(status: StatusCode, code: &str) -> Response<Body> {
    let body = json!({"code": code, "message": "there is no app `shop`",
        "hint": "run `slipway apps`", "request_id": "req_1"});
    (status, Json(body)).into_response()
}

fn me() -> Json<serde_json::Value> {
    Json(json!({"user": {"id": UserId::from_bits(1).to_string(), "email": "ada@example.com",
        "role": "admin", "created_at": 1}, "scope": "admin", "token": null, "app": null}))
}

fn deployment() -> serde_json::Value {
    json!({"id": DeploymentId::from_bits(7).to_string(), "app": "shop", "sequence": 1,
        "kind": "upload", "state": {"name": "queued"}, "hint": null, "version": null,
        "source": null, "description": "", "created_by": "ada@example.com", "created_at": 1,
        "finished_at": null, "receipt": null})
}

#[tokio::test]
async fn a_refusal_carries_the_code_the_sentence_and_the_hint() {
    let router = Router::new()
        .route("/v1/apps/{app}", get(|| async { refusal(StatusCode::NOT_FOUND, "app_not_found") }));
    let error = serve(router).await.app(&shop()).await.unwrap_err();
    assert_eq!((error.status(), error.code()), (Some(404), Some("app_not_found")));
    assert_eq!(error.to_string(), "there is no app `shop`");
    assert_eq!(error.hint().as_deref(), Some("run `slipway apps`"));
}

#[tokio::test]
async fn what_is_no_slipway_server_is_told_apart() {
    let router = Router::new()
        .route("/v1/apps", get(|| async { "<html>" }))
        .route("/v1/status", get(|| async { (StatusCode::BAD_GATEWAY, "nginx") }));
    let client = serve(router).await;
    assert!(matches!(client.apps().await, Err(ClientError::Protocol { status: Some(200), .. })));
    assert!(client.status().await.unwrap_err().is_transient());
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::new(server.parse().unwrap(), "test/1").unwrap();
    let error = client.apps().await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }));
    assert!(error.to_string().contains("Connection refused"), "{error}");
}

#[tokio::test]
async fn a_redirect_is_never_followed_with_the_token() {
    let moved = || async { (StatusCode::FOUND, [("location", "http://elsewhere.example/")]) };
    let client = serve(Router::new().route("/v1/apps", get(moved))).await;
    let error = client.apps().await.unwrap_err();
    assert!(error.to_string().contains("a redirect to http://elsewhere.example/"), "{error}");
}

#[tokio::test]
async fn names_under_localhost_are_this_machine() {
    let client = serve(Router::new().route("/v1/me", get(|| async { me() }))).await;
    let named = format!("http://slipway.localhost:{}", client.server().port());
    let client = Client::new(named.parse().unwrap(), "test/1").unwrap();
    assert_eq!(client.me().await.unwrap().user.email.as_str(), "ada@example.com");
}

#[tokio::test]
async fn a_creation_that_lost_its_answer_is_sent_again_with_the_same_key() {
    let keys: Arc<Mutex<Vec<String>>> = Arc::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::clone(&keys);
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        for answer in ["", "HTTP/1.1 204 No Content\r\n\r\n"] {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let read = socket.read(&mut request).await.unwrap();
            let text = String::from_utf8_lossy(&request[..read]).into_owned();
            let key = text.lines().find_map(|line| line.strip_prefix("idempotency-key: "));
            seen.lock().unwrap().push(key.unwrap().to_owned());
            socket.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let client = Client::new(server.parse().unwrap(), "test/1").unwrap();
    let answer = client.create_app(&CreateApp { name: shop() }).await;
    assert!(matches!(answer, Err(ClientError::Protocol { status: Some(204), .. })), "{answer:?}");
    let keys = keys.lock().unwrap();
    assert_eq!((keys.len(), &keys[0]), (2, &keys[1]));
}

/// A store in memory that counts its locks.
#[derive(Default)]
struct Kept {
    tokens: Arc<Mutex<Option<SessionTokens>>>,
    locks: AtomicUsize,
}

struct Held(Arc<Mutex<Option<SessionTokens>>>);

impl SessionStore for Kept {
    fn lock(&self) -> io::Result<Box<dyn SessionLock>> {
        self.locks.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(Held(Arc::clone(&self.tokens))))
    }
}

impl SessionLock for Held {
    fn newest(&self) -> io::Result<SessionTokens> {
        self.0.lock().unwrap().clone().ok_or_else(|| io::Error::other("nothing is saved"))
    }

    fn save(&mut self, tokens: &SessionTokens) -> io::Result<()> {
        *self.0.lock().unwrap() = Some(tokens.clone());
        Ok(())
    }
}

fn tokens(access: &str, refresh: &str) -> SessionTokens {
    SessionTokens { access_token: access.to_owned(), refresh_token: refresh.to_owned() }
}

/// Takes the access token `new` alone, and the refresh token `r1` once.
fn renewing_server(refreshes: Arc<AtomicUsize>) -> Router {
    let me = |headers: HeaderMap| async move {
        match headers["authorization"].to_str().unwrap() {
            "Bearer new" => me().into_response(),
            _ => refusal(StatusCode::UNAUTHORIZED, "token_expired"),
        }
    };
    let refresh = |State(count): State<Arc<AtomicUsize>>, Json(body): Json<serde_json::Value>| async move {
        if count.fetch_add(1, Ordering::Relaxed) > 0 || body["refresh_token"] != "r1" {
            return refusal(StatusCode::UNAUTHORIZED, "refresh_token_used");
        }
        let user = json!({"id": UserId::from_bits(1).to_string(), "email": "ada@example.com",
            "role": "admin", "created_at": 1});
        Json(json!({"access_token": "new", "access_expires_at": 2, "refresh_token": "r2",
            "refresh_expires_at": 3, "user": user}))
        .into_response()
    };
    Router::new().route("/v1/me", get(me)).route("/v1/refresh", post(refresh)).with_state(refreshes)
}

#[tokio::test]
async fn an_ended_session_is_renewed_once_for_all_calls_and_saved() {
    let refreshes = Arc::new(AtomicUsize::new(0));
    let store = Arc::new(Kept::default());
    *store.tokens.lock().unwrap() = Some(tokens("old", "r1"));
    let client = serve(renewing_server(Arc::clone(&refreshes)))
        .await
        .with_credentials(Credentials::session(tokens("old", "r1"), store.clone()));
    let (one, two, three) = tokio::join!(client.me(), client.me(), client.me());
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    assert_eq!(refreshes.load(Ordering::Relaxed), 1);
    assert!(*store.tokens.lock().unwrap() == Some(tokens("new", "r2")));
}

#[tokio::test]
async fn a_session_that_another_process_renewed_is_taken_over() {
    let refreshes = Arc::new(AtomicUsize::new(0));
    let store = Arc::new(Kept::default());
    *store.tokens.lock().unwrap() = Some(tokens("new", "r2"));
    let client = serve(renewing_server(Arc::clone(&refreshes)))
        .await
        .with_credentials(Credentials::session(tokens("old", "r1"), store));
    client.me().await.unwrap();
    assert_eq!(refreshes.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_session_that_cannot_be_renewed_says_sign_in_again() {
    let store = Arc::new(Kept::default());
    *store.tokens.lock().unwrap() = Some(tokens("old", "spent"));
    let client = serve(renewing_server(Arc::default()))
        .await
        .with_credentials(Credentials::session(tokens("old", "spent"), store));
    let error = client.me().await.unwrap_err();
    assert!(matches!(error, ClientError::SignedOut { .. }));
    assert!(error.hint().unwrap().starts_with("run `slipway login http://127.0.0.1:"));
}

fn event_stream(text: &'static str) -> Response<Body> {
    ([("content-type", "text/event-stream")], text).into_response()
}

#[tokio::test]
async fn a_stream_continues_after_its_last_item_when_the_connection_breaks() {
    let stream = |headers: HeaderMap| async move {
        match headers.get("last-event-id").map(|id| id.to_str().unwrap()) {
            None => {
                // The second item is cut off in its middle.
                event_stream(
                    "id: 10\ndata: {\"type\":\"line\",\"text\":\"one\"}\n\nid: 20\ndata: {\"type\"",
                )
            }
            Some("10") => event_stream(
                "id: 20\ndata: {\"type\":\"line\",\"text\":\"two\"}\n\n: keep-alive\n\n",
            ),
            Some("20") => {
                let done = json!({"type": "done", "deployment": deployment()});
                let ignored = "data: {\"type\":\"line\",\"text\":\"late\"}\n\n";
                let text = format!("id: 30\ndata: {done}\n\n{ignored}");
                ([("content-type", "text/event-stream")], text).into_response()
            }
            Some(other) => panic!("resumed after {other}"),
        }
    };
    let client = serve(Router::new().route("/v1/deployments/{id}/stream", get(stream))).await;
    let items: Vec<_> = client.follow_deployment(&DeploymentId::from_bits(7), None).collect().await;
    let seen: Vec<String> = items
        .into_iter()
        .map(|item| match item.unwrap() {
            (id, DeploymentUpdate::Line { text }) => format!("{} {text}", id.unwrap()),
            (id, DeploymentUpdate::Done { .. }) => format!("{} done", id.unwrap()),
            (_, DeploymentUpdate::Moved { .. }) => "moved".to_owned(),
        })
        .collect();
    assert_eq!(seen, ["10 one", "20 two", "30 done"]);
}

#[tokio::test]
async fn a_stream_outlasts_a_server_that_is_away_for_a_moment() {
    let stream = |State(calls): State<Arc<AtomicUsize>>| async move {
        match calls.fetch_add(1, Ordering::Relaxed) {
            0 => event_stream("id: 1\ndata: {\"type\":\"line\",\"text\":\"one\"}\n\n"),
            1 => (StatusCode::SERVICE_UNAVAILABLE, "restarting").into_response(),
            _ => refusal(StatusCode::NOT_FOUND, "deployment_not_found"),
        }
    };
    let router = Router::new()
        .route("/v1/deployments/{id}/stream", get(stream))
        .with_state(Arc::<AtomicUsize>::default());
    let mut items = serve(router).await.follow_deployment(&DeploymentId::from_bits(7), None);
    assert!(items.next().await.unwrap().is_ok());
    assert_eq!(items.next().await.unwrap().unwrap_err().code(), Some("deployment_not_found"));
    assert!(items.next().await.is_none());
}

#[tokio::test]
async fn a_log_query_narrows_the_lines() {
    let logs = |Query(query): Query<Vec<(String, String)>>| async move {
        let text = format!("{query:?}");
        Json(json!([{"at": 1, "source": "app", "text": text}]))
    };
    let client = serve(Router::new().route("/v1/apps/{app}/logs", get(logs))).await;
    let query = LogQuery {
        lines: Some(5),
        sources: vec![LogSource::App, LogSource::Access],
        contains: Some("a&b=c ü".to_owned()),
        statuses: vec!["5xx".parse().unwrap(), "404".parse().unwrap()],
        since: Some(Timestamp(7)),
        ..LogQuery::default()
    };
    let lines = client.logs(&shop(), &query).await.unwrap();
    let expected = r#"[("source", "app,access"), ("contains", "a&b=c ü"), ("status", "5xx,404"), ("since", "7"), ("lines", "5")]"#;
    assert_eq!(lines[0].text, expected);
}

/// The server bounds what a page weighs; the client asks for the rest of it.
#[tokio::test]
async fn lines_that_do_not_fit_into_a_page_are_asked_for() {
    let logs = |Query(query): Query<BTreeMap<String, String>>| async move {
        let number = query.get("before").map_or(3, |before| before.parse().unwrap());
        let line = json!([{"at": number, "source": "app", "text": query["lines"]}]);
        let older = (number > 1).then(|| ("slipway-log-before", (number - 1).to_string()));
        (AppendHeaders(older), Json(line))
    };
    let client = serve(Router::new().route("/v1/apps/{app}/logs", get(logs))).await;
    let read = async |lines| {
        let query = LogQuery { lines: Some(lines), ..LogQuery::default() };
        let lines = client.logs(&shop(), &query).await.unwrap();
        lines.into_iter().map(|line| (line.at.0, line.text)).collect::<Vec<_>>()
    };
    let line = |number: i64, wanted: &str| (number, wanted.to_owned());
    assert_eq!(read(9).await, [line(1, "7"), line(2, "8"), line(3, "9")]);
    assert_eq!(read(2).await, [line(2, "1"), line(3, "2")]);
}

#[tokio::test]
async fn an_upload_arrives_whole_with_its_length_and_tells_its_progress() {
    let take = |Query(query): Query<Vec<(String, String)>>, headers: HeaderMap, body: Body| async move {
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        assert_eq!(headers["content-length"], "200000");
        assert_eq!(headers["content-type"], "application/gzip");
        assert_eq!(query, [("description".to_owned(), "a & b".to_owned())]);
        assert!(headers.contains_key("idempotency-key"));
        assert!(body.iter().all(|byte| *byte == 7) && body.len() == 200_000);
        (StatusCode::ACCEPTED, Json(deployment()))
    };
    let router = Router::new()
        .route("/v1/me", get(|| async { me() }))
        .route("/v1/apps/{app}/deploy/archive", post(take));
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&vec![7; 200_000]).unwrap();
    let progress: Arc<Mutex<Vec<u64>>> = Arc::default();
    let told = Arc::clone(&progress);
    let client = serve(router).await;
    let info = client
        .deploy_archive(&shop(), &file, "a & b", move |sent| told.lock().unwrap().push(sent))
        .await
        .unwrap();
    assert_eq!(info.id, DeploymentId::from_bits(7));
    let progress = progress.lock().unwrap();
    assert!(progress.is_sorted() && progress.len() > 1 && progress.last() == Some(&200_000));
}
