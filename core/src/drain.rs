//! Receivers of an app's log lines: where they are and how they are spoken to.

use serde::{Deserialize, Serialize};

use crate::outbound::{Host, HttpAddress, InvalidAddress};

const LONGEST_TOKEN: usize = 1024;

/// Where lines go, with the secrets in it. It is stored sealed; [`describe`](Self::describe) is what
/// is shown of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DrainTarget {
    /// RFC 5424 messages over TCP, each with its length in front (RFC 6587).
    Syslog { host: Host, port: u16, tls: bool },
    /// JSON by POST: an array of lines.
    Http {
        url: HttpAddress,
        /// Sent as `Authorization: Bearer …`.
        token: Option<String>,
        gzip: bool,
    },
}

/// Why a target cannot be. No message repeats the address: it may be secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDrain {
    #[error("the address has to begin with `syslog://`, `syslog+tls://`, `https://` or `http://`")]
    Scheme,
    #[error("a syslog receiver has a host and a port and nothing else")]
    Syslog,
    #[error(transparent)]
    Address(#[from] InvalidAddress),
    #[error("syslog knows neither a token nor compression")]
    NotForSyslog,
    #[error("a token has 1 to {LONGEST_TOKEN} visible ASCII characters")]
    Token,
}

impl DrainTarget {
    /// The target of an address: `syslog://host:514`, `syslog+tls://host:6514`, `https://…`.
    ///
    /// # Errors
    /// When there is none such.
    pub fn parse(url: &str, token: Option<String>, gzip: bool) -> Result<Self, InvalidDrain> {
        let (scheme, rest) = url.split_once("://").ok_or(InvalidDrain::Scheme)?;
        let tls = match scheme {
            "syslog" => false,
            "syslog+tls" => true,
            "http" | "https" => {
                let visible = |token: &String| token.bytes().all(|byte| byte.is_ascii_graphic());
                let fits = |token: &String| (1..=LONGEST_TOKEN).contains(&token.len());
                if token.as_ref().is_some_and(|token| !fits(token) || !visible(token)) {
                    return Err(InvalidDrain::Token);
                }
                return Ok(Self::Http { url: url.parse()?, token, gzip });
            }
            _ => return Err(InvalidDrain::Scheme),
        };
        if token.is_some() || gzip {
            return Err(InvalidDrain::NotForSyslog);
        }
        let (host, port) = rest.rsplit_once(':').ok_or(InvalidDrain::Syslog)?;
        let plain = port.bytes().all(|byte| byte.is_ascii_digit());
        let port = plain.then(|| port.parse().ok()).flatten().filter(|port| *port > 0);
        let port = port.ok_or(InvalidDrain::Syslog)?;
        let host = host.parse().map_err(|_| InvalidDrain::Syslog)?;
        Ok(Self::Syslog { host, port, tls })
    }

    /// The machine that is spoken to.
    pub fn host(&self) -> &Host {
        match self {
            Self::Syslog { host, .. } => host,
            Self::Http { url, .. } => url.host(),
        }
    }

    /// The address without what may be secret in it: `https://logs.example.com/…`.
    pub fn describe(&self) -> String {
        match self {
            Self::Syslog { host, port, tls } => {
                let scheme = if *tls { "syslog+tls" } else { "syslog" };
                match host {
                    Host::Address(address) if address.is_ipv6() => {
                        format!("{scheme}://[{address}]:{port}")
                    }
                    Host::Address(_) | Host::Name(_) => format!("{scheme}://{host}:{port}"),
                }
            }
            Self::Http { url, .. } => url.masked(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_without_their_secrets() {
        for (url, shown) in [
            ("syslog://logs.example.com:514", "syslog://logs.example.com:514"),
            ("syslog+tls://[2606::1]:6514", "syslog+tls://[2606::1]:6514"),
            ("https://in.example.com/v1/s3cret?key=1", "https://in.example.com/…"),
        ] {
            let target = DrainTarget::parse(url, None, false).unwrap();
            assert_eq!(target.describe(), shown);
            let stored = serde_json::to_string(&target).unwrap();
            assert!(serde_json::from_str::<DrainTarget>(&stored).unwrap() == target);
        }
    }

    #[test]
    fn what_is_no_receiver_is_refused_without_repeating_it() {
        for bad in [
            "",
            "logs.example.com:514",
            "udp://logs.example.com:514",
            "syslog://logs.example.com",
            "syslog://logs.example.com:0",
            "syslog://logs.example.com:+5",
            "syslog://a b:514",
            "syslog://user@host:514",
            "syslog://host:514/path",
            "https://s3cret@host/",
            "https://",
        ] {
            let error = DrainTarget::parse(bad, None, false).err().unwrap().to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
        let parse = |url, token: &str| DrainTarget::parse(url, Some(token.to_owned()), false);
        assert!(parse("https://example.com/", "abc").is_ok());
        assert!(parse("https://example.com/", "a\r\nb").is_err());
        assert!(parse("https://example.com/", "").is_err());
        assert!(parse("syslog://example.com:514", "abc").is_err());
    }
}
