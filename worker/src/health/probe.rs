//! One question to one instance.

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use hyper::Request;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, HOST, USER_AGENT};
use hyper_util::rt::TokioIo;
use slipway_core::health::Probe;
use slipway_core::name::Hostname;
use slipway_core::process::HealthCheck;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(2);

/// What is asked of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    pub address: SocketAddr,
    /// The app's own name: Django answers 400 to any other.
    pub hostname: Hostname,
    pub check: HealthCheck,
}

/// Asks once, on a connection of its own: one that was kept would not tell whether the app takes new
/// ones. TCP accepts long before most apps answer, so only an HTTP status passes.
pub(super) async fn ask(question: &Question) -> Probe {
    match timeout(TIMEOUT, status(question)).await {
        Ok(Some(status)) if question.check.accepts(status) => Probe::Passed,
        Ok(Some(status)) => Probe::BadStatus(status),
        Ok(None) => Probe::Refused,
        Err(_) => Probe::TimedOut,
    }
}

/// The status of the answer; follows no redirect.
async fn status(question: &Question) -> Option<u16> {
    let stream = TcpStream::connect(question.address).await.ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    let request = Request::get(question.check.path())
        .header(HOST, question.hostname.as_str())
        .header(USER_AGENT, concat!("slipway-probe/", env!("CARGO_PKG_VERSION")))
        .header(ACCEPT, "*/*")
        .header("x-forwarded-proto", "https")
        .body(String::new())
        .ok()?;
    let mut answer = pin!(sender.send_request(request));
    let answer = tokio::select! {
        biased;
        answer = &mut answer => answer,
        _ = connection => answer.await,
    };
    answer.ok().map(|answer| answer.status().as_u16())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    async fn answering(response: &'static str) -> (SocketAddr, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let read = stream.read(&mut request).await.unwrap();
            stream.write_all(response.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&request[..read]).to_lowercase()
        });
        (address, served)
    }

    fn question(address: SocketAddr) -> Question {
        let hostname = "shop.localhost".parse().unwrap();
        Question { address, hostname, check: HealthCheck::default() }
    }

    #[tokio::test]
    async fn a_probe_carries_the_apps_own_host_and_follows_no_redirect() {
        let redirect =
            "HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
        let (address, served) = answering(redirect).await;
        assert_eq!(ask(&question(address)).await, Probe::Passed);
        let request = served.await.unwrap();
        assert!(request.contains("host: shop.localhost"), "{request}");
        assert!(request.contains("x-forwarded-proto: https"), "{request}");
    }

    #[tokio::test]
    async fn a_server_error_and_a_closed_port_do_not_pass() {
        let (address, _) = answering("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n").await;
        assert_eq!(ask(&question(address)).await, Probe::BadStatus(503));
        let closed = "127.0.0.1:1".parse().unwrap();
        assert_eq!(ask(&question(closed)).await, Probe::Refused);
    }
}
