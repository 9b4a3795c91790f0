//! The one way out: everything that Slipway sends on somebody's behalf goes through here.
//!
//! ```text
//!   name ─▶ resolved once ─▶ every address checked ─▶ connected to one that was
//! ```
//!
//! What is not checked is not connected to: no second resolution, no redirect, no proxy of the
//! environment. An exchange takes 5 s at most, and of an answer 64 KiB are read.

mod resolver;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::StatusCode;
use slipway_core::outbound::{Host, HttpAddress, OutboundRules, Refusal};

pub use self::resolver::{Resolve, SystemResolver};

/// How long an exchange may take, from the resolution to the answer's last byte.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// How much of an answer is read.
const MOST_ANSWER: usize = 64 * 1024;
/// How much of an answer is shown when it is a refusal, in characters.
const SHOWN_ANSWER: usize = 200;

/// Why something was not sent. No text here has a path or a query, which may be secret.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    #[error("{0}; hint: {hint}", hint = slipway_core::outbound::REFUSAL_HINT)]
    Refused(#[from] Refusal),
    #[error("the name `{host}` cannot be resolved: {problem}")]
    Unresolved { host: Host, problem: String },
    #[error("no answer from `{host}` within 5 s")]
    TimedOut { host: Host },
    #[error("`{host}` cannot be reached: {problem}")]
    Unreachable { host: Host, problem: String },
    #[error("`{host}` answered {status}{said}")]
    Status { host: Host, status: u16, said: String },
}

impl OutboundError {
    /// Whether trying again later cannot help.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Refused(_) => true,
            Self::Status { status, .. } => *status == StatusCode::GONE,
            Self::Unresolved { .. } | Self::TimedOut { .. } | Self::Unreachable { .. } => false,
        }
    }
}

/// Sends, under the rules. Clones share them.
#[derive(Clone)]
pub struct Outbound {
    rules: OutboundRules,
    resolver: Arc<dyn Resolve>,
}

impl Outbound {
    /// With the names of this machine's resolver.
    pub fn new(rules: OutboundRules) -> Self {
        Self::resolving(rules, Arc::new(SystemResolver))
    }

    /// With the names of another resolver.
    pub fn resolving(rules: OutboundRules, resolver: Arc<dyn Resolve>) -> Self {
        Self { rules, resolver }
    }

    /// The addresses of a host that may be connected to: at least one. Connect to these, and do not
    /// ask for the name again.
    ///
    /// # Errors
    /// When the name has no address, or none that is allowed.
    pub async fn addresses(
        &self,
        host: &Host,
        port: u16,
    ) -> Result<Vec<SocketAddr>, OutboundError> {
        let found = match host {
            Host::Address(address) => vec![*address],
            Host::Name(name) => self.resolver.resolve(name).await.map_err(|error| {
                OutboundError::Unresolved { host: host.clone(), problem: error.to_string() }
            })?,
        };
        let mut refused = None;
        let mut allowed = Vec::new();
        for address in found {
            match self.rules.refusal(address) {
                Ok(()) => allowed.push(SocketAddr::new(address, port)),
                Err(refusal) => refused = Some(refusal),
            }
        }
        match (allowed.is_empty(), refused) {
            (false, _) => Ok(allowed),
            (true, Some(refusal)) => Err(refusal.into()),
            (true, None) => Err(OutboundError::Unresolved {
                host: host.clone(),
                problem: "it has no address".to_owned(),
            }),
        }
    }

    /// Sends a body by POST and waits for a status of 2xx.
    ///
    /// # Errors
    /// When it is not sent, not answered, or answered with another status.
    pub async fn post(
        &self,
        to: &HttpAddress,
        headers: &[(&'static str, String)],
        body: Bytes,
    ) -> Result<(), OutboundError> {
        let timed_out = || OutboundError::TimedOut { host: to.host().clone() };
        let exchange = self.exchange(to, headers, body);
        tokio::time::timeout(PATIENCE, exchange).await.map_err(|_| timed_out())?
    }

    async fn exchange(
        &self,
        to: &HttpAddress,
        headers: &[(&'static str, String)],
        body: Bytes,
    ) -> Result<(), OutboundError> {
        let host = to.host();
        let unreachable =
            |problem: String| OutboundError::Unreachable { host: host.clone(), problem };
        let url: reqwest::Url =
            to.as_str().parse().map_err(|_| unreachable("the address is not valid".to_owned()))?;
        let port = url.port_or_known_default().unwrap_or(443);
        let addresses = self.addresses(host, port).await?;
        let client = client(url.host_str().unwrap_or_default(), &addresses)
            .map_err(|error| unreachable(causes(error)))?;
        let request = headers
            .iter()
            .fold(client.post(url), |request, (name, value)| request.header(*name, value));
        let mut answer =
            request.body(body).send().await.map_err(|error| unreachable(causes(error)))?;
        let status = answer.status();
        let mut said = Vec::new();
        // Read to its end, so that a receiver sees its answer taken; but no further than that.
        while let Ok(Some(chunk)) = answer.chunk().await {
            said.extend_from_slice(&chunk);
            if said.len() >= MOST_ANSWER {
                break;
            }
        }
        if status.is_success() {
            return Ok(());
        }
        Err(OutboundError::Status {
            host: host.clone(),
            status: status.as_u16(),
            said: shown(&said),
        })
    }
}

/// A client that reaches these addresses under this name, and no others under any.
fn client(name: &str, addresses: &[SocketAddr]) -> Result<reqwest::Client, reqwest::Error> {
    // The client wants a provider even for plain HTTP. One that is installed already will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(PATIENCE)
        .connect_timeout(PATIENCE)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .no_gzip()
        .pool_max_idle_per_host(0)
        .resolve_to_addrs(name, addresses)
        .user_agent(concat!("slipway/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// The error with its causes and without the address.
fn causes(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// The beginning of an answer, on one line.
fn shown(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let plain: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN_ANSWER).collect();
    let plain = plain.trim();
    if plain.is_empty() { String::new() } else { format!(": {plain}") }
}
