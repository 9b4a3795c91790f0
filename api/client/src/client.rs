//! The client: sends calls and tells failures apart.

use std::error::Error;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use slipway_core::wire::error::ErrorBody;

use crate::behalf::Behalf;
use crate::call::{CALL_DEADLINE, Call};
use crate::credentials::Credentials;
use crate::error::ClientError;
use crate::server::ServerUrl;
use crate::signature::Signature;
use crate::tls::install_tls;

const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

/// A connection pool to one server, with the credentials its calls are signed with. Cloning is
/// cheap and shares the pool.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    server: Arc<ServerUrl>,
    user_agent: Arc<str>,
    credentials: Credentials,
    behalf: Option<Behalf>,
}

impl Client {
    /// An anonymous client of this server. `user_agent` names the program, as `name/version`.
    ///
    /// # Errors
    /// When the machine's certificate store cannot be read, for an `https` address.
    pub fn new(server: ServerUrl, user_agent: &str) -> Result<Self, ClientError> {
        let http = connections(&server, user_agent, false)?;
        let (server, user_agent) = (Arc::new(server), user_agent.into());
        let credentials = Credentials::Anonymous;
        Ok(Self { http, server, user_agent, credentials, behalf: None })
    }

    /// The same client over connections that can be switched to another protocol, which HTTP/2
    /// does not allow.
    pub(crate) fn for_upgrades(&self) -> Result<Self, ClientError> {
        Ok(Self { http: connections(&self.server, &self.user_agent, true)?, ..self.clone() })
    }

    /// The same client with other credentials.
    #[must_use]
    pub fn with_credentials(&self, credentials: Credentials) -> Self {
        Self { credentials, ..self.clone() }
    }

    /// The same client, calling for somebody else.
    #[must_use]
    pub fn on_behalf(&self, behalf: Behalf) -> Self {
        Self { behalf: Some(behalf), ..self.clone() }
    }

    /// The server it talks to.
    pub fn server(&self) -> &ServerUrl {
        &self.server
    }

    /// What its calls are signed with.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Sends a call and decodes its answer.
    pub(crate) async fn fetch<T: DeserializeOwned>(&self, call: Call) -> Result<T, ClientError> {
        let response = self.send(&call).await?;
        self.decode(response).await
    }

    /// The same, and what a header of the answer says.
    pub(crate) async fn fetch_with<T: DeserializeOwned>(
        &self,
        call: Call,
        header: &str,
    ) -> Result<(Option<String>, T), ClientError> {
        let response = self.send(&call).await?;
        let value = response.headers().get(header).and_then(|value| value.to_str().ok());
        let value = value.map(str::to_owned);
        Ok((value, self.decode(response).await?))
    }

    /// Sends a call whose answer has nothing to read.
    pub(crate) async fn perform(&self, call: Call) -> Result<(), ClientError> {
        self.send(&call).await.map(drop)
    }

    async fn send(&self, call: &Call) -> Result<Response, ClientError> {
        let mut signature = Signature::of(self).await;
        loop {
            let request = || self.request(call, signature.access()).timeout(CALL_DEADLINE);
            let answer = match request().send().await {
                // A kept connection that the server closed meanwhile, or a restart of the server.
                Err(error) if call.is_repeatable() && broke_midway(&error) => {
                    request().send().await
                }
                answer => answer,
            };
            let response = answer.map_err(|error| self.lost(&error, CALL_DEADLINE))?;
            if let Some(accepted) = signature.settle(response).await? {
                return Ok(accepted);
            }
        }
    }

    /// A request of this call, signed with `access`, without a deadline.
    pub(crate) fn request(&self, call: &Call, access: Option<&str>) -> RequestBuilder {
        let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
        let mut url = self.server.join(&segments);
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let mut request = self.http.request(call.method.clone(), url);
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        if let Some(access) = access {
            request = request.bearer_auth(access);
        }
        if let Some(behalf) = &self.behalf {
            request = behalf.sign(request);
        }
        match &call.json {
            Some(body) => request.json(body),
            None => request,
        }
    }

    /// The answer itself when it is a success, else what the server says against it.
    pub(crate) async fn accept(&self, response: Response) -> Result<Response, ClientError> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status.is_redirection() {
            let location = response.headers().get(reqwest::header::LOCATION);
            let target = location.and_then(|value| value.to_str().ok()).unwrap_or("nowhere");
            return Err(self.misunderstood(status, format!("a redirect to {target}")));
        }
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let body = response.bytes().await.unwrap_or_default();
        match serde_json::from_slice::<ErrorBody>(&body) {
            Ok(body) => Err(ClientError::Api { status: status.as_u16(), body, retry_after }),
            Err(_) => Err(self.misunderstood(status, format!("status {status}"))),
        }
    }

    pub(crate) async fn decode<T: DeserializeOwned>(
        &self,
        response: Response,
    ) -> Result<T, ClientError> {
        let status = response.status();
        let body = response.bytes().await.map_err(|error| self.lost(&error, CALL_DEADLINE))?;
        serde_json::from_slice(&body)
            .map_err(|error| self.misunderstood(status, format!("its JSON does not fit: {error}")))
    }

    fn misunderstood(&self, status: StatusCode, what: String) -> ClientError {
        let server = self.server().clone();
        ClientError::Protocol { server, status: Some(status.as_u16()), what }
    }

    /// The failure of a request that got no answer.
    pub(crate) fn lost(&self, error: &reqwest::Error, deadline: Duration) -> ClientError {
        let server = self.server().clone();
        if error.is_timeout() && !error.is_connect() {
            ClientError::TimedOut { server, after: deadline }
        } else {
            ClientError::Unreachable { server, cause: innermost(error) }
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("server", &self.server)
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}

/// A pool of connections to a server.
fn connections(
    server: &ServerUrl,
    user_agent: &str,
    only_http1: bool,
) -> Result<reqwest::Client, ClientError> {
    install_tls();
    let mut builder = reqwest::Client::builder()
        .user_agent(user_agent)
        .connect_timeout(CONNECT_DEADLINE)
        // A redirect would carry the token somewhere else, and turn a POST into a GET.
        .redirect(Policy::none());
    if only_http1 {
        builder = builder.http1_only();
    }
    if server.is_plain() {
        // Without TLS the machine's certificates need not be read, or even be there.
        builder = builder.tls_certs_only([]);
    }
    if server.is_local() {
        builder = builder.no_proxy();
    }
    if server.host().ends_with(".localhost") {
        // RFC 6761 makes these names loopback; many system resolvers do not know it.
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, server.port()));
        builder = builder.resolve(server.host(), here);
    }
    builder.build().map_err(|error| ClientError::Protocol {
        server: server.clone(),
        status: None,
        what: innermost(&error),
    })
}

fn broke_midway(error: &reqwest::Error) -> bool {
    error.is_request() && !error.is_connect() && !error.is_timeout()
}

/// The deepest cause, which is the one people understand: `Connection refused (os error 111)`.
fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
