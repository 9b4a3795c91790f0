//! Where Slipway may send to on somebody's behalf: rules about addresses, without asking anybody.
//!
//! They hold twice. When a destination is saved, what its text says is checked ([`HttpAddress`],
//! [`OutboundRules::check_host`]). When it is used, its name is resolved once, every address is
//! checked ([`OutboundRules::refusal`]), and the connection goes to an address that was.

mod network;
mod url;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub use network::{InvalidNetwork, Network};
pub use url::{Host, HttpAddress, InvalidAddress};

/// Why Slipway sends nothing there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("`{address}` is {what}, and Slipway sends nothing there")]
    Address { address: IpAddr, what: &'static str },
    #[error("`{0}` is a name of this machine, and Slipway sends nothing there")]
    Name(String),
}

/// What to do about a refusal.
pub const REFUSAL_HINT: &str =
    "the operator of the server can allow it: `slipwayd run --allow-outbound ADDRESS/BITS`";

/// Networks that the operator allows although they are internal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OutboundRules {
    allowed: Vec<Network>,
}

impl OutboundRules {
    /// Internal networks are refused, except these.
    pub fn allowing(allowed: Vec<Network>) -> Self {
        Self { allowed }
    }

    /// Whether an address may be connected to.
    ///
    /// # Errors
    /// With what kind of address it is.
    pub fn refusal(&self, address: IpAddr) -> Result<(), Refusal> {
        let plain = plain(address);
        if self.allowed.iter().any(|network| network.contains(plain)) {
            return Ok(());
        }
        let what = match plain {
            IpAddr::V4(v4) => internal_v4(v4),
            IpAddr::V6(v6) => internal_v6(v6),
        };
        what.map_or(Ok(()), |what| Err(Refusal::Address { address, what }))
    }

    /// Whether a destination may be saved, by what its text says alone. A name that resolves to an
    /// internal address is only refused when it is used.
    ///
    /// # Errors
    /// For internal addresses, and for names that mean this machine.
    pub fn check_host(&self, host: &Host) -> Result<(), Refusal> {
        match host {
            Host::Address(address) => self.refusal(*address),
            Host::Name(name) => {
                let name = name.as_str();
                let is_local = name == "localhost" || name.ends_with(".localhost");
                let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
                if is_local && self.refusal(loopback).is_err() {
                    return Err(Refusal::Name(name.to_owned()));
                }
                Ok(())
            }
        }
    }
}

/// An IPv4 address in the disguise of an IPv6 one is what it stands for.
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    if let Some(v4) = v6.to_ipv4_mapped() {
        return IpAddr::V4(v4);
    }
    let embedded = |high: u16, low: u16| {
        let ([one, two], [three, four]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(one, two, three, four))
    };
    // NAT64 (RFC 6052) and 6to4 (RFC 3056) carry the IPv4 address that packets end at.
    match v6.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => embedded(high, low),
        _ => address,
    }
}

/// What kind of internal address it is; the special-purpose registry of RFC 6890, as it is kept.
fn internal_v4(address: Ipv4Addr) -> Option<&'static str> {
    match address.octets() {
        [0, ..] => Some("an address of no network"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Some("a private address"),
        [100, 64..=127, ..] => Some("an address between provider and customer"),
        [127, ..] => Some("a loopback address"),
        // Cloud metadata services answer here.
        [169, 254, ..] => Some("a link-local address"),
        [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => {
            Some("an address reserved for protocols and documents")
        }
        [192, 88, 99, _] => Some("a relay's address"),
        [198, 18..=19, ..] => Some("an address reserved for benchmarks"),
        [224..=239, ..] => Some("a multicast address"),
        [240..=255, ..] => Some("a reserved address"),
        _ => None,
    }
}

/// The same of IPv6: outside of what is global unicast (`2000::/3`) everything is internal.
fn internal_v6(address: Ipv6Addr) -> Option<&'static str> {
    let [a, b, ..] = address.segments();
    match (a, b) {
        _ if address.is_loopback() => Some("a loopback address"),
        _ if address.is_unspecified() => Some("an address of no network"),
        (0xfe80..=0xfebf, _) => Some("a link-local address"),
        // Some clouds' metadata services answer here.
        (0xfc00..=0xfdff | 0xfec0..=0xfeff, _) => Some("a private address"),
        (0xff00..=0xffff, _) => Some("a multicast address"),
        (0x2001, 0x0000..=0x01ff | 0x0db8) | (0x3fff, 0x0000..=0x0fff) => {
            Some("an address reserved for protocols and documents")
        }
        (0x2000..=0x3fff, _) => None,
        _ => Some("a reserved address"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(text: &str) -> bool {
        OutboundRules::default().refusal(text.parse().unwrap()).is_err()
    }

    #[test]
    fn internal_addresses_are_refused_in_every_disguise() {
        for internal in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.168.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::",
            "2001::1",
            "2001:db8::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(refused(internal), "{internal}");
        }
    }

    #[test]
    fn addresses_of_the_internet_are_not() {
        for public in [
            "1.1.1.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.167.0.1",
            "100.128.0.1",
            "2606:4700:4700::1111",
            "64:ff9b::101:101",
            "2002:101:101::",
            "::ffff:1.1.1.1",
        ] {
            assert!(!refused(public), "{public}");
        }
    }

    #[test]
    fn the_operator_allows_networks_and_nothing_beside_them() {
        let rules = OutboundRules::allowing(vec!["127.0.0.1/32".parse().unwrap()]);
        let allows = |text: &str| rules.refusal(text.parse().unwrap()).is_ok();
        assert!(allows("127.0.0.1") && allows("::ffff:127.0.0.1"));
        assert!(!allows("127.0.0.2") && !allows("10.0.0.1") && !allows("::1"));
    }

    #[test]
    fn names_of_this_machine_are_refused_when_they_are_saved() {
        let host = |text: &str| text.parse::<Host>().unwrap();
        let rules = OutboundRules::default();
        for local in ["localhost", "LOCALHOST.", "api.localhost", "127.0.0.1", "[::1]"] {
            assert!(rules.check_host(&host(local)).is_err(), "{local}");
        }
        assert!(rules.check_host(&host("hooks.example.com")).is_ok());
        let allowing = OutboundRules::allowing(vec!["127.0.0.0/8".parse().unwrap()]);
        assert!(allowing.check_host(&host("localhost")).is_ok());
    }

    proptest! {
        #[test]
        fn a_disguise_changes_no_verdict(bits: u32) {
            let v4 = Ipv4Addr::from_bits(bits);
            let rules = OutboundRules::default();
            let verdict = rules.refusal(v4.into()).is_ok();
            prop_assert_eq!(rules.refusal(v4.to_ipv6_mapped().into()).is_ok(), verdict);
            let nat64 = Ipv6Addr::from_bits((0x0064_ff9b_u128 << 96) | u128::from(bits));
            prop_assert_eq!(rules.refusal(nat64.into()).is_ok(), verdict);
        }
    }
}
