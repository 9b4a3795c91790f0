//! Who is believed about visitors: the fronts that the operator named, and nobody else.

use std::net::{IpAddr, Ipv4Addr};

use super::backend::Backend;
use super::client::Client;
use super::rig::{HOST, Rig, eventually};

const FRONT: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const SECOND_FRONT: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 4));

async fn rig() -> Rig {
    Rig::start_with(|settings| settings.trusted_fronts = vec![FRONT, SECOND_FRONT]).await
}

/// What the app is told of a request with these headers that comes from there: the visitor's
/// address, the scheme, the port.
async fn told(rig: &Rig, from: IpAddr, host: &str, headers: &str) -> [String; 3] {
    let mut client = Client::connect_from(from, rig.address).await;
    client.send(&format!("GET /headers HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n")).await;
    let response = client.receive().await.unwrap();
    assert_eq!(response.status(), 200);
    let seen = response.body.to_lowercase();
    let value = |name: &str| {
        let mut values =
            seen.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let value = values.next().unwrap_or_else(|| panic!("no {name} in {seen}")).to_owned();
        assert_eq!(values.next(), None, "{name} comes once");
        value
    };
    assert_eq!(value("x-real-ip"), value("x-forwarded-for"));
    assert_eq!((value("host"), value("x-forwarded-host")), (host.to_owned(), host.to_owned()));
    ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-port"].map(value)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_fronts_visitor_and_scheme_reach_the_app() {
    let rig = rig().await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    let own = rig.address.port().to_string();
    let with_port = format!("{HOST}:8443");
    for (host, headers, expected) in [
        (
            HOST,
            "X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 1\r\n",
            ["203.0.113.7", "https", "443"],
        ),
        (
            &with_port,
            "X-Forwarded-For: 2001:db8::7\r\nX-Forwarded-Proto: https\r\n",
            ["2001:db8::7", "https", "8443"],
        ),
        // Streams take another way through nginx.
        (
            HOST,
            "X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\n\
             Accept: text/event-stream\r\n",
            ["203.0.113.7", "https", "443"],
        ),
        // What a visitor wrote itself is left of what the fronts added.
        (
            HOST,
            "X-Forwarded-For: 198.51.100.1, 203.0.113.7, 127.0.0.3\r\nX-Forwarded-Proto: http\r\n",
            ["203.0.113.7", "http", &own],
        ),
        (
            HOST,
            "X-Forwarded-For: evil\r\nX-Forwarded-Proto: https, evil\r\n",
            ["127.0.0.2", "http", &own],
        ),
        (HOST, "", ["127.0.0.2", "http", &own]),
    ] {
        assert_eq!(told(&rig, FRONT, host, headers).await, expected, "{headers}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_that_claims_to_be_a_front_is_not_believed() {
    let rig = rig().await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    let own = rig.address.port().to_string();
    for visitor in ["203.0.113.7", "203.0.113.7, 127.0.0.2", "127.0.0.2"] {
        let headers = format!(
            "X-Forwarded-For: {visitor}\r\nX-Real-IP: {visitor}\r\nX-Forwarded-Proto: https\r\n\
             X-Forwarded-Port: 443\r\nX-Forwarded-Host: evil\r\n"
        );
        let seen = told(&rig, STRANGER, HOST, &headers).await;
        assert_eq!(seen, ["127.0.0.4", "http", &own], "{headers}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_and_the_access_log_know_visitors_and_not_their_front() {
    let rig = Rig::start_with(|settings| {
        settings.trusted_fronts = vec![FRONT];
        settings.requests_per_address = 1;
    })
    .await;
    let backend = Backend::start(1).await;
    rig.set(&[&backend]).await;
    let ask = async |path: &str, visitor: &str| {
        let mut client = Client::connect_from(FRONT, rig.address).await;
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\nX-Forwarded-For: {visitor}\r\n\r\n");
        client.send(&request).await;
        client
    };
    let mut slow = ask("/slow/3000", "203.0.113.7").await;
    eventually("the slow request arrives", || async { backend.requests() == 1 }).await;
    assert_eq!(ask("/", "203.0.113.7").await.receive().await.unwrap().status(), 429);
    assert_eq!(ask("/", "203.0.113.8").await.receive().await.unwrap().status(), 200);
    assert_eq!(slow.receive().await.unwrap().status(), 200);
    let log = rig.proxy.layout.access_log();
    let logged = || std::fs::read_to_string(&log).unwrap_or_default();
    eventually("all are written", || async { logged().lines().count() == 3 }).await;
    assert!(!logged().contains("127.0.0.2"), "{}", logged());
    assert_eq!(logged().matches("\"client\":\"203.0.113.7\"").count(), 2, "{}", logged());
}
