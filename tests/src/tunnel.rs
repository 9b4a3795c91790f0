//! A way into the host's network for a process in a network namespace of its own.

use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::task::JoinHandle;

/// A Unix socket that leads to one address of the host; dropping it closes it.
#[derive(Debug)]
pub struct Tunnel {
    directory: tempfile::TempDir,
    listening: JoinHandle<()>,
}

impl Tunnel {
    /// Begins to listen; call it inside a runtime.
    ///
    /// # Errors
    /// When there is no place for its socket.
    pub fn to(address: SocketAddr) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new().prefix("slipway-test-tunnel-").tempdir()?;
        let listener = UnixListener::bind(directory.path().join("socket"))?;
        let listening = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(pass_on(near, address));
            }
        });
        Ok(Self { directory, listening })
    }

    /// Where it listens.
    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("socket")
    }
}

/// Whoever cannot be connected is hung up on, as by a port where nothing listens.
async fn pass_on(mut near: UnixStream, address: SocketAddr) {
    if let Ok(mut far) = TcpStream::connect(address).await {
        // How it ended, both ends see for themselves.
        let _ = copy_bidirectional(&mut near, &mut far).await;
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.listening.abort();
    }
}
