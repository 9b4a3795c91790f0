//! What can go wrong between a client and the API.

use std::io;
use std::time::Duration;

use slipway_core::wire::error::ErrorBody;

use crate::server::{InvalidServerUrl, ServerUrl};

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server understood the request and refused it.
    #[error("{}", body.message)]
    Api {
        status: u16,
        body: ErrorBody,
        /// When the server asks to come back, from `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// No connection could be made, or it broke.
    #[error("cannot reach {server}: {cause}")]
    Unreachable { server: ServerUrl, cause: String },
    /// It was reached, and did not answer in time.
    #[error("{server} did not answer within {} s", after.as_secs())]
    TimedOut { server: ServerUrl, after: Duration },
    /// The answer is not one of Slipway's API.
    #[error("unexpected answer from {server}: {what}")]
    Protocol { server: ServerUrl, status: Option<u16>, what: String },
    /// The session ended and cannot be renewed.
    #[error("the session with {server} has ended")]
    SignedOut { server: ServerUrl },
    /// The saved session could not be read or written.
    #[error("cannot use the saved session: {0}")]
    SessionStore(#[source] io::Error),
    /// The file to upload could not be read.
    #[error("cannot read the archive: {0}")]
    Archive(#[source] io::Error),
    #[error(transparent)]
    InvalidServerUrl(#[from] InvalidServerUrl),
}

impl ClientError {
    /// What to do about it, for people.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Api { body, .. } => body.hint.clone(),
            Self::Unreachable { server, .. } => Some(format!(
                "check that Slipway runs at {server} and that this machine can reach it"
            )),
            Self::TimedOut { .. } => {
                Some("try again; `slipway status` shows what is slow".to_owned())
            }
            Self::Protocol { server, .. } => {
                Some(format!("check that {server} is a Slipway server"))
            }
            Self::SignedOut { server } => Some(format!("run `slipway login {server}`")),
            Self::SessionStore(_) | Self::Archive(_) | Self::InvalidServerUrl(_) => None,
        }
    }

    /// The HTTP status of the answer, when there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Api { status, .. } => Some(*status),
            Self::Protocol { status, .. } => *status,
            Self::SignedOut { .. } => Some(401),
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::SessionStore(_)
            | Self::Archive(_)
            | Self::InvalidServerUrl(_) => None,
        }
    }

    /// The API's code of the refusal, such as `app_not_found`.
    pub fn code(&self) -> Option<&str> {
        if let Self::Api { body, .. } = self { Some(&body.code) } else { None }
    }

    /// Whether the same call may succeed a moment later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::TimedOut { .. } => true,
            Self::Api { .. } | Self::Protocol { .. } => {
                matches!(self.status(), Some(429 | 502 | 503 | 504))
            }
            Self::SignedOut { .. }
            | Self::SessionStore(_)
            | Self::Archive(_)
            | Self::InvalidServerUrl(_) => false,
        }
    }
}
