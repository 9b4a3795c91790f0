//! What goes wrong in a request, and the one place that turns it into an answer.
//!
//! A handler returns an [`ApiError`]. [`render`](crate::middleware::failure::render) writes the
//! body, because it knows the request's id: JSON for programs, plain text for git, which shows it
//! to the pusher. The text of a failure of ours is logged once and never sent.

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use slipway_core::config::ConfigTooLarge;
use slipway_core::id::Id as _;
use slipway_core::wire::auth::Scope;
use slipway_store::{MemberError, StoreError};

/// When to come back to a database that is busy.
const DATABASE_RETRY_S: u64 = 5;

/// When to look again whether a full disk has room.
const READ_ONLY_RETRY_S: u64 = 30;

/// Why a request is not answered as asked.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("sign in first")]
    NotSignedIn,
    #[error("the credential is not valid, or has ended")]
    InvalidCredential,
    #[error("the e-mail address or the password is wrong")]
    WrongPassword,
    #[error("the invitation is not valid: it was used, replaced or revoked, or has ended")]
    InvalidInvitation,
    #[error("this needs the scope `{}`, and the credential has `{}`", needs.as_str(), has.as_str())]
    ScopeTooSmall { needs: Scope, has: Scope },
    #[error("the token is limited to one app, and this concerns them all")]
    LimitedToApp,
    #[error("this needs a session: an API token cannot do it")]
    SessionRequired,
    #[error("{what} `{name}` was not found")]
    NotFound { what: &'static str, name: String },
    #[error("there is nothing at this address")]
    NoSuchRoute,
    #[error("this address does not take that method")]
    MethodNotAllowed,
    /// The request cannot be read.
    #[error("{0}")]
    Malformed(String),
    /// The request can be read and asks for something impossible.
    #[error("{message}")]
    Invalid { code: &'static str, message: String, hint: String },
    /// The request is fine, and the state of things is in its way.
    #[error("{message}")]
    Conflict { code: &'static str, message: String, hint: String },
    #[error("the configuration changed since it was read")]
    StaleEtag,
    #[error("the body is larger than {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("the body has to be `{expected}`")]
    UnsupportedBody { expected: &'static str },
    #[error("too many attempts")]
    TooManyAttempts { retry_after_s: u64 },
    #[error("{what} is busy")]
    Busy { what: &'static str, retry_after_s: u64 },
    #[error("the server's disk is full, and it takes no changes until there is room")]
    ReadOnly,
    #[error("the request took too long")]
    TimedOut,
    #[error("{0:#}")]
    Internal(anyhow::Error),
}

impl ApiError {
    /// Something that cannot be found, or must look like it.
    pub fn not_found(what: &'static str, name: impl Into<String>) -> Self {
        Self::NotFound { what, name: name.into().chars().take(64).collect() }
    }

    /// A defect or an outage of ours, with what was being done.
    pub fn internal(error: impl Into<anyhow::Error>) -> Self {
        Self::Internal(error.into())
    }

    pub fn invalid(
        code: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self::Invalid { code, message: message.into(), hint: hint.into() }
    }

    pub fn conflict(
        code: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self::Conflict { code, message: message.into(), hint: hint.into() }
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotSignedIn
            | Self::InvalidCredential
            | Self::WrongPassword
            | Self::InvalidInvitation => StatusCode::UNAUTHORIZED,
            Self::ScopeTooSmall { .. } | Self::LimitedToApp | Self::SessionRequired => {
                StatusCode::FORBIDDEN
            }
            Self::NotFound { .. } | Self::NoSuchRoute => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Conflict { .. } => StatusCode::CONFLICT,
            Self::StaleEtag => StatusCode::PRECONDITION_FAILED,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedBody { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooManyAttempts { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy { .. } | Self::ReadOnly => StatusCode::SERVICE_UNAVAILABLE,
            Self::TimedOut => StatusCode::GATEWAY_TIMEOUT,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotSignedIn => "not_signed_in",
            Self::InvalidCredential => "invalid_credential",
            Self::WrongPassword => "wrong_password",
            Self::InvalidInvitation => "invalid_invitation",
            Self::ScopeTooSmall { .. } => "scope_too_small",
            Self::LimitedToApp => "limited_to_app",
            Self::SessionRequired => "session_required",
            Self::NotFound { .. } => "not_found",
            Self::NoSuchRoute => "no_such_route",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Malformed(_) => "malformed_request",
            Self::Invalid { code, .. } | Self::Conflict { code, .. } => code,
            Self::StaleEtag => "stale_etag",
            Self::TooLarge { .. } => "too_large",
            Self::UnsupportedBody { .. } => "unsupported_body",
            Self::TooManyAttempts { .. } => "too_many_attempts",
            Self::Busy { .. } => "busy",
            Self::ReadOnly => "read_only",
            Self::TimedOut => "timed_out",
            Self::Internal(_) => "internal",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotSignedIn => "run `slipway login`, or send an API token".to_owned(),
            Self::InvalidCredential => "sign in again, or make a new token".to_owned(),
            Self::WrongPassword => "check both, and the server's address".to_owned(),
            Self::InvalidInvitation => "ask who invited you for another one".to_owned(),
            Self::ScopeTooSmall { needs, .. } => {
                let needs = needs.as_str();
                format!("use a token made with `--scope {needs}`, or ask an admin for that role")
            }
            Self::LimitedToApp => "use a token without `--app`".to_owned(),
            Self::SessionRequired => "sign in with your password first".to_owned(),
            Self::NotFound { .. } => "check the name, and that you may see it".to_owned(),
            Self::NoSuchRoute | Self::MethodNotAllowed => "see `/docs` for every route".to_owned(),
            Self::Invalid { hint, .. } | Self::Conflict { hint, .. } => hint.clone(),
            Self::StaleEtag => "read it again, and repeat the change".to_owned(),
            Self::TooManyAttempts { retry_after_s } | Self::Busy { retry_after_s, .. } => {
                format!("try again in {retry_after_s} s")
            }
            Self::ReadOnly => {
                "free space on the server's disk, or destroy an app; apps go on meanwhile"
                    .to_owned()
            }
            Self::TimedOut => "try again; `slipway status` says how the server is".to_owned(),
            Self::Internal(_) => "look for the request's id in the server's log".to_owned(),
            Self::Malformed(_) | Self::TooLarge { .. } | Self::UnsupportedBody { .. } => {
                return None;
            }
        };
        Some(hint)
    }

    /// What is said to the caller: our own failures keep their text to themselves.
    pub fn public_message(&self) -> String {
        if let Self::Internal(_) = self {
            return "the server failed to do this".to_owned();
        }
        self.to_string()
    }

    fn retry_after_s(&self) -> Option<u64> {
        if let Self::TooManyAttempts { retry_after_s } | Self::Busy { retry_after_s, .. } = self {
            return Some(*retry_after_s);
        }
        matches!(self, Self::ReadOnly).then_some(READ_ONLY_RETRY_S)
    }
}

/// Travels with the answer to the place that writes its body.
#[derive(Clone)]
pub struct Failure(pub Arc<ApiError>);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        if let Some(seconds) = self.retry_after_s() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(Failure(Arc::new(self)));
        response
    }
}

impl From<ConfigTooLarge> for ApiError {
    fn from(error: ConfigTooLarge) -> Self {
        Self::invalid(
            "config_too_large",
            error.to_string(),
            "keep large data in files or a database",
        )
    }
}

impl From<MemberError> for ApiError {
    fn from(error: MemberError) -> Self {
        let (code, hint) = match error {
            MemberError::EmailTaken(_) => ("email_taken", "sign in with it, or use another"),
            MemberError::AlreadyMember(_) => (
                "already_member",
                "`slipway members role` changes what they may do, `slipway members reset` their password",
            ),
            MemberError::LastAdmin(_) => ("last_admin", "make somebody else an admin first"),
        };
        Self::conflict(code, error.to_string(), hint)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NameTaken(_) => Self::conflict(
                "name_taken",
                error.to_string(),
                "choose another; the name of an app that is being destroyed is free in a moment",
            ),
            StoreError::Member(refusal) => refusal.into(),
            StoreError::AppMissing | StoreError::AppDeleting => Self::conflict(
                "app_deleting",
                error.to_string(),
                "`slipway apps` lists what there is",
            ),
            StoreError::TooManyAlerts => too_many("too_many_alerts", &error),
            StoreError::ChannelNameTaken(_) => Self::conflict(
                "channel_name_taken",
                error.to_string(),
                "choose another name, or remove that one first",
            ),
            StoreError::UnknownProcess { .. } => Self::invalid(
                "unknown_process",
                error.to_string(),
                "`slipway ps` lists the processes",
            ),
            StoreError::TooManyInstances { .. } => {
                Self::invalid("too_many_instances", error.to_string(), "ask for fewer")
            }
            StoreError::TooManyDrains => too_many("too_many_drains", &error),
            StoreError::DomainTaken(_) => {
                Self::conflict("domain_taken", error.to_string(), "remove it there first")
            }
            StoreError::TooManyDomains => too_many("too_many_domains", &error),
            StoreError::OutsideBounds { .. } => Self::conflict(
                "outside_autoscale_bounds",
                error.to_string(),
                "change the bounds with `slipway autoscale set`, or end it with `slipway autoscale off`",
            ),
            StoreError::Config(too_large) => too_large.into(),
            StoreError::EtagMismatch { .. } => Self::StaleEtag,
            StoreError::DeploymentMissing(id) => Self::not_found("deployment", id.as_str()),
            StoreError::ReleaseMissing(id) => Self::not_found("release", id.as_str()),
            StoreError::InstanceMissing(id) => Self::not_found("instance", id.as_str()),
            StoreError::Illegal(_) | StoreError::Stale => {
                Self::conflict("moved_on", "it moved on meanwhile", "look at it again")
            }
            StoreError::Busy => {
                Self::Busy { what: "the database", retry_after_s: DATABASE_RETRY_S }
            }
            StoreError::DiskFull => Self::ReadOnly,
            StoreError::LostLease
            | StoreError::Key(_)
            | StoreError::NewerSchema { .. }
            | StoreError::Migration(_)
            | StoreError::Backup(_)
            | StoreError::Address(_)
            | StoreError::Corrupt { .. }
            | StoreError::Database(_) => Self::internal(error),
        }
    }
}

/// A limit that is reached by adding, and left by removing.
fn too_many(code: &'static str, error: &StoreError) -> ApiError {
    ApiError::conflict(code, error.to_string(), "remove one first")
}

impl From<std::io::Error> for ApiError {
    /// The files of this machine are ours, and so are their failures.
    fn from(error: std::io::Error) -> Self {
        Self::internal(error)
    }
}
