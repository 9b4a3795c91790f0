//! The rules, on real sockets.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use slipway_core::name::Hostname;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// Gives one answer after the other, whatever the name, and then none.
#[derive(Default)]
struct Scripted(Mutex<VecDeque<Vec<IpAddr>>>);

impl Resolve for Scripted {
    fn resolve(&self, _: &Hostname) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let answer = self.0.lock().unwrap().pop_front();
        let answer = answer.ok_or_else(|| io::Error::other("asked too often"));
        Box::pin(async move { answer })
    }
}

fn scripted(answers: &[&[&str]]) -> Arc<Scripted> {
    let parsed = |answer: &&[&str]| answer.iter().map(|it| it.parse().unwrap()).collect();
    Arc::new(Scripted(Mutex::new(answers.iter().map(parsed).collect())))
}

fn only_one_address() -> OutboundRules {
    OutboundRules::allowing(vec!["127.0.0.1/32".parse().unwrap()])
}

/// A server on this address that answers so to everybody; it counts those who connect.
async fn server(address: &str, answer: &'static str) -> (u16, Arc<Mutex<usize>>) {
    let listener = TcpListener::bind(address).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            *counted.lock().unwrap() += 1;
            let mut request = vec![0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (port, count)
}

const FINE: &str = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";

async fn post(outbound: &Outbound, to: &str) -> Result<(), OutboundError> {
    outbound.post(&to.parse().unwrap(), &[], Bytes::from_static(b"{}")).await
}

#[tokio::test]
async fn an_internal_address_is_refused_before_anything_connects() {
    let (port, count) = server("127.0.0.1:0", FINE).await;
    let outbound = Outbound::new(OutboundRules::default());
    for to in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
        let refused = post(&outbound, &format!("http://{to}:{port}/")).await.unwrap_err();
        assert!(matches!(refused, OutboundError::Refused(_)), "{refused}");
        assert!(refused.is_final() && refused.to_string().contains("--allow-outbound"));
    }
    assert_eq!(*count.lock().unwrap(), 0);
}

#[tokio::test]
async fn a_name_that_answers_differently_the_second_time_reaches_only_what_was_checked() {
    let (port, allowed) = server("127.0.0.1:0", FINE).await;
    let (_, internal) = server(&format!("127.0.0.2:{port}"), FINE).await;
    let names = scripted(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let outbound = Outbound::resolving(only_one_address(), names);
    let to = format!("http://rebind.example.com:{port}/");
    post(&outbound, &to).await.unwrap();
    let second = post(&outbound, &to).await.unwrap_err();
    assert!(matches!(second, OutboundError::Refused(_)), "{second}");
    assert_eq!((*allowed.lock().unwrap(), *internal.lock().unwrap()), (1, 0));
    let third = post(&outbound, &to).await.unwrap_err().to_string();
    assert!(third.contains("asked too often"), "each attempt asked once: {third}");
}

#[tokio::test]
async fn of_several_addresses_those_allowed_are_used() {
    let (port, allowed) = server("127.0.0.1:0", FINE).await;
    let (_, internal) = server(&format!("127.0.0.2:{port}"), FINE).await;
    let names = scripted(&[&["127.0.0.2", "10.0.0.1", "127.0.0.1"]]);
    let outbound = Outbound::resolving(only_one_address(), names);
    post(&outbound, &format!("http://mixed.example.com:{port}/")).await.unwrap();
    assert_eq!((*allowed.lock().unwrap(), *internal.lock().unwrap()), (1, 0));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let (elsewhere, count) = server("127.0.0.1:0", FINE).await;
    let moved = format!(
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{elsewhere}/\r\nContent-Length: 0\r\n\r\n"
    );
    let (port, _) = server("127.0.0.1:0", moved.leak()).await;
    let outbound = Outbound::new(only_one_address());
    let answer = post(&outbound, &format!("http://127.0.0.1:{port}/")).await.unwrap_err();
    assert!(matches!(answer, OutboundError::Status { status: 302, .. }), "{answer}");
    assert_eq!(*count.lock().unwrap(), 0);
}

#[tokio::test]
async fn no_error_repeats_the_path_and_an_answer_is_shown_on_one_line() {
    let no = "HTTP/1.1 403 Forbidden\r\nContent-Length: 12\r\n\r\nno\r\n\x1b[2Jway!";
    let (port, _) = server("127.0.0.1:0", no).await;
    let outbound = Outbound::new(only_one_address());
    let answer = post(&outbound, &format!("http://127.0.0.1:{port}/hunter2")).await.unwrap_err();
    assert_eq!(answer.to_string(), "`127.0.0.1` answered 403: no   [2Jway!");
    let closed = post(&outbound, "http://127.0.0.1:1/hunter2").await.unwrap_err().to_string();
    assert!(!closed.contains("hunter2") && closed.contains("refused"), "{closed}");
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_without_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let _ = stream.read(&mut request).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        let mut sent = 0_usize;
        while stream.write_all(&vec![b'x'; 65536]).await.is_ok() && sent < 1 << 30 {
            sent += 65536;
        }
        sent
    });
    post(&Outbound::new(only_one_address()), &format!("http://127.0.0.1:{port}/")).await.unwrap();
    let sent = served.await.unwrap();
    assert!(sent < 64 << 20, "{sent} bytes were taken: what the sockets buffer, and no more");
}
