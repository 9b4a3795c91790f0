//! The API's sessions, as strict as they are: an access token ends, a refresh token works once, and
//! a second use ends the session. Behind them is an empty server, which remembers what it was asked to
//! scale.

use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde_json::{Value, json};
use slipway_core::id::{Id as _, UserId};
use slipway_core::time::Timestamp;
use slipway_core::wire::auth::{LoginRequest, RefreshRequest, Scope, Session, User, WhoAmI};
use slipway_core::wire::error::ErrorBody;
use slipway_core::wire::status::ServerStatus;

/// An API on a port of its own.
pub struct Api {
    pub url: String,
    sessions: Arc<Sessions>,
}

#[derive(Default)]
struct Sessions {
    tokens: Mutex<Tokens>,
    scalings: Mutex<Vec<Value>>,
}

#[derive(Default)]
struct Tokens {
    minted: u32,
    access: Option<String>,
    refresh: Option<String>,
}

impl Api {
    pub async fn start() -> Self {
        let sessions = Arc::new(Sessions::default());
        let router = Router::new()
            .route("/v1/login", post(login))
            .route("/v1/refresh", post(refresh))
            .route("/v1/logout", post(logout))
            .route("/v1/status", get(status))
            .route("/v1/me", get(me))
            .route("/v1/apps", get(nothing))
            .route("/v1/apps/shop", get(shop))
            .route("/v1/apps/shop/logs", get(logs))
            .route("/v1/apps/shop/scale", put(scale))
            .route("/v1/channels", get(nothing).post(not_found))
            .route("/v1/tokens", get(nothing).post(not_found))
            .route("/v1/members", get(nothing))
            .route("/v1/members/invitations", get(nothing).post(is_member))
            .route("/v1/metrics/overview", get(overview))
            .fallback(not_found)
            .with_state(Arc::clone(&sessions));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, sessions }
    }

    pub fn end_access_tokens(&self) {
        self.sessions.tokens().access = None;
    }

    /// What was asked to be scaled, in order.
    pub fn scalings(&self) -> Vec<Value> {
        self.sessions.scalings.lock().unwrap().clone()
    }

    pub fn end_refresh_tokens(&self) {
        self.sessions.tokens().refresh = None;
    }
}

impl Sessions {
    fn tokens(&self) -> MutexGuard<'_, Tokens> {
        self.tokens.lock().unwrap()
    }

    fn mint(&self) -> Json<Session> {
        let mut tokens = self.tokens();
        tokens.minted += 1;
        let access_token = format!("access-{}", tokens.minted);
        let refresh_token = format!("refresh-{}", tokens.minted);
        tokens.access = Some(access_token.clone());
        tokens.refresh = Some(refresh_token.clone());
        Json(Session {
            access_token,
            access_expires_at: Timestamp(15 * 60 * 1000),
            refresh_token,
            refresh_expires_at: Timestamp(30 * 24 * 60 * 60 * 1000),
            user: ada(),
        })
    }

    fn admits(&self, headers: &HeaderMap) -> Result<(), Box<Response>> {
        let bearer = headers.get("authorization").and_then(|value| value.to_str().ok());
        let token = bearer.and_then(|value| value.strip_prefix("Bearer "));
        let is_good = token.is_some() && token == self.tokens().access.as_deref();
        if is_good { Ok(()) } else { Err(refuse(StatusCode::UNAUTHORIZED, "not signed in").into()) }
    }
}

fn ada() -> User {
    User {
        id: UserId::from_bits(1),
        email: "ada@example.com".parse().unwrap(),
        role: Scope::Admin,
        created_at: Timestamp(0),
    }
}

fn refuse(status: StatusCode, message: &str) -> Response {
    let body = ErrorBody {
        code: "refused".to_owned(),
        message: message.to_owned(),
        hint: None,
        request_id: "req_1".to_owned(),
    };
    (status, Json(body)).into_response()
}

async fn login(
    State(sessions): State<Arc<Sessions>>,
    Json(request): Json<LoginRequest>,
) -> Response {
    if request.password == "correct-horse" {
        sessions.mint().into_response()
    } else {
        refuse(StatusCode::UNAUTHORIZED, "the e-mail address or the password is wrong")
    }
}

