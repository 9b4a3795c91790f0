//! Where a Slipway server is.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use reqwest::Url;

/// The address of a server in its one normal form: `http` or `https`, no user, no query, no
/// trailing slash. Two spellings of the same address compare equal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerUrl(Url);

/// Why a text is not a server's address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a server address: {rule}")]
pub struct InvalidServerUrl {
    text: String,
    rule: &'static str,
}

impl ServerUrl {
    /// The address of a path below the server, each segment percent-encoded.
    pub(crate) fn join(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// Whether requests and tokens travel in the clear.
    pub fn is_plain(&self) -> bool {
        self.0.scheme() == "http"
    }

    /// The host, without brackets or port.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default().trim_matches(['[', ']'])
    }

    /// The port, the scheme's own one when none is written.
    pub fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or_default()
    }

    /// Whether the server is on this machine: a loopback address, `localhost` or `*.localhost`.
    pub fn is_local(&self) -> bool {
        is_local_host(self.host())
    }
}

impl FromStr for ServerUrl {
    type Err = InvalidServerUrl;

    /// Without a scheme, `http` is taken for this machine and `https` for any other.
    fn from_str(text: &str) -> Result<Self, InvalidServerUrl> {
        let refuse = |rule| InvalidServerUrl { text: text.chars().take(200).collect(), rule };
        let trimmed = text.trim();
        let with_scheme = if trimmed.contains("://") {
            trimmed.to_owned()
        } else {
            let host = trimmed.split(['/', ':']).next().unwrap_or_default();
            let scheme = if is_local_host(host) { "http" } else { "https" };
            format!("{scheme}://{trimmed}")
        };
        let mut url = Url::parse(&with_scheme)
            .map_err(|_| refuse("use an address such as `https://slipway.example.com`"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse("it must start with `http://` or `https://`"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("it must not contain a user or password"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("it must not contain `?` or `#`"));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

fn is_local_host(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(text: &str) -> Result<String, String> {
        text.parse::<ServerUrl>().map(|url| url.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn an_address_has_one_normal_form() {
        for (given, expected) in [
            ("http://localhost:8080/", "http://localhost:8080"),
            ("localhost:8080", "http://localhost:8080"),
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("slipway.localhost", "http://slipway.localhost"),
            ("HTTPS://Slipway.Example.com:443", "https://slipway.example.com"),
            ("slipway.example.com", "https://slipway.example.com"),
            ("https://example.com/slipway//", "https://example.com/slipway"),
        ] {
            assert_eq!(normal(given).as_deref(), Ok(expected), "{given}");
        }
    }

    #[test]
    fn what_is_not_a_server_address_is_refused() {
        for bad in ["", "ftp://x", "https://ada:pw@x", "https://x/?a=1", "https://x/#a", "http://"]
        {
            assert!(normal(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn path_segments_cannot_leave_their_place() {
        let server: ServerUrl = "https://example.com/slipway".parse().unwrap();
        let url = server.join(&["v1", "apps", "a/../b?c"]);
        assert_eq!(url.as_str(), "https://example.com/slipway/v1/apps/a%2F..%2Fb%3Fc");
    }
}
