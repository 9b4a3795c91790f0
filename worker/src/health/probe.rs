//! One question to one instance.

use std::net::SocketAddr;
use std::time::Duration;

use slipway_core::health::Probe;
use slipway_core::name::Hostname;
use slipway_core::process::HealthCheck;

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

/// A client that asks exactly what it is told: no redirects, no proxies, no kept connections.
pub(super) fn client() -> Result<reqwest::Client, reqwest::Error> {
    // The client wants a provider even for plain HTTP. One that is installed already will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(TIMEOUT)
        .connect_timeout(TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .pool_max_idle_per_host(0)
        .user_agent(concat!("slipway-probe/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Asks once. TCP accepts long before most apps answer, so only an HTTP status passes.
pub(super) async fn ask(client: &reqwest::Client, question: &Question) -> Probe {
    let url = format!("http://{}{}", question.address, question.check.path());
    let request = client
        .get(url)
        .header(reqwest::header::HOST, question.hostname.as_str())
        .header("X-Forwarded-Proto", "https");
    match request.send().await {
        Ok(response) => {
            let status = response.status().as_u16();
            if question.check.accepts(status) { Probe::Passed } else { Probe::BadStatus(status) }
        }
        Err(error) if error.is_timeout() => Probe::TimedOut,
        Err(_) => Probe::Refused,
    }
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
        assert_eq!(ask(&client().unwrap(), &question(address)).await, Probe::Passed);
        let request = served.await.unwrap();
        assert!(request.contains("host: shop.localhost"), "{request}");
        assert!(request.contains("x-forwarded-proto: https"), "{request}");
    }

    #[tokio::test]
    async fn a_server_error_and_a_closed_port_do_not_pass() {
        let (address, _) = answering("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n").await;
        let client = client().unwrap();
        assert_eq!(ask(&client, &question(address)).await, Probe::BadStatus(503));
        let closed = "127.0.0.1:1".parse().unwrap();
        assert_eq!(ask(&client, &question(closed)).await, Probe::Refused);
    }
}
