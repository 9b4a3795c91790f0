//! Plain HTTP/1.1 connections that never retry, reconnect or follow anything: what a test counts as
//! one request is one request.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST};
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long a request may take, from connecting to its last byte.
pub const PATIENCE: Duration = Duration::from_secs(15);
/// The same of an app that has to wake first: longer than the proxy holds a request.
const HELD: Duration = Duration::from_secs(45);

/// Where an app answers: the proxy's address and the name to ask it for.
#[derive(Debug, Clone)]
pub struct Site {
    pub proxy: SocketAddr,
    pub host: String,
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Bytes,
    pub headers: HeaderMap,
    /// Whether the server will take another request on this connection.
    pub kept: bool,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// One connection, one request at a time.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
    patience: Duration,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When the server cannot be reached within [`PATIENCE`].
    pub async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = timeout(PATIENCE, TcpStream::connect(address)).await??;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // The request that is under way reports whatever ends the connection.
        let driver = tokio::task::spawn(async move { drop(connection.await) });
        Ok(Self { sender, driver, patience: PATIENCE })
    }

    /// Sends one request and reads its answer to the end.
    ///
    /// # Errors
    /// When no complete answer arrives within [`PATIENCE`].
    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> anyhow::Result<Answer> {
        let exchange = async {
            // The one before is over for the caller a moment before it is for the connection.
            self.sender.ready().await.context("the connection was closed")?;
            let response = self.sender.send_request(request).await.context("no answer")?;
            let (head, body) = response.into_parts();
            let kept = head.headers.get(CONNECTION).is_none_or(|value| value != "close");
            let body = body.collect().await.context("half an answer")?.to_bytes();
            anyhow::Ok(Answer { status: head.status, body, headers: head.headers, kept })
        };
        timeout(self.patience, exchange).await.context("no complete answer in time")?
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Site {
    /// A GET on a connection of its own.
    ///
    /// # Errors
    /// When no complete answer arrives.
    pub async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.get_within(PATIENCE, path).await
    }

    async fn get_within(&self, patience: Duration, path: &str) -> anyhow::Result<Answer> {
        let mut connection = Connection::open(self.proxy).await?;
        connection.patience = patience;
        connection.send(self.request(Method::GET, path, Bytes::new())).await
    }

    /// The body of a GET that must be answered with 200.
    ///
    /// # Errors
    /// When the answer is another, or none.
    pub async fn text(&self, path: &str) -> anyhow::Result<String> {
        ok_text(&self.get(path).await?)
    }

    /// The same of an app that has to wake first.
    ///
    /// # Errors
    /// When the answer is another, or none.
    pub async fn text_when_awake(&self, path: &str) -> anyhow::Result<String> {
        ok_text(&self.get_within(HELD, path).await?)
    }

    /// A request for this site.
    ///
    /// # Panics
    /// When the path is not one.
    pub fn request(&self, method: Method, path: &str, body: Bytes) -> Request<Full<Bytes>> {
        Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.host)
            .header(CONTENT_TYPE, "text/plain")
            .body(Full::new(body))
            .expect("the path and host are valid")
    }
}

fn ok_text(answer: &Answer) -> anyhow::Result<String> {
    ensure!(answer.status == StatusCode::OK, "{}: {}", answer.status, answer.text());
    Ok(answer.text())
}
