//! The client of nginx's control socket: one small request a connection.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::{Generation, ProxyError};

/// Between loopback processes an answer takes a millisecond; a machine under load may be slower.
const DEADLINE: Duration = Duration::from_secs(2);

/// What nginx answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

/// Talks to one nginx.
#[derive(Debug, Clone)]
pub(super) struct Control {
    socket: PathBuf,
}

impl Control {
    pub(super) fn new(socket: PathBuf) -> Self {
        Self { socket }
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// The configuration that the worker which took this connection serves.
    pub(super) async fn generation(&self) -> Result<Generation, ProxyError> {
        let path = "/.slipway/gen";
        let body = self.get(path).await?;
        body.trim().parse().map(Generation).map_err(|_| unexpected(path, &body))
    }

    /// The body of a successful GET.
    pub(super) async fn get(&self, path: &str) -> Result<String, ProxyError> {
        let answer = self.exchange(&format!("GET {path} HTTP/1.0\r\n\r\n")).await?;
        match answer.status {
            200 => Ok(answer.body),
            _ => Err(unexpected(path, &answer.body)),
        }
    }

    /// Sends a body that belongs to a generation of members.
    pub(super) async fn put(
        &self,
        path: &str,
        generation: u64,
        body: &str,
    ) -> Result<Answer, ProxyError> {
        let length = body.len();
        self.exchange(&format!(
            "PUT {path} HTTP/1.0\r\nSlipway-Generation: {generation}\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        ))
        .await
    }

    async fn exchange(&self, request: &str) -> Result<Answer, ProxyError> {
        let talk = async {
            let mut stream = UnixStream::connect(&self.socket).await?;
            stream.write_all(request.as_bytes()).await?;
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).await?;
            Ok::<_, std::io::Error>(bytes)
        };
        match timeout(DEADLINE, talk).await {
            Ok(Ok(bytes)) => parse(&bytes).ok_or_else(|| {
                unexpected(request.lines().next().unwrap_or_default(), "a broken answer")
            }),
            Ok(Err(error)) => Err(ProxyError::Unreachable(error.to_string())),
            Err(_) => Err(ProxyError::Unreachable("no answer within 2 s".to_owned())),
        }
    }
}

pub(super) fn unexpected(request: &str, answer: &str) -> ProxyError {
    let answer = answer.trim().chars().take(200).collect();
    ProxyError::Unexpected { request: request.to_owned(), answer }
}

/// Reads an answer that ends with its connection; one cut short is none.
fn parse(bytes: &[u8]) -> Option<Answer> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    (length == Some(body.len())).then(|| Answer { status, body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_cut_short_is_no_answer() {
        let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n12\n";
        assert_eq!(parse(whole).unwrap().body, "12\n");
        assert!(parse(&whole[..whole.len() - 1]).is_none());
        assert!(parse(b"HTTP/1.1 200 OK\r\n\r\n12\n").is_none());
        assert!(parse(b"").is_none());
    }
}
