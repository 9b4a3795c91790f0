//! The bearer token of a call, and its renewal when the session's access token has ended.

use std::io;
use std::sync::Arc;

use reqwest::{Response, StatusCode};
use slipway_core::wire::auth::{RefreshRequest, Session};

use crate::call::{CALL_DEADLINE, Call};
use crate::client::Client;
use crate::credentials::{Credentials, RenewableSession, SessionTokens};
use crate::error::ClientError;

/// What one call is signed with. A 401 renews a session once; the call is then sent again.
pub(crate) struct Signature<'a> {
    client: &'a Client,
    access: Option<String>,
    renewed: bool,
}

impl<'a> Signature<'a> {
    pub(crate) async fn of(client: &'a Client) -> Self {
        Self { client, access: client.credentials().access_token().await, renewed: false }
    }

    /// The bearer token to send.
    pub(crate) fn access(&self) -> Option<&str> {
        self.access.as_deref()
    }

    /// Judges an answer: the answer itself when it is a success, `None` when the call has to be
    /// sent again with the renewed token, else the refusal.
    pub(crate) async fn settle(
        &mut self,
        response: Response,
    ) -> Result<Option<Response>, ClientError> {
        if let (Credentials::Session(session), Some(ended), StatusCode::UNAUTHORIZED, false) =
            (self.client.credentials(), &self.access, response.status(), self.renewed)
        {
            self.access = Some(renew(self.client, session, ended).await?);
            self.renewed = true;
            return Ok(None);
        }
        self.client.accept(response).await.map(Some)
    }
}

/// Trades the refresh token for the next pair, unless another task or process already did.
async fn renew(
    client: &Client,
    session: &RenewableSession,
    ended: &str,
) -> Result<String, ClientError> {
    let mut current = session.current.lock().await;
    if current.access_token != ended {
        return Ok(current.access_token.clone());
    }
    let store = Arc::clone(&session.store);
    let (mut lock, newest) = blocking(move || {
        let lock = store.lock()?;
        let newest = lock.newest()?;
        Ok((lock, newest))
    })
    .await?;
    if newest.access_token == ended {
        let tokens = refresh(client, newest.refresh_token).await?;
        let saved = tokens.clone();
        blocking(move || lock.save(&saved)).await?;
        *current = tokens;
    } else {
        *current = newest;
    }
    Ok(current.access_token.clone())
}

async fn refresh(client: &Client, refresh_token: String) -> Result<SessionTokens, ClientError> {
    let call = Call::post(&["v1", "refresh"]).json(&RefreshRequest { refresh_token });
    let answer = client.request(&call, None).timeout(CALL_DEADLINE).send().await;
    let response = answer.map_err(|error| client.lost(&error, CALL_DEADLINE))?;
    match client.accept(response).await {
        Ok(response) => {
            let session: Session = client.decode(response).await?;
            Ok(SessionTokens::from(&session))
        }
        Err(error) if matches!(error.status(), Some(400 | 401 | 403)) => {
            Err(ClientError::SignedOut { server: client.server().clone() })
        }
        Err(error) => Err(error),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ClientError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
        .map_err(ClientError::SessionStore)
}
