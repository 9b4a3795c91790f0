//! The way out: a connection to a receiver, to an address that was checked.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use slipway_core::outbound::Host;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::receiver::DrainError;
use crate::outbound::Outbound;

/// From the name to a connection that is ready, TLS included.
const OPENING: Duration = Duration::from_secs(5);

/// A connection, whatever is underneath.
pub(super) trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// Opens connections, and keeps to the rules about where to.
pub(super) struct Door {
    outbound: Outbound,
    tls: TlsConnector,
}

impl Door {
    /// A door that trusts the certificates this machine trusts.
    pub(super) fn new(outbound: Outbound) -> Self {
        let mut roots = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::warn!(%error, "could not read a certificate of this machine");
        }
        // One that cannot be parsed verifies nothing, and is no reason to do without the others.
        roots.add_parsable_certificates(found.certs);
        Self::trusting(outbound, roots)
    }

    /// A door that trusts these certificates.
    pub(super) fn trusting(outbound: Outbound, roots: RootCertStore) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider knows the protocol versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { outbound, tls: TlsConnector::from(Arc::new(config)) }
    }

    /// Connects within 5 s, to an address that was checked after the one resolution.
    pub(super) async fn open(
        &self,
        host: &Host,
        port: u16,
        tls: bool,
    ) -> Result<Box<dyn Connection>, DrainError> {
        timeout(OPENING, self.establish(host, port, tls)).await.map_err(|_| DrainError::Slow)?
    }

    async fn establish(
        &self,
        host: &Host,
        port: u16,
        tls: bool,
    ) -> Result<Box<dyn Connection>, DrainError> {
        let stream = self.connect(host, port).await?;
        if !tls {
            return Ok(Box::new(stream));
        }
        let name = ServerName::try_from(host.to_string()).map_err(io::Error::other)?;
        Ok(Box::new(self.tls.connect(name, stream).await.map_err(DrainError::Tls)?))
    }

    async fn connect(&self, host: &Host, port: u16) -> Result<TcpStream, DrainError> {
        let addresses = self.outbound.addresses(host, port).await?;
        let stream = TcpStream::connect(&addresses[..]).await.map_err(DrainError::Connect)?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}
