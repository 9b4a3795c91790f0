//! A relay in front of the daemon's socket that can hang or hang up, for a daemon that does.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

const DAEMON: &str = "/var/run/docker.sock";

/// What the relay does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Passes everything on.
    Relay,
    /// Accepts, and passes nothing on: a daemon that is stopped by SIGSTOP.
    Hang,
    /// Closes every connection, old and new: a daemon that restarts.
    HangUp,
}

/// The relay; it ends with the test.
#[derive(Debug)]
pub struct Relay {
    mode: Arc<watch::Sender<Mode>>,
    directory: tempfile::TempDir,
}

impl Relay {
    /// Begins to listen; call it inside a runtime.
    ///
    /// # Panics
    /// When there is no place for its socket.
    pub fn start() -> Self {
        let directory = tempfile::tempdir().expect("there is a place for temporary files");
        let mode = Arc::new(watch::Sender::new(Mode::Relay));
        let listener = UnixListener::bind(directory.path().join("docker.sock"));
        let listener = listener.expect("the folder is new");
        let accepted = mode.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(relay(client, accepted.subscribe()));
            }
        });
        Self { mode, directory }
    }

    /// Where it listens.
    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("docker.sock")
    }

    /// Does this from now on, on open connections too.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

async fn relay(client: UnixStream, mut mode: watch::Receiver<Mode>) {
    // A client whose daemon is away is hung up on.
    let Ok(daemon) = UnixStream::connect(Path::new(DAEMON)).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_daemon, mut to_daemon) = daemon.into_split();
    let (mut request, mut answer) = ([0; 4096], [0; 4096]);
    let mut request_ended = false;
    loop {
        let relaying = *mode.borrow_and_update() == Mode::Relay;
        if *mode.borrow() == Mode::HangUp {
            return;
        }
        tokio::select! {
            _ = mode.changed() => {}
            read = from_client.read(&mut request), if relaying && !request_ended => {
                let Ok(count) = read else { return };
                request_ended = count == 0;
                let passed = match count {
                    0 => to_daemon.shutdown().await,
                    count => to_daemon.write_all(&request[..count]).await,
                };
                if passed.is_err() {
                    return;
                }
            }
            read = from_daemon.read(&mut answer), if relaying => {
                let Ok(count @ 1..) = read else { return };
                if to_client.write_all(&answer[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}
