//! Lines as JSON by POST.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use slipway_core::log::LogLine;
use slipway_core::name::AppName;
use slipway_core::outbound::HttpAddress;
use tokio_util::task::AbortOnDropHandle;

use super::door::Door;
use super::receiver::DrainError;

const AGENT: &str = concat!("slipway/", env!("CARGO_PKG_VERSION"));
/// Most bytes of an answer that are read; what it says is of no interest.
const LONGEST_ANSWER: usize = 64 * 1024;

/// A receiver that takes arrays of lines. It follows no redirects.
pub(super) struct Http {
    sender: SendRequest<Full<Bytes>>,
    /// Moves the bytes of the connection.
    _driver: AbortOnDropHandle<()>,
    parts: Parts,
    token: Option<String>,
    gzip: bool,
    closed: bool,
}

/// An address taken apart.
struct Parts {
    authority: String,
    path: String,
}

/// A line with the app it is of, which tells apart what arrives at one receiver.
#[derive(Serialize)]
struct Sent<'a> {
    app: &'a AppName,
    #[serde(flatten)]
    line: &'a LogLine,
}

impl Http {
    pub(super) async fn open(
        door: &Door,
        url: &HttpAddress,
        token: Option<String>,
        gzip: bool,
    ) -> Result<Self, DrainError> {
        let (tls, port, parts) = take_apart(url);
        let connection = door.open(url.host(), port, tls).await?;
        let (sender, connection) = handshake(TokioIo::new(connection)).await?;
        let driver = tokio::spawn(async move {
            // The request under way gets the error.
            let _ = connection.await;
        });
        let driver = AbortOnDropHandle::new(driver);
        Ok(Self { sender, _driver: driver, parts, token, gzip, closed: false })
    }

    /// Sends lines; they were taken when this succeeds.
    pub(super) async fn post(
        &mut self,
        app: &AppName,
        lines: &[LogLine],
    ) -> Result<(), DrainError> {
        self.sender.ready().await?;
        let sent: Vec<Sent<'_>> = lines.iter().map(|line| Sent { app, line }).collect();
        let body = serde_json::to_vec(&sent).map_err(std::io::Error::from)?;
        let response = self.sender.send_request(self.request(body)?).await?;
        self.settle(response).await
    }

    fn request(&self, body: Vec<u8>) -> Result<Request<Full<Bytes>>, DrainError> {
        let mut request = Request::post(&self.parts.path)
            .header(HOST, &self.parts.authority)
            .header(USER_AGENT, AGENT)
            .header(CONTENT_TYPE, "application/json");
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = if self.gzip {
            request = request.header(CONTENT_ENCODING, "gzip");
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&body)?;
            encoder.finish()?
        } else {
            body
        };
        let built = request.body(Full::new(Bytes::from(body)));
        Ok(built.map_err(std::io::Error::other)?)
    }

    /// Reads the answer to its end, so that the connection can be used again.
    async fn settle(&mut self, response: Response<Incoming>) -> Result<(), DrainError> {
        let status = response.status();
        let rest = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await;
        // One that is too long, or breaks off, has still said what matters.
        self.closed = rest.is_err();
        if status.is_success() { Ok(()) } else { Err(DrainError::Status(status.as_u16())) }
    }

    /// Whether another connection is needed for the next lines.
    pub(super) fn is_closed(&self) -> bool {
        self.closed || self.sender.is_closed()
    }
}

fn take_apart(url: &HttpAddress) -> (bool, u16, Parts) {
    let text = url.as_str();
    let (tls, rest) = match text.strip_prefix("https://") {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix("http://").unwrap_or(text)),
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let after_address = authority.rfind(']').map_or(0, |at| at + 1);
    let port = authority[after_address..]
        .strip_prefix(':')
        .or_else(|| authority[after_address..].split_once(':').map(|(_, port)| port));
    let port = port.and_then(|port| port.parse().ok()).unwrap_or(if tls { 443 } else { 80 });
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    (tls, port, Parts { authority: authority.to_owned(), path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart_as_it_was_checked() {
        for (text, tls, port, authority, path) in [
            ("http://a.example.com", false, 80, "a.example.com", "/"),
            ("https://a.example.com/in?k=v", true, 443, "a.example.com", "/in?k=v"),
            ("https://a.example.com:8443?k=v", true, 8443, "a.example.com:8443", "/?k=v"),
            ("http://[2606::1]:81/x", false, 81, "[2606::1]:81", "/x"),
            ("http://[2606::1]/x", false, 80, "[2606::1]", "/x"),
        ] {
            let (is_tls, number, parts) = take_apart(&text.parse().unwrap());
            assert_eq!((is_tls, number), (tls, port), "{text}");
            assert_eq!((parts.authority.as_str(), parts.path.as_str()), (authority, path));
        }
    }
}
