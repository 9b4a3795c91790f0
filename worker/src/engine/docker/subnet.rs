//! IPv4 subnets, and which of them are free on this host.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// An IPv4 network: `10.201.0.0/16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subnet {
    base: u32,
    prefix: u8,
}

/// Why a text is not a subnet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an IPv4 subnet: expected the form `10.201.0.0/16`, all host bits zero")]
pub struct InvalidSubnet(String);

impl Subnet {
    /// A subnet written in the source, checked when it is compiled.
    ///
    /// # Panics
    /// When host bits are set or the prefix is longer than 32, or zero.
    pub const fn literal(base: [u8; 4], prefix: u8) -> Self {
        let base = u32::from_be_bytes(base);
        assert!(prefix > 0 && prefix <= 32 && base << (prefix - 1) << 1 == 0);
        Self { base, prefix }
    }

    /// The subnets of this prefix length inside, in order; none when `prefix` is shorter.
    pub fn split(self, prefix: u8) -> impl Iterator<Item = Self> {
        let wanted = prefix >= self.prefix && prefix <= 32;
        let count = if wanted { 1_u64 << (prefix - self.prefix) } else { 0 };
        (0..count).filter_map(move |index| {
            let offset = u32::try_from(index << (32 - prefix)).ok()?;
            Some(Self { base: self.base + offset, prefix })
        })
    }

    /// Whether the two share an address.
    pub fn overlaps(self, other: Self) -> bool {
        let shorter = self.prefix.min(other.prefix);
        self.base & mask(shorter) == other.base & mask(shorter)
    }
}

/// The destinations of a `/proc/net/route` table, without the default route.
pub fn routed(table: &str) -> Vec<Subnet> {
    table.lines().skip(1).filter_map(route).filter(|route| route.prefix > 0).collect()
}

fn route(line: &str) -> Option<Subnet> {
    let mut columns = line.split_whitespace();
    let number = |text: Option<&str>| Some(u32::from_str_radix(text?, 16).ok()?.swap_bytes());
    let base = number(columns.nth(1))?;
    let mask = number(columns.nth(5))?;
    Some(Subnet { base, prefix: u8::try_from(mask.leading_ones()).ok()? })
}

fn mask(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)
}

impl FromStr for Subnet {
    type Err = InvalidSubnet;

    fn from_str(text: &str) -> Result<Self, InvalidSubnet> {
        let invalid = || InvalidSubnet(text.to_owned());
        let (address, prefix) = text.split_once('/').ok_or_else(invalid)?;
        let base = u32::from(address.parse::<Ipv4Addr>().map_err(|_| invalid())?);
        let prefix = prefix.parse().ok().filter(|prefix| *prefix <= 32).ok_or_else(invalid)?;
        if base & !mask(prefix) == 0 { Ok(Self { base, prefix }) } else { Err(invalid()) }
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from(self.base), self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnet(text: &str) -> Subnet {
        text.parse().unwrap()
    }

    #[test]
    fn a_pool_splits_into_all_its_subnets_in_order() {
        let parts: Vec<String> =
            subnet("10.0.0.0/24").split(26).map(|part| part.to_string()).collect();
        assert_eq!(parts, ["10.0.0.0/26", "10.0.0.64/26", "10.0.0.128/26", "10.0.0.192/26"]);
        assert_eq!(subnet("10.201.0.0/16").split(25).count(), 512);
        assert_eq!(subnet("10.0.0.0/26").split(24).count(), 0);
        assert_eq!(subnet("255.255.255.0/24").split(32).count(), 256);
    }

    #[test]
    fn overlap_means_a_shared_address() {
        assert!(subnet("10.0.0.0/8").overlaps(subnet("10.201.0.0/25")));
        assert!(subnet("10.201.0.0/25").overlaps(subnet("10.0.0.0/8")));
        assert!(!subnet("10.201.0.0/25").overlaps(subnet("10.201.0.128/25")));
        assert!(subnet("0.0.0.0/0").overlaps(subnet("192.168.0.0/16")));
    }

    #[test]
    fn host_routes_are_read_without_the_default() {
        let table = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
            eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
            eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n\
            docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n";
        assert_eq!(routed(table), [subnet("192.168.0.0/16"), subnet("172.17.0.0/16")]);
    }

    #[test]
    fn host_bits_and_long_prefixes_are_refused() {
        for text in ["10.201.0.1/16", "10.0.0.0/33", "10.0.0.0", "::/8"] {
            assert!(text.parse::<Subnet>().is_err(), "{text}");
        }
    }
}
