//! A receiver that is spoken to.

use std::io;
use std::time::Duration;

use futures_util::FutureExt;
use slipway_core::drain::DrainTarget;
use slipway_core::log::LogLine;
use slipway_core::name::AppName;
use slipway_store::StoreError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::door::{Connection, Door};
use super::http::Http;
use super::syslog;
use crate::outbound::OutboundError;

/// How long a receiver may take for what is sent at once.
const TAKING: Duration = Duration::from_secs(5);

/// Why lines did not arrive.
#[derive(Debug, thiserror::Error)]
pub(super) enum DrainError {
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    #[error("it cannot be reached: {0}")]
    Connect(#[source] io::Error),
    #[error("TLS failed: {0}")]
    Tls(#[source] io::Error),
    #[error("it did not answer within 5 s")]
    Slow,
    #[error("it closed the connection")]
    Closed,
    #[error("the connection failed: {0}")]
    Broken(#[from] io::Error),
    #[error("it did not answer in HTTP: {0}")]
    Http(#[from] hyper::Error),
    #[error("it answered {0}")]
    Status(u16),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An open way to a receiver.
pub(super) enum Receiver {
    Syslog(Box<dyn Connection>),
    Http(Http),
}

impl Receiver {
    pub(super) async fn open(door: &Door, target: &DrainTarget) -> Result<Self, DrainError> {
        match target {
            DrainTarget::Syslog { host, port, tls } => {
                Ok(Self::Syslog(door.open(host, *port, *tls).await?))
            }
            DrainTarget::Http { url, token, gzip } => {
                Ok(Self::Http(Http::open(door, url, token.clone(), *gzip).await?))
            }
        }
    }

    /// Whether a line that was sent was taken. Over syslog a receiver never says so.
    pub(super) fn confirms(&self) -> bool {
        matches!(self, Self::Http(_))
    }

    /// Sends lines; they are out of our hands then.
    pub(super) async fn send(
        &mut self,
        app: &AppName,
        lines: &[LogLine],
    ) -> Result<(), DrainError> {
        match self {
            Self::Syslog(connection) => {
                let frames = syslog::frames(app, lines);
                let sent = timeout(TAKING, async {
                    connection.write_all(&frames).await?;
                    connection.flush().await
                });
                Ok(sent.await.map_err(|_| DrainError::Slow)??)
            }
            Self::Http(http) => {
                timeout(TAKING, http.post(app, lines)).await.map_err(|_| DrainError::Slow)?
            }
        }
    }

    /// Notices a connection that was closed from the other end.
    pub(super) fn check(&mut self) -> Result<(), DrainError> {
        match self {
            Self::Syslog(connection) => {
                // A receiver of syslog has nothing to say; what it says is read past.
                let mut ignored = [0; 1024];
                match connection.read(&mut ignored).now_or_never() {
                    None => Ok(()),
                    Some(Ok(0)) => Err(DrainError::Closed),
                    Some(result) => Ok(result.map(drop)?),
                }
            }
            Self::Http(_) => Ok(()),
        }
    }

    /// Whether the next lines need another connection, which is no failure: between two requests a
    /// receiver may well close one.
    pub(super) fn is_spent(&self) -> bool {
        matches!(self, Self::Http(http) if http.is_closed())
    }
}
