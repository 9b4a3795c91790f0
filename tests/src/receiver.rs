//! A receiver of webhooks: a real HTTP server that remembers what it was sent.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Received {
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

/// Listens until it is dropped.
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    _serving: JoinSet<()>,
}

#[derive(Default)]
struct Shared {
    received: Vec<Received>,
    /// How many requests are still to be left without an answer.
    silences: usize,
}

impl Received {
    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

impl Receiver {
    /// Listens on a free port of 127.0.0.1. The first `silences` requests get no answer.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start(silences: usize) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Mutex::new(Shared { received: Vec::new(), silences }));
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, _serving: serving })
    }

    /// Its address, with a path that is a secret.
    pub fn url(&self) -> String {
        format!("http://{}/hooks/hunter2", self.address)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What it was sent so far.
    pub fn received(&self) -> Vec<Received> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).received.clone()
    }
}

async fn serve(listener: TcpListener, shared: Arc<Mutex<Shared>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        connections.spawn(async move { drop(answer(stream, &shared).await) });
    }
}

async fn answer(mut stream: TcpStream, shared: &Mutex<Shared>) -> anyhow::Result<()> {
    let received = read(&mut stream).await?;
    let silent = {
        let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.received.push(received);
        let silent = shared.silences > 0;
        shared.silences = shared.silences.saturating_sub(1);
        silent
    };
    if silent {
        // Until the sender hangs up.
        stream.read_to_end(&mut Vec::new()).await?;
        return Ok(());
    }
    Ok(stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await?)
}

async fn read(stream: &mut TcpStream) -> anyhow::Result<Received> {
    let mut bytes = Vec::new();
    let head_ends = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        anyhow::ensure!(stream.read_buf(&mut bytes).await? > 0, "half a request");
    };
    let head = String::from_utf8_lossy(&bytes[..head_ends]).into_owned();
    let headers: BTreeMap<String, String> = head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").context("no length")?.parse()?;
    while bytes.len() < head_ends + length {
        anyhow::ensure!(stream.read_buf(&mut bytes).await? > 0, "half a body");
    }
    Ok(Received { headers, body: bytes.split_off(head_ends) })
}
