//! A request of somebody who is signed in.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;
use slipway_client::{Client, ClientError, Credentials};
use slipway_core::wire::auth::Scope;
use slipway_core::wire::status::ServerStatus;

use crate::behalf;
use crate::console::Console;
use crate::failure::{Failure, FailurePage};
use crate::return_path::ReturnPath;
use crate::session::{BrowserSession, lifetime};
use crate::templates::{Frame, Trouble, View};
use crate::view::rights::Rights;

/// A request with a session. Whether the session is good turns out when the API is asked.
pub struct Visit {
    console: Arc<Console>,
    /// The API, as nobody.
    client: Client,
    session: BrowserSession,
    return_to: ReturnPath,
    /// Set when the session was renewed: how long the browser should keep it.
    renewed: Option<Duration>,
    /// What the person may do, learned beside the first answer.
    scope: Option<Scope>,
}

/// A page that was made, and what its frame shows.
pub struct Page<V> {
    pub view: V,
    pub status: ServerStatus,
    /// Seconds until the browser loads the page again, while something is under way.
    pub refresh_s: Option<u32>,
}

impl Visit {
    /// Asks the API as this person. When the access token has ended, the session is renewed and the
    /// question asked again; so it must change nothing before it is refused.
    ///
    /// # Errors
    /// [`Failure::SignedOut`] when the session has ended, else what the API says.
    pub async fn ask<T, F>(&mut self, question: impl Fn(Client) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, ClientError>> + Send,
    {
        let asked = Box::pin(question(self.client()));
        match self.learn_beside(asked).await {
            Err(error) if error.status() == Some(401) => {}
            answer => return Ok(answer?),
        }
        self.renew().await?;
        let asked = Box::pin(question(self.client()));
        match self.learn_beside(asked).await {
            Err(error) if error.status() == Some(401) => Err(self.signed_out()),
            answer => Ok(answer?),
        }
    }

    /// Waits for an answer, and learns beside it what the person may do, unless that is known.
    async fn learn_beside<T>(
        &mut self,
        asked: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, ClientError> {
        if self.scope.is_some() {
            return asked.await;
        }
        let client = self.client();
        let (answer, me) = tokio::join!(asked, Box::pin(client.me()));
        self.scope = me.ok().map(|me| me.scope);
        answer
    }

    /// What the person may do; everything, as long as it is not known: the API judges.
    pub fn scope(&self) -> Scope {
        self.scope.unwrap_or(Scope::Admin)
    }

    /// The page, or the one that is shown instead, with the session's cookie when it was renewed.
    pub fn answer<V: View>(self, page: Result<Page<V>, Failure>) -> Response {
        let shown = page.and_then(|page| {
            let frame = self.frame(page.status, page.refresh_s);
            Ok(self.console.templates.render(&frame, &page.view)?)
        });
        match shown {
            Ok(html) => self.keep(html),
            Err(failure @ Failure::SignedOut { .. }) => {
                failure.into_page(&self.console, Some(&self.session))
            }
            Err(failure) => {
                let page = failure.into_page(&self.console, Some(&self.session));
                self.keep(page)
            }
        }
    }

    /// What a form leads to: another page, or the one that says why not.
    pub fn lead(self, to: Result<String, Failure>) -> Response {
        match to {
            Ok(path) => self.keep(Redirect::to(&path)),
            Err(failure) => self.answer::<FailurePage>(Err(failure)),
        }
    }

    /// Any other answer, with the session's cookie when it was renewed.
    pub fn keep(self, response: impl IntoResponse) -> Response {
        match self.renewed {
            Some(lifetime) => {
                let cookie = self.console.cookies.keep_session(&self.session, lifetime);
                (CookieJar::new().add(cookie), response).into_response()
            }
            None => response.into_response(),
        }
    }

    /// Ends the session in the browser.
    pub fn end(self) -> Response {
        let return_to = ReturnPath::parse("/");
        Failure::SignedOut { return_to }.into_page(&self.console, None)
    }

    fn frame(&self, status: ServerStatus, refresh_s: Option<u32>) -> Frame {
        let mut frame = Frame::of(&self.console, Some(&self.session));
        frame.may = Rights::of(self.scope());
        frame.refresh_s = refresh_s;
        frame.version = Some(status.version);
        frame.troubles = status
            .components
            .into_iter()
            .filter(|component| !component.ok)
            .map(|component| Trouble { name: component.name, message: component.message })
            .collect();
        frame
    }

    /// The API, signed in as this person until their access token ends.
    pub fn client(&self) -> Client {
        let token = self.session.access_token.clone();
        self.client.with_credentials(Credentials::Token(token))
    }

    async fn renew(&mut self) -> Result<(), Failure> {
        let refresh_token = self.session.refresh_token.clone();
        match self.console.renewals.renew(&self.client, refresh_token).await {
            Ok(session) => {
                self.session.renew(&session);
                self.renewed = Some(lifetime(&session));
                Ok(())
            }
            Err(error) if matches!(error.status(), Some(400 | 401 | 403)) => Err(self.signed_out()),
            Err(error) => Err(error.into()),
        }
    }

    fn signed_out(&self) -> Failure {
        Failure::SignedOut { return_to: self.return_to.clone() }
    }
}

impl FromRequestParts<Arc<Console>> for Visit {
    type Rejection = Response;

    async fn from_request_parts(
        parts: &mut Parts,
        console: &Arc<Console>,
    ) -> Result<Self, Response> {
        let return_to = ReturnPath::parse(parts.uri.path());
        let jar = CookieJar::from_headers(&parts.headers);
        match console.cookies.session(&jar) {
            Some(session) => Ok(Self {
                console: Arc::clone(console),
                client: behalf::client(console, parts),
                session,
                return_to,
                renewed: None,
                scope: None,
            }),
            None => Err(Failure::SignedOut { return_to }.into_page(console, None)),
        }
    }
}
