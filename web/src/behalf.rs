//! In whose name the console calls the API: that of whoever called the console.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use slipway_client::{Behalf, Client};

use crate::console::Console;

const FORWARDED_FOR: &str = "x-forwarded-for";
/// Proxies on the way that are passed on; there are few, and anybody can make up more.
const MOST_HOPS: usize = 8;

/// The API, as nobody in particular, called for whoever sent this request. Like any proxy the
/// console adds the address it was called by to those that it was told; which of them are to be
/// believed is the API's to judge.
pub fn client(console: &Console, parts: &Parts) -> Client {
    let Some(ConnectInfo(peer)) = parts.extensions.get::<ConnectInfo<SocketAddr>>() else {
        return console.client.clone();
    };
    let mut way = told(&parts.headers);
    way.push(peer.ip().to_canonical());
    console.client.on_behalf(Behalf::new(&way, console.secret.clone()))
}

/// The way that a request says it took, back to the first hop that is no address.
fn told(headers: &HeaderMap) -> Vec<IpAddr> {
    let values = headers.get_all(FORWARDED_FOR).iter();
    let hops: Vec<Option<IpAddr>> = values
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .map(|hop| hop.trim().parse().ok())
        .collect();
    let mut way: Vec<IpAddr> =
        hops.into_iter().rev().map_while(|hop| hop).take(MOST_HOPS).collect();
    way.reverse();
    way
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(values: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(FORWARDED_FOR, value.parse().unwrap());
        }
        told(&headers).iter().map(IpAddr::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_way_is_passed_on_as_far_back_as_it_can_be_read() {
        assert_eq!(way(&[]), "");
        assert_eq!(way(&["203.0.113.9", "10.0.0.1, ::1"]), "203.0.113.9 10.0.0.1 ::1");
        assert_eq!(way(&["203.0.113.9, unknown, 10.0.0.1"]), "10.0.0.1");
        let long = "10.0.0.1,".repeat(50) + "10.0.0.2";
        assert_eq!(way(&[long.leak()]), format!("{}10.0.0.2", "10.0.0.1 ".repeat(7)));
    }
}
