//! A visitor who decides about every byte, and the reading of HTTP that the apps share.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

const DEADLINE: Duration = Duration::from_secs(20);

/// The first line and the headers of a message.
#[derive(Debug, Clone)]
pub struct Head {
    pub start: String,
    pub text: String,
}

impl Head {
    /// A header's value by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.text.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub fn status(&self) -> u16 {
        self.start.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    }
}

/// Reads up to the empty line; `None` when the connection ends first.
pub async fn read_head<R: AsyncRead + Unpin>(stream: &mut BufReader<R>) -> Option<Head> {
    let mut text = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        text.push_str(&line);
    }
    let start = text.lines().next()?.to_owned();
    Some(Head { start, text })
}

/// Reads a body by its length, by its chunks, or none.
pub async fn read_body<R: AsyncRead + Unpin>(stream: &mut BufReader<R>, head: &Head) -> Vec<u8> {
    let chunked = head.header("transfer-encoding") == Some("chunked");
    let length = head.header("content-length").and_then(|length| length.parse().ok());
    let mut body = Vec::new();
    if !chunked {
        body.resize(length.unwrap_or(0), 0);
        stream.read_exact(&mut body).await.unwrap();
        return body;
    }
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        let size = usize::from_str_radix(line.trim(), 16).unwrap();
        let mut chunk = vec![0; size + 2];
        stream.read_exact(&mut chunk).await.unwrap();
        if size == 0 {
            return body;
        }
        body.extend_from_slice(&chunk[..size]);
    }
}

/// A whole response.
#[derive(Debug, Clone)]
pub struct Response {
    pub head: Head,
    pub body: String,
}

impl Response {
    pub fn status(&self) -> u16 {
        self.head.status()
    }
}

/// One connection, kept alive.
pub struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        Self { stream: BufReader::new(TcpStream::connect(address).await.unwrap()) }
    }

    /// The same from an address of its choice; all of 127.0.0.0/8 are this machine's.
    pub async fn connect_from(source: IpAddr, address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(source, 0)).unwrap();
        Self { stream: BufReader::new(socket.connect(address).await.unwrap()) }
    }

    pub async fn send(&mut self, text: &str) {
        self.stream.get_mut().write_all(text.as_bytes()).await.unwrap();
    }

    /// The next response; `None` when the connection ends instead.
    pub async fn receive(&mut self) -> Option<Response> {
        let read = async {
            let head = read_head(&mut self.stream).await?;
            let body = read_body(&mut self.stream, &head).await;
            Some(Response { head, body: String::from_utf8_lossy(&body).into_owned() })
        };
        timeout(DEADLINE, read).await.expect("a response within 20 s")
    }

    /// The head of a response whose body does not end.
    pub async fn receive_head(&mut self) -> Option<Head> {
        timeout(DEADLINE, read_head(&mut self.stream)).await.expect("a response within 20 s")
    }

    /// Exactly as many further bytes as the text has, compared.
    pub async fn expect(&mut self, text: &str) {
        let mut bytes = vec![0; text.len()];
        let read = self.stream.read_exact(&mut bytes);
        timeout(DEADLINE, read).await.expect("bytes within 20 s").unwrap();
        assert_eq!(String::from_utf8_lossy(&bytes), text);
    }

    /// Bytes until `text` was seen.
    pub async fn wait_for(&mut self, text: &str) {
        let mut seen = Vec::new();
        let read = async {
            while !String::from_utf8_lossy(&seen).contains(text) {
                seen.push(self.stream.read_u8().await.unwrap());
            }
        };
        timeout(DEADLINE, read).await.expect("the text within 20 s");
    }

    pub async fn get(&mut self, host: &str, path: &str) -> Option<Response> {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        self.receive().await
    }
}
