//! What can keep a page from being shown, and the page that is shown instead.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Serialize;
use slipway_client::ClientError;

use crate::console::Console;
use crate::return_path::ReturnPath;
use crate::session::BrowserSession;
use crate::templates::{Frame, View};
use crate::view::prose::{Piece, sentence};

/// Why there is another page than the one asked for.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("there is nothing at this address")]
    NotFound,
    /// The API knows nothing by this name, or shows it to others alone.
    #[error(transparent)]
    Unknown(Arc<ClientError>),
    #[error("this address does not take this method")]
    WrongMethod,
    /// There is no session, or it has ended.
    #[error("nobody is signed in")]
    SignedOut { return_to: ReturnPath },
    #[error("the form came from another site")]
    ForeignForm,
    #[error("the form was made for another session")]
    ExpiredForm,
    #[error("the form cannot be read: {0}")]
    UnreadableForm(String),
    /// The API refused, or did not answer.
    #[error(transparent)]
    Api(#[from] Arc<ClientError>),
    #[error("a template is broken: {0}")]
    Template(#[from] tera::Error),
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let is_unknown = error.status() == Some(404);
        let error = Arc::new(error);
        if is_unknown { Self::Unknown(error) } else { Self::Api(error) }
    }
}

/// What speaks against a form, to be said beside it.
#[derive(Debug, Serialize)]
pub struct Refusal {
    message: Vec<Piece>,
    hint: Option<Vec<Piece>>,
}

/// A failure, shown.
#[derive(Debug, Serialize)]
pub struct FailurePage {
    pub status: u16,
    pub title: &'static str,
    pub message: Vec<Piece>,
    pub hint: Option<Vec<Piece>>,
    /// To find the request in the server's log.
    pub request_id: Option<String>,
}

impl View for FailurePage {
    const TEMPLATE: &'static str = "failure.html";
}

impl Failure {
    /// The page for somebody, or for the person whose session it is.
    pub fn into_page(self, console: &Console, session: Option<&BrowserSession>) -> Response {
        if let Self::SignedOut { return_to } = &self {
            let ended = console.cookies.end_session().to_string();
            return ([(SET_COOKIE, ended)], Redirect::to(&return_to.sign_in())).into_response();
        }
        if self.status().is_server_error() {
            tracing::error!(error = %self, "a page of the console cannot be shown");
        }
        let page = self.page();
        match console.templates.render(&Frame::of(console, session), &page) {
            Ok(html) => (self.status(), html).into_response(),
            Err(error) => {
                tracing::error!(%error, "the page for failures cannot be shown");
                (self.status(), page.title).into_response()
            }
        }
    }

    /// What is said beside the form that was sent, when that is what is wrong. What is unknown may be
    /// what was typed; where it is the page's own subject, the page is not found either.
    ///
    /// # Errors
    /// The failure itself, when it is no matter of the form.
    pub fn into_refusal(self) -> Result<Refusal, Self> {
        let (message, hint) = match &self {
            Self::UnreadableForm(what) => (what.clone(), None),
            Self::Unknown(error) | Self::Api(error)
                if matches!(error.status(), Some(400 | 404 | 409 | 422)) =>
            {
                (error.to_string(), error.hint())
            }
            Self::Unknown(_)
            | Self::Api(_)
            | Self::NotFound
            | Self::WrongMethod
            | Self::SignedOut { .. }
            | Self::ForeignForm
            | Self::ExpiredForm
            | Self::Template(_) => return Err(self),
        };
        Ok(Refusal { message: sentence(&message), hint: hint.as_deref().map(sentence) })
    }

    /// Whether the API says that this person may not do it.
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Self::Api(error) if error.status() == Some(403))
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound | Self::Unknown(_) => StatusCode::NOT_FOUND,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::SignedOut { .. } => StatusCode::UNAUTHORIZED,
            Self::ForeignForm | Self::ExpiredForm => StatusCode::FORBIDDEN,
            Self::UnreadableForm(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Api(error) => match error.status() {
                Some(status @ (400 | 403 | 409 | 412 | 413 | 422 | 429 | 503)) => {
                    StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY)
                }
                _ => StatusCode::BAD_GATEWAY,
            },
            Self::Template(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What is shown. The cause of a defect stays in the log.
    fn page(&self) -> FailurePage {
        FailurePage {
            status: self.status().as_u16(),
            title: self.title(),
            message: sentence(&self.message()),
            hint: self.hint().as_deref().map(sentence),
            request_id: self.request_id(),
        }
    }

    fn title(&self) -> &'static str {
        match self {
            Self::NotFound | Self::Unknown(_) => "Page not found",
            Self::WrongMethod => "Not like this",
            Self::SignedOut { .. } => "Signed out",
            Self::ForeignForm | Self::UnreadableForm(_) => "Form refused",
            Self::ExpiredForm => "Form expired",
            Self::Api(error) if error.status() == Some(403) => "Not permitted",
            Self::Api(error) if error.code().is_some() => "The API refused",
            Self::Api(_) => "The API does not answer",
            Self::Template(_) => "Something is broken",
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Template(_) => "this page cannot be shown".to_owned(),
            Self::Unknown(_) => Self::NotFound.to_string(),
            Self::NotFound
            | Self::WrongMethod
            | Self::SignedOut { .. }
            | Self::ForeignForm
            | Self::ExpiredForm
            | Self::UnreadableForm(_)
            | Self::Api(_) => self.to_string(),
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotFound | Self::Unknown(_) => {
                "check the address; it may also be something that you may not see"
            }
            Self::ForeignForm => "open the console in this tab and try again",
            Self::ExpiredForm => "load the page again and resend it; cookies must be allowed",
            Self::Template(_) => "the server's log says why",
            Self::Api(error) => return error.hint(),
            Self::WrongMethod | Self::SignedOut { .. } | Self::UnreadableForm(_) => return None,
        };
        Some(hint.to_owned())
    }

    fn request_id(&self) -> Option<String> {
        let Self::Api(error) = self else { return None };
        let ClientError::Api { body, .. } = error.as_ref() else { return None };
        Some(body.request_id.clone())
    }
}
