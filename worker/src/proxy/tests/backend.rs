//! A tiny app: an HTTP/1.1 server that answers by path and remembers what it was asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use slipway_core::id::{Id, InstanceId};
use slipway_core::instance::Endpoint;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;

use super::super::Member;
use super::client::{read_body, read_head};

/// What it was asked, with how often each `X-Id` came.
#[derive(Debug, Default)]
pub struct Seen {
    pub requests: u64,
    /// Connections that are open now.
    pub open: u64,
    pub ids: BTreeMap<String, u32>,
}

/// One running app. Dropping it closes its listener and all its connections.
pub struct Backend {
    pub member: Member,
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

impl Backend {
    /// An app whose answers begin with its instance's id.
    pub async fn start(number: u128) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::serve(number, listener)
    }

    /// The same on an address of its choice.
    pub async fn start_at(number: u128, endpoint: Endpoint) -> Self {
        Self::serve(number, TcpListener::bind(endpoint.0).await.unwrap())
    }

    fn serve(number: u128, listener: TcpListener) -> Self {
        let instance = InstanceId::from_bits(number);
        let endpoint = Endpoint(listener.local_addr().unwrap());
        let member = Member { instance, endpoint, weight: 1 };
        let seen = Arc::new(Mutex::new(Seen::default()));
        let task = tokio::spawn(accept(listener, member.instance.to_string(), seen.clone()));
        Self { member, seen, task }
    }

    pub fn name(&self) -> &str {
        self.member.instance.as_str()
    }

    pub fn requests(&self) -> u64 {
        self.seen.lock().unwrap().requests
    }

    pub fn open(&self) -> u64 {
        self.seen.lock().unwrap().open
    }

    pub fn ids(&self) -> BTreeMap<String, u32> {
        self.seen.lock().unwrap().ids.clone()
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A member whose address refuses connections, for as long as the socket is kept.
pub fn dead_member(number: u128) -> (Member, TcpSocket) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let endpoint = Endpoint(socket.local_addr().unwrap());
    (Member { instance: InstanceId::from_bits(number), endpoint, weight: 1 }, socket)
}

async fn accept(listener: TcpListener, name: String, seen: Arc<Mutex<Seen>>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(connection(stream, name.clone(), seen.clone()));
    }
}

async fn connection(stream: TcpStream, name: String, seen: Arc<Mutex<Seen>>) {
    seen.lock().unwrap().open += 1;
    talk(stream, &name, &seen).await;
    seen.lock().unwrap().open -= 1;
}

async fn talk(stream: TcpStream, name: &str, seen: &Mutex<Seen>) {
    let mut stream = BufReader::new(stream);
    while let Some(head) = read_head(&mut stream).await {
        let body = read_body(&mut stream, &head).await;
        {
            let mut seen = seen.lock().unwrap();
            seen.requests += 1;
            if let Some(id) = head.header("x-id") {
                *seen.ids.entry(id.to_owned()).or_default() += 1;
            }
        }
        let path = head.start.split(' ').nth(1).unwrap_or_default().to_owned();
        let served = answer(stream.get_mut(), &path, name, &head.text, &body).await;
        if served.is_none() {
            return;
        }
    }
}

/// `None` ends the connection.
async fn answer(
    stream: &mut TcpStream,
    path: &str,
    name: &str,
    head: &str,
    body: &[u8],
) -> Option<()> {
    match path {
        "/headers" => respond(stream, "200 OK", "", head).await,
        "/length" => respond(stream, "200 OK", "", &body.len().to_string()).await,
        "/own-502" => respond(stream, "502 Bad Gateway", "", "an answer of the app").await,
        "/redirect" => {
            respond(stream, "200 OK", "X-Accel-Redirect: /headers\r\n", "not redirected").await
        }
        "/hang-up" => None,
        "/echo" => echo(stream).await,
        "/events" => events(stream, "").await,
        "/unbuffered" => events(stream, "X-Accel-Buffering: no\r\n").await,
        _ => {
            let millis = path.strip_prefix("/slow/").and_then(|millis| millis.parse().ok());
            tokio::time::sleep(Duration::from_millis(millis.unwrap_or(0))).await;
            respond(stream, "200 OK", "", name).await
        }
    }
}

async fn respond(stream: &mut TcpStream, status: &str, headers: &str, body: &str) -> Option<()> {
    let length = body.len();
    let text = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}\r\n{body}");
    stream.write_all(text.as_bytes()).await.ok()
}

/// A websocket as far as a proxy can tell: after the upgrade every byte comes back.
async fn echo(stream: &mut TcpStream) -> Option<()> {
    let head =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n";
    stream.write_all(head.as_bytes()).await.ok()?;
    let mut buffer = [0; 1024];
    loop {
        let count = stream.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
        stream.write_all(&buffer[..count]).await.ok()?;
    }
}

/// One event at once, then silence with the connection open.
async fn events(stream: &mut TcpStream, headers: &str) -> Option<()> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n";
    let text = format!("{head}{headers}\r\ndata: first\n\n");
    stream.write_all(text.as_bytes()).await.ok()?;
    std::future::pending().await
}
