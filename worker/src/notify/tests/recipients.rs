//! Who gets an e-mail when a server does not take it for everybody.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use slipway_core::channel::{Mail, MailSecurity};
use slipway_core::outbound::OutboundRules;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::*;

/// A mail server that treats recipients by their names: `gone` is refused until there is such a
/// mailbox, at `cut` it hangs up, and at `slow` it says nothing more. Clones are the same server.
#[derive(Clone, Default)]
struct Server {
    /// The recipients of each message it took.
    taken: Arc<Mutex<Vec<Vec<String>>>>,
    has_mailbox: Arc<AtomicBool>,
    silent: Arc<Notify>,
}

impl Server {
    async fn start() -> (Self, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Self::default();
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = serving.clone();
                tokio::spawn(async move { server.converse(BufReader::new(stream)).await });
            }
        });
        (server, port)
    }

    async fn converse(&self, mut stream: BufReader<TcpStream>) -> std::io::Result<()> {
        let mut to = Vec::new();
        let mut is_letter = false;
        stream.write_all(b"220 mail.test\r\n").await?;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let line = line.trim_end();
            if is_letter && line != "." {
                continue;
            }
            let answer: &[u8] = match line {
                "DATA" => {
                    is_letter = true;
                    b"354 go ahead\r\n"
                }
                "." => {
                    is_letter = false;
                    self.taken.lock().unwrap().push(std::mem::take(&mut to));
                    b"250 taken\r\n"
                }
                _ if line.contains("TO:<cut@") => return Ok(()),
                _ if line.contains("TO:<slow@") => {
                    self.silent.notify_one();
                    return std::future::pending().await;
                }
                _ if line.contains("TO:<gone@") && !self.has_mailbox.load(Relaxed) => {
                    b"550 5.1.1 nobody of that name\r\n"
                }
                _ => {
                    let recipient = line.strip_prefix("RCPT TO:<");
                    to.extend(recipient.map(|it| it.trim_end_matches('>').to_owned()));
                    b"250 fine\r\n"
                }
            };
            stream.write_all(answer).await?;
        }
    }

    /// Whom each of the messages that it took was for, and only for.
    fn taken(&self) -> Vec<String> {
        let taken = self.taken.lock().unwrap();
        assert!(taken.iter().all(|to| to.len() == 1), "one envelope a recipient: {taken:?}");
        taken.concat()
    }
}

/// Sends a message through the server on this port.
async fn send(port: u16, to: &[&str]) -> Result<(), NotifyError> {
    let mail = Mail {
        host: "127.0.0.1".parse().unwrap(),
        port,
        security: MailSecurity::None,
        username: None,
        password: None,
        from: "slipway@example.com".parse().unwrap(),
        to: to.iter().map(|name| format!("{name}@example.com").parse().unwrap()).collect(),
    };
    let rules = OutboundRules::allowing(vec!["127.0.0.1/32".parse().unwrap()]);
    let fires = Message::Fires { firing: firing(false) };
    let target = Target::Email(mail);
    super::super::send(&Outbound::new(rules), &target, &owed(fires), Timestamp(0)).await
}

#[tokio::test]
async fn a_recipient_who_left_costs_nobody_else_the_message() {
    let (server, port) = Server::start().await;
    send(port, &["gone", "ada", "grace"]).await.unwrap();
    assert_eq!(server.taken(), ["ada@example.com", "grace@example.com"]);
    send(port, &["ada", "gone"]).await.unwrap();
    assert_eq!(server.taken()[2..], ["ada@example.com"]);
}

#[tokio::test]
async fn what_nobody_took_is_tried_again_and_comes_once() {
    let (server, port) = Server::start().await;
    let error = send(port, &["gone", "cut"]).await.unwrap_err();
    assert!(!error.is_final(), "{error}");
    let said = error.to_string();
    assert!(said.contains("`gone@example.com`: permanent error (550)"), "{said}");
    assert!(said.contains("`cut@example.com`: "), "{said}");
    assert!(server.taken().is_empty());
    server.has_mailbox.store(true, Relaxed);
    send(port, &["gone", "cut"]).await.unwrap();
    assert_eq!(server.taken(), ["gone@example.com"]);
}

#[tokio::test]
async fn a_server_that_hangs_up_is_asked_again_for_the_others() {
    let (server, port) = Server::start().await;
    send(port, &["ada", "cut", "grace"]).await.unwrap();
    assert_eq!(server.taken(), ["ada@example.com", "grace@example.com"]);
}

#[tokio::test]
async fn who_is_named_twice_gets_it_once() {
    let (server, port) = Server::start().await;
    send(port, &["ada", "ada"]).await.unwrap();
    assert_eq!(server.taken(), ["ada@example.com"]);
}

#[tokio::test]
async fn a_server_that_falls_silent_makes_no_taken_message_come_again() {
    for (to, is_sent) in [(["ada", "slow"], true), (["slow", "ada"], false)] {
        let (server, port) = Server::start().await;
        let sending = tokio::spawn(async move { send(port, &to).await });
        server.silent.notified().await;
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(26)).await;
        let sent = sending.await.unwrap();
        tokio::time::resume();
        assert_eq!(sent.is_ok(), is_sent);
        assert_eq!(server.taken().len(), usize::from(is_sent));
    }
}
