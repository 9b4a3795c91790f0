//! Where a request comes from.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap};

use crate::settings::ApiSettings;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The client's address. `X-Forwarded-For` is read from the right, and only as far as every hop
/// on the way is a trusted proxy: what is left of that, anybody may have written. The console of
/// this process is trusted by its key, not by its address, which others on this machine have too.
pub fn client_address(
    extensions: &Extensions,
    headers: &HeaderMap,
    settings: &ApiSettings,
) -> IpAddr {
    let is_console = settings.console.as_ref().is_some_and(|key| key.is_shown(headers));
    address(extensions, headers, &settings.trusted_proxies, is_console)
}

fn address(
    extensions: &Extensions,
    headers: &HeaderMap,
    trusted: &[IpAddr],
    is_console: bool,
) -> IpAddr {
    let peer = extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(address)| {
            address.ip().to_canonical()
        });
    if !is_console && !trusted.contains(&peer) {
        return peer;
    }
    let mut client = peer;
    for hop in forwarded_for(headers).into_iter().rev() {
        let Ok(address) = hop.trim().parse::<IpAddr>() else { break };
        client = address.to_canonical();
        if !trusted.contains(&client) {
            break;
        }
    }
    client
}

fn forwarded_for(headers: &HeaderMap) -> Vec<&str> {
    headers
        .get_all(FORWARDED_FOR)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(peer: &str, forwarded: &[&'static str], is_console: bool) -> String {
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1234)));
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, value.parse().unwrap());
        }
        let trusted = ["127.0.0.1".parse().unwrap(), "10.0.0.1".parse().unwrap()];
        super::address(&extensions, &headers, &trusted, is_console).to_string()
    }

    fn address(peer: &str, forwarded: &[&'static str]) -> String {
        told(peer, forwarded, false)
    }

    #[test]
    fn the_console_is_believed_about_the_last_hop_alone() {
        let from_console = |forwarded: &[&'static str]| told("192.0.2.1", forwarded, true);
        assert_eq!(from_console(&["198.51.100.1, 203.0.113.9"]), "203.0.113.9");
        assert_eq!(from_console(&["1.2.3.4, 203.0.113.9, 10.0.0.1"]), "203.0.113.9");
        assert_eq!(from_console(&[]), "192.0.2.1");
    }

    #[test]
    fn a_stranger_cannot_choose_their_address() {
        assert_eq!(address("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(address("127.0.0.1", &["1.2.3.4, 203.0.113.9"]), "203.0.113.9");
        assert_eq!(address("127.0.0.1", &["1.2.3.4", "203.0.113.9, 10.0.0.1"]), "203.0.113.9");
    }

    #[test]
    fn a_trusted_proxy_without_a_header_is_itself_the_client() {
        assert_eq!(address("127.0.0.1", &[]), "127.0.0.1");
        assert_eq!(address("::ffff:127.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(address("127.0.0.1", &["nonsense"]), "127.0.0.1");
    }
}