async fn refresh(
    State(sessions): State<Arc<Sessions>>,
    Json(request): Json<RefreshRequest>,
) -> Response {
    if sessions.tokens().refresh.as_deref() == Some(&request.refresh_token) {
        sessions.mint().into_response()
    } else {
        *sessions.tokens() = Tokens::default();
        refuse(StatusCode::UNAUTHORIZED, "the session has ended")
    }
}

async fn logout(State(sessions): State<Arc<Sessions>>, headers: HeaderMap) -> Response {
    match sessions.admits(&headers) {
        Ok(()) => {
            *sessions.tokens() = Tokens::default();
            StatusCode::NO_CONTENT.into_response()
        }
        Err(refusal) => *refusal,
    }
}

async fn me(State(sessions): State<Arc<Sessions>>, headers: HeaderMap) -> Response {
    let me = WhoAmI { user: ada(), scope: Scope::Admin, token: None, app: None };
    sessions.admits(&headers).map_or_else(|refusal| *refusal, |()| Json(me).into_response())
}

async fn scale(
    State(sessions): State<Arc<Sessions>>,
    headers: HeaderMap,
    Json(request): Json<Value>,
) -> Response {
    if let Err(refusal) = sessions.admits(&headers) {
        return *refusal;
    }
    sessions.scalings.lock().unwrap().push(request.clone());
    Json(request).into_response()
}

async fn is_member(State(sessions): State<Arc<Sessions>>, headers: HeaderMap) -> Response {
    match sessions.admits(&headers) {
        Ok(()) => refuse(StatusCode::CONFLICT, "this person is a member already"),
        Err(refusal) => *refusal,
    }
}

/// An empty list.
async fn nothing(State(sessions): State<Arc<Sessions>>, headers: HeaderMap) -> Response {
    sessions.admits(&headers).map_or_else(|refusal| *refusal, |()| Json(json!([])).into_response())
}

async fn shop(State(sessions): State<Arc<Sessions>>, headers: HeaderMap) -> Response {
    let shop = json!({
        "name": "shop", "url": "http://shop.localhost", "health": "empty", "version": null,
        "source": null, "ready": 0, "wanted": 0, "deployed_at": null, "created_at": 0,
        "git_url": "http://localhost/git/shop.git", "deploy_branch": "main", "processes": [],
        "latest_deployment": null,
    });
    sessions.admits(&headers).map_or_else(|refusal| *refusal, |()| Json(shop).into_response())
}

/// A line and then nothing that matches, on two connections; a third is refused.
async fn logs(headers: HeaderMap) -> Response {
    let line = json!({ "at": 1, "source": "app", "text": "one" });
    let text = match headers.get("last-event-id").map(|id| id.to_str().unwrap()) {
        None => format!("id: 10-20\ndata: {line}\n\nid: 10-35\n\n"),
        Some("10-35") => "id: 10-50\n\n".to_owned(),
        Some(_) => return refuse(StatusCode::NOT_FOUND, "there is no such app"),
    };
    ([("content-type", "text/event-stream")], text).into_response()
}

async fn overview(State(sessions): State<Arc<Sessions>>, headers: HeaderMap) -> Response {
    let overview = json!({ "times": [], "step_ms": 60_000, "apps": [] });
    sessions.admits(&headers).map_or_else(|refusal| *refusal, |()| Json(overview).into_response())
}

async fn status(State(sessions): State<Arc<Sessions>>, headers: HeaderMap) -> Response {
    let status = ServerStatus {
        version: "0.1.0".to_owned(),
        installation: "ins".to_owned(),
        database: "sqlite".to_owned(),
        claimed: true,
        components: Vec::new(),
        tasks: Vec::new(),
        apps: 0,
        jobs_queued: 0,
        jobs_running: 0,
        now: Timestamp(0),
    };
    sessions.admits(&headers).map_or_else(|refusal| *refusal, |()| Json(status).into_response())
}

async fn not_found(State(sessions): State<Arc<Sessions>>, headers: HeaderMap) -> Response {
    match sessions.admits(&headers) {
        Ok(()) => refuse(StatusCode::NOT_FOUND, "there is no such app"),
        Err(refusal) => *refusal,
    }
}
