//! What the proxy is told once, at its start.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Serialize;
use slipway_core::time::Millis;

/// A setting that must not reach nginx.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSetting {
    #[error(
        "`{}` cannot be written into an nginx configuration; \
         hint: use an absolute path of letters, digits and `/._-+=@,~`", .0.display()
    )]
    Path(PathBuf),
    #[error(
        "`{}` is {} bytes long and a unix socket's path may have 99; \
         hint: choose a shorter data directory", .0.display(), .0.as_os_str().len()
    )]
    SocketPath(PathBuf),
    #[error("`{0}` is not a user name")]
    User(String),
    #[error("the proxy has no address to listen on")]
    NoListener,
}

/// How to run the proxy's nginx.
#[derive(Debug, Clone)]
pub struct ProxySettings {
    /// The nginx program.
    pub nginx: PathBuf,
    /// Where `ndk_http_module.so` and `ngx_http_lua_module.so` are.
    pub modules: PathBuf,
    /// Where `resty/core.lua` is.
    pub lua: PathBuf,
    /// The installation's data directory. The proxy keeps to `proxy/` in it, nginx's prefix.
    pub data: PathBuf,
    /// Where visitors come in.
    pub listen: Vec<SocketAddr>,
    /// `None`: one for each core.
    pub worker_processes: Option<NonZeroU16>,
    /// Who the workers run as when this process is root; `None`: root as well. Whoever it is must
    /// be able to pass through the data directory and read the static files.
    pub worker_user: Option<WorkerUser>,
    /// Requests one client address may have under way at once. Meant against exhaustion, so far
    /// above what a browser does: whole offices and load tests come from one address.
    pub requests_per_address: u32,
    /// Load balancers in front of this proxy. Believed are their `X-Forwarded-For` and
    /// `X-Forwarded-Proto`, so that apps, limits and logs know the visitor and not the balancer, and
    /// their `X-Request-Start`, so that the time a request spent with them counts as waiting.
    /// Anybody else's are overwritten.
    pub trusted_fronts: Vec<IpAddr>,
    /// How long a replaced worker may finish its requests, websockets included.
    pub drain: Millis,
    /// Whether every request is written to `logs/access.log`, one JSON object a line, and from
    /// there into its app's log.
    pub access_log: bool,
}

impl ProxySettings {
    /// The defaults, with nginx where Debian puts it.
    pub fn new(data: impl Into<PathBuf>, listen: Vec<SocketAddr>) -> Self {
        Self {
            nginx: "/usr/sbin/nginx".into(),
            modules: "/usr/lib/nginx/modules".into(),
            lua: "/usr/share/lua/5.1".into(),
            data: data.into(),
            listen,
            worker_processes: None,
            worker_user: None,
            requests_per_address: 1000,
            trusted_fronts: Vec::new(),
            drain: Millis::from_secs(30),
            access_log: true,
        }
    }
}

/// The name of an account, as nginx's `user` directive takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct WorkerUser(String);

impl FromStr for WorkerUser {
    type Err = InvalidSetting;

    fn from_str(text: &str) -> Result<Self, InvalidSetting> {
        let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let fits = (1..=32).contains(&text.len()) && text.bytes().all(name);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidSetting::User(text.to_owned())) }
    }
}

impl fmt::Display for WorkerUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A path that means itself in an nginx configuration: absolute, and free of everything nginx or
/// Lua's package path would read as syntax.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(super) struct PlainPath(String);

impl PlainPath {
    pub(super) fn new(path: &Path) -> Result<Self, InvalidSetting> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+=@,~".contains(&byte);
        match path.to_str() {
            Some(text) if path.is_absolute() && text.bytes().all(plain) => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(InvalidSetting::Path(path.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_with_syntax_in_them_are_refused() {
        for good in ["/var/lib/slipway", "/srv/a-b_c.d+e=f@g,h~"] {
            assert!(PlainPath::new(Path::new(good)).is_ok(), "{good}");
        }
        for bad in
            ["", "data", "/a b", "/a;b", "/a\"b", "/a$b", "/a{b", "/a\nb", "/a?b", "/é", "/a#"]
        {
            assert!(PlainPath::new(Path::new(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn user_names_are_plain_words() {
        assert!("www-data".parse::<WorkerUser>().is_ok());
        for bad in ["", "a b", "root;", "a\nb", &"a".repeat(33)] {
            assert!(bad.parse::<WorkerUser>().is_err(), "{bad}");
        }
    }
}
