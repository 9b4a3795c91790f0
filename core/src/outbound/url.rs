//! Addresses of receivers, in a form so narrow that no two readers of it differ.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::name::Hostname;

const LONGEST: usize = 2048;

/// The machine in an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    Name(Hostname),
    Address(IpAddr),
}

/// An `http://` or `https://` address without credentials and without a fragment. Its path and query
/// may be secret: `Debug` shows its machine alone, and so does [`HttpAddress::masked`].
#[derive(Clone, PartialEq, Eq)]
pub struct HttpAddress {
    text: String,
    host: Host,
}

/// Why a text is no address to send to. The text is not repeated: it may be secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    #[error("the address has to begin with `https://` or `http://`")]
    Scheme,
    #[error("the address has no host name or IP address that is valid")]
    Host,
    #[error("the address has no valid port")]
    Port,
    #[error("the address holds a name and password; hint: put a secret into its path, or sign")]
    Credentials,
    #[error(
        "the address holds a blank, a fragment or another character that does not belong there"
    )]
    Character,
    #[error("the address is longer than {LONGEST} bytes")]
    Long,
}

impl HttpAddress {
    /// The whole address.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The machine in it.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The address without what may be secret in it: `https://hooks.example.com/…`.
    pub fn masked(&self) -> String {
        let begin = self.text.find("//").map_or(0, |at| at + 2);
        match self.text[begin..].find(['/', '?']) {
            Some(end) if self.text.len() > begin + end + 1 => {
                format!("{}/…", &self.text[..begin + end])
            }
            _ => self.text.clone(),
        }
    }
}

impl FromStr for HttpAddress {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        if text.len() > LONGEST {
            return Err(InvalidAddress::Long);
        }
        let rest = ["https://", "http://"].into_iter().find_map(|scheme| text.strip_prefix(scheme));
        let rest = rest.ok_or(InvalidAddress::Scheme)?;
        let fits = |byte: u8| byte.is_ascii_graphic() && !b"\\#\"<>^`{|}".contains(&byte);
        if !rest.bytes().all(fits) {
            return Err(InvalidAddress::Character);
        }
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(InvalidAddress::Credentials);
        }
        // The colons of an IPv6 address are inside brackets.
        let after_address = authority.rfind(']').map_or(0, |at| at + 1);
        let (host, port) = match authority[after_address..].find(':') {
            Some(at) => {
                let at = after_address + at;
                (&authority[..at], Some(&authority[at + 1..]))
            }
            None => (authority, None),
        };
        let is_port = |port: &str| {
            port.bytes().all(|byte| byte.is_ascii_digit())
                && port.parse::<u16>().is_ok_and(|port| port > 0)
        };
        if port.is_some_and(|port| !is_port(port)) {
            return Err(InvalidAddress::Port);
        }
        Ok(Self { text: text.to_owned(), host: host.parse()? })
    }
}

impl FromStr for Host {
    type Err = InvalidAddress;

    /// A host name, an IPv4 address of four decimal numbers, or an IPv6 address, with brackets or
    /// without. Other ways to write an IPv4 address (`0x7f.1`, `2130706433`) are refused.
    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let inside = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        if let Some(inside) = inside {
            return inside
                .parse()
                .map(|v6| Self::Address(IpAddr::V6(v6)))
                .or(Err(InvalidAddress::Host));
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        let name: Hostname = text.parse().map_err(|_| InvalidAddress::Host)?;
        let last = name.as_str().rsplit('.').next().unwrap_or_default();
        let is_number = last
            .strip_prefix("0x")
            .is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if is_number { Err(InvalidAddress::Host) } else { Ok(Self::Name(name)) }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Address(address) => address.fmt(f),
        }
    }
}

impl fmt::Debug for HttpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

macro_rules! as_text {
    ($($name:ty, $text:expr;)*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&$text(self))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }

        #[cfg(feature = "schema")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                String::schema()
            }
        }

        #[cfg(feature = "schema")]
        impl utoipa::ToSchema for $name {}
    )*};
}

as_text! {
    Host, Host::to_string;
    HttpAddress, HttpAddress::as_str;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart_like_everybody_does() {
        for (text, host, masked) in [
            ("https://hooks.example.com/a?b=c", "hooks.example.com", "https://hooks.example.com/…"),
            ("http://Example.com:8080", "example.com", "http://Example.com:8080"),
            ("http://1.2.3.4/", "1.2.3.4", "http://1.2.3.4/"),
            ("http://[2606::1]:80?secret", "2606::1", "http://[2606::1]:80/…"),
        ] {
            let address: HttpAddress = text.parse().unwrap();
            assert_eq!(address.host().to_string(), host);
            assert_eq!(address.masked(), masked);
            assert!(!format!("{address:?}").contains("secret"));
        }
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        for bad in [
            "ftp://example.com",
            "file:///etc/passwd",
            "gopher://x",
            "//example.com",
            "example.com",
            "HTTP://example.com",
            "http:example.com",
            "http:/example.com",
            "http://",
            "http:///path",
            "http://user@example.com",
            "http://a:b@127.0.0.1/",
            "http://example.com@1.1.1.1",
            "http://0x7f000001/",
            "http://0x7f.0.0.1",
            "http://127.0.0.0x1",
            "http://2130706433/",
            "http://0177.0.0.1",
            "http://127.1/",
            "http://1.1.1.1\\@x",
            "http://a b",
            "http://x/ y",
            "http://x#y",
            "http://x/\n",
            "http://example.com:0",
            "http://example.com:65536",
            "http://example.com:",
            "http://example.com:+80",
            "http://[::1",
            "http://[1.2.3.4]",
            "http://::1/",
            "http://exa%6dple.com",
            "http://①②⑦.0.0.1",
        ] {
            assert!(bad.parse::<HttpAddress>().is_err(), "{bad}");
        }
    }
}
