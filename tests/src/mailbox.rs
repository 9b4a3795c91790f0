//! A mail server that takes every message and keeps it (RFC 5321, the part that a sender needs).

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A message as it was handed over.
#[derive(Debug, Clone, Default)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    /// Headers and text, without the dots that travelled before lines that begin with one.
    pub data: String,
}

/// Listens until it is dropped.
pub struct Mailbox {
    address: SocketAddr,
    kept: Arc<Mutex<Vec<Mail>>>,
    _serving: JoinSet<()>,
}

impl Mailbox {
    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let kept = Arc::<Mutex<Vec<Mail>>>::default();
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, Arc::clone(&kept)));
        Ok(Self { address, kept, _serving: serving })
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The messages it took, in order.
    pub fn mails(&self) -> Vec<Mail> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn serve(listener: TcpListener, kept: Arc<Mutex<Vec<Mail>>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let kept = Arc::clone(&kept);
        connections.spawn(async move { drop(converse(stream, &kept).await) });
    }
}

async fn converse(stream: TcpStream, kept: &Mutex<Vec<Mail>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut mail = Mail::default();
    stream.write_all(b"220 mailbox.test ESMTP\r\n").await?;
    while let Some(line) = line(&mut stream).await? {
        let verb = line.to_ascii_uppercase();
        let answer: &[u8] = if verb.starts_with("EHLO") {
            b"250-mailbox.test\r\n250 8BITMIME\r\n"
        } else if verb.starts_with("MAIL FROM:") {
            mail = Mail { from: address(&line), ..Mail::default() };
            b"250 2.1.0 fine\r\n"
        } else if verb.starts_with("RCPT TO:") {
            mail.to.push(address(&line));
            b"250 2.1.5 fine\r\n"
        } else if verb == "DATA" {
            stream.write_all(b"354 go ahead\r\n").await?;
            while let Some(line) = self::line(&mut stream).await? {
                if line == "." {
                    break;
                }
                mail.data += line.strip_prefix('.').unwrap_or(&line);
                mail.data.push('\n');
            }
            kept.lock().unwrap_or_else(PoisonError::into_inner).push(std::mem::take(&mut mail));
            b"250 2.0.0 taken\r\n"
        } else if verb == "QUIT" {
            return stream.write_all(b"221 2.0.0 bye\r\n").await;
        } else if verb == "RSET" || verb == "NOOP" {
            b"250 2.0.0 fine\r\n"
        } else {
            b"502 5.5.1 not here\r\n"
        };
        stream.write_all(answer).await?;
    }
    Ok(())
}

/// One line without its end; `None` when the sender hung up.
async fn line(stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<String>> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).await?;
    Ok((read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned()))
}

/// What stands between `<` and `>`.
fn address(line: &str) -> String {
    let inside = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map(|(address, _)| address.to_owned()).unwrap_or_default()
}
