//! The audit log: one row for each operation that changes something, reveals a value, or is
//! denied. It is written here, for all routes alike, so that none can forget to.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use slipway_core::name::Email;
use slipway_store::{AuditRow, clock, mint};

use crate::auth::address::client_address;
use crate::auth::attempts::Attempts;
use crate::auth::caller::{Caller, Credential};
use crate::error::{ApiError, Failure};
use crate::middleware::request::RequestId;
use crate::state::ApiState;

/// Longest path that is written down.
const TARGET_CHARACTERS: usize = 200;
/// Rows about strangers of one address within 15 minutes.
const STRANGER_ROWS: u32 = 50;

/// What is known of a request for its row, filled in on the way.
#[derive(Debug, Clone, Default)]
pub struct Trail(Arc<Mutex<Steps>>);

#[derive(Debug, Clone, Default)]
struct Steps {
    actor: Option<String>,
    /// Whether the actor has proved to be that.
    proved: bool,
    token: Option<String>,
    reveals: bool,
}

impl Trail {
    /// Who it is.
    pub fn is_of(&self, caller: &Caller) {
        let mut steps = self.steps();
        steps.actor = Some(caller.actor());
        steps.proved = true;
        steps.token = match &caller.credential {
            Credential::Session(_) => None,
            Credential::Token { id, .. } => Some(id.to_string()),
        };
    }

    /// Who they say they are, before it is known.
    pub fn claims_to_be(&self, email: &Email) {
        self.steps().actor = Some(email.to_string());
    }

    /// A read that is written down too, because of what it shows.
    pub fn reveals(&self) {
        self.steps().reveals = true;
    }

    fn steps(&self) -> MutexGuard<'_, Steps> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs the request and writes its row, if it deserves one. What changes something runs to its end
/// in a task of its own: a client that hangs up cancels nothing and leaves nothing half done.
pub async fn record(State(state): State<ApiState>, mut request: Request, next: Next) -> Response {
    let trail = Trail::default();
    request.extensions_mut().insert(trail.clone());
    let row = Row::begin(&request, &state);
    if !row.changes {
        let response = next.run(request).await;
        row.write(&trail, Outcome::of(&response), &state).await;
        return response;
    }
    let tasks = state.clone();
    let work = tasks.tasks.spawn(async move {
        let response = next.run(request).await;
        let outcome = Outcome::of(&response);
        if outcome.status == StatusCode::SERVICE_UNAVAILABLE {
            // The database has kept the caller waiting long enough, and would again.
            let later = state.clone();
            state.tasks.spawn(async move { row.write(&trail, outcome, &later).await });
        } else {
            row.write(&trail, outcome, &state).await;
        }
        response
    });
    work.await.unwrap_or_else(|error| ApiError::internal(error).into_response())
}

/// How a request ended.
struct Outcome {
    status: StatusCode,
    code: &'static str,
}

impl Outcome {
    fn of(response: &Response) -> Self {
        let failure = response.extensions().get::<Failure>();
        Self {
            status: response.status(),
            code: failure.map_or("ok", |Failure(error)| error.code()),
        }
    }
}

struct Row {
    changes: bool,
    /// Whether a credential was shown.
    identified: bool,
    action: String,
    target: String,
    address: IpAddr,
    request_id: String,
}

impl Row {
    fn begin(request: &Request, state: &ApiState) -> Self {
        let route = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str);
        let id = request.extensions().get::<RequestId>();
        Self {
            changes: !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS),
            identified: request.headers().contains_key(header::AUTHORIZATION),
            action: format!("{} {route}", request.method()),
            target: request.uri().path().chars().take(TARGET_CHARACTERS).collect(),
            address: client_address(request.extensions(), request.headers(), &state.settings),
            request_id: id.map(|id| id.0.clone()).unwrap_or_default(),
        }
    }

    async fn write(self, trail: &Trail, outcome: Outcome, state: &ApiState) {
        let steps = trail.steps().clone();
        if !self.is_worth_writing(&steps, outcome.status) {
            return;
        }
        let is_noise = !steps.proved && !outcome.status.is_success();
        if is_noise && !state.strangers.may_be_written(self.address) {
            return;
        }
        let row = AuditRow {
            id: mint::id(),
            at: clock::now(),
            actor: steps.actor,
            token: steps.token,
            address: Some(self.address.to_string()),
            action: self.action,
            target: Some(self.target),
            result: outcome.code.to_owned(),
            request_id: self.request_id,
        };
        if let Err(error) = state.store.record_audit(&row).await {
            tracing::error!(%error, action = row.action, "could not write the audit log");
        }
    }

    fn is_worth_writing(&self, steps: &Steps, status: StatusCode) -> bool {
        // Git asks without a credential first and is told to show one: that is no denial.
        let denied = status == StatusCode::FORBIDDEN
            || (status == StatusCode::UNAUTHORIZED && self.identified);
        self.changes || steps.reveals || denied
    }
}

/// Keeps strangers from filling the log, and the disk, with denials: after some rows about one
/// address, more of them are not written for a while.
pub struct Strangers(Mutex<Attempts<IpAddr>>);

impl Default for Strangers {
    fn default() -> Self {
        Self(Mutex::new(Attempts::new(STRANGER_ROWS)))
    }
}

impl Strangers {
    fn may_be_written(&self, address: IpAddr) -> bool {
        let mut attempts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        attempts.count(&address, Instant::now()).is_ok()
    }
}
