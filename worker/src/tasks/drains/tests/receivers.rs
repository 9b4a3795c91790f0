//! Receivers as others run them, reduced to what they must do.

use std::io::Read;
use std::process::Command;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::AbortOnDropHandle;

/// A certificate for `localhost` that its maker alone trusts.
pub struct Certificate {
    folder: TempDir,
}

impl Certificate {
    pub fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
            .args(["-nodes", "-days", "2", "-subj", "/CN=localhost"])
            .args(["-addext", "subjectAltName=DNS:localhost"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .args(["-keyout", "key.pem", "-out", "certificate.pem"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self { folder }
    }

    fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.folder.path().join("certificate.pem")).unwrap()
    }

    pub fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.der()).unwrap();
        roots
    }

    fn acceptor(&self) -> TlsAcceptor {
        let key = PrivateKeyDer::from_pem_file(self.folder.path().join("key.pem")).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.der()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// A receiver of syslog that reads frames by their length, and refuses anything else.
pub struct SyslogReceiver {
    port: u16,
    messages: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
    hang_up: watch::Sender<()>,
    _task: AbortOnDropHandle<()>,
}

impl SyslogReceiver {
    pub async fn start() -> Self {
        Self::serve(None).await
    }

    pub async fn start_tls(certificate: &Certificate) -> Self {
        Self::serve(Some(certificate.acceptor())).await
    }

    async fn serve(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let messages: Arc<Mutex<Vec<String>>> = Arc::default();
        let connections: Arc<AtomicUsize> = Arc::default();
        let (hang_up, hung_up) = watch::channel(());
        let (into, counted) = (Arc::clone(&messages), Arc::clone(&connections));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counted.fetch_add(1, Ordering::Relaxed);
                let (into, tls, mut hung_up) = (Arc::clone(&into), tls.clone(), hung_up.clone());
                hung_up.mark_unchanged();
                tokio::spawn(async move {
                    tokio::select! {
                        () = take(stream, tls, &into) => {}
                        _ = hung_up.changed() => {}
                    }
                });
            }
        });
        Self { port, messages, connections, hang_up, _task: AbortOnDropHandle::new(task) }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("syslog://127.0.0.1:{}", self.port)
    }

    /// Closes the connections there are.
    pub fn hang_up(&self) {
        self.hang_up.send_replace(());
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    pub fn messages(&self) -> Vec<String> {
        self.messages.lock().unwrap().clone()
    }

    /// What stands behind the header and the structured data of each message.
    pub fn texts(&self) -> Vec<String> {
        let text = |message: &String| {
            message
                .splitn(8, ' ')
                .nth(7)
                .expect("a message has seven fields before its text")
                .to_owned()
        };
        self.messages().iter().map(text).collect()
    }
}

async fn take(stream: TcpStream, tls: Option<TlsAcceptor>, into: &Mutex<Vec<String>>) {
    match tls {
        None => read(stream, into).await,
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream).await {
                read(stream, into).await;
            }
        }
    }
}

async fn read(stream: impl AsyncRead + Unpin, into: &Mutex<Vec<String>>) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut length = Vec::new();
        match stream.read_until(b' ', &mut length).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let length = std::str::from_utf8(&length).unwrap().strip_suffix(' ');
        let mut message = vec![0; length.unwrap().parse().unwrap()];
        if stream.read_exact(&mut message).await.is_err() {
            return;
        }
        let message = String::from_utf8(message).unwrap();
        let (priority, rest) = message.strip_prefix('<').unwrap().split_once('>').unwrap();
        assert!(priority.parse::<u8>().unwrap() <= 191 && rest.starts_with("1 "), "{message}");
        into.lock().unwrap().push(message);
    }
}

/// A request that an [`HttpReceiver`] took.
#[derive(Debug, Clone)]
pub struct Taken {
    pub head: String,
    pub lines: Vec<serde_json::Value>,
}

/// A receiver of JSON that answers what it is told to.
pub struct HttpReceiver {
    port: u16,
    status: Arc<AtomicU16>,
    taken: Arc<Mutex<Vec<Taken>>>,
    _task: AbortOnDropHandle<()>,
}

impl HttpReceiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (status, taken) = (Arc::new(AtomicU16::new(200)), Arc::<Mutex<Vec<Taken>>>::default());
        let (answer, into) = (Arc::clone(&status), Arc::clone(&taken));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(converse(stream, Arc::clone(&answer), Arc::clone(&into)));
            }
        });
        Self { port, status, taken, _task: AbortOnDropHandle::new(task) }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// What every request is answered from now on.
    pub fn answer(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }

    /// The requests that were answered with a success.
    pub fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap().clone()
    }
}

async fn converse(stream: TcpStream, status: Arc<AtomicU16>, into: Arc<Mutex<Vec<Taken>>>) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let length = head.lines().find_map(|line| {
            line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned)
        });
        let mut body = vec![0; length.unwrap().parse().unwrap()];
        stream.read_exact(&mut body).await.unwrap();
        let status = status.load(Ordering::Relaxed);
        if status < 300 {
            let mut text = Vec::new();
            flate2::read::GzDecoder::new(&body[..]).read_to_end(&mut text).unwrap();
            let lines = serde_json::from_slice(&text).unwrap();
            into.lock().unwrap().push(Taken { head, lines });
        }
        let length = if status == 204 { "" } else { "Content-Length: 0\r\n" };
        let answer = format!("HTTP/1.1 {status} Said\r\n{length}\r\n");
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}
