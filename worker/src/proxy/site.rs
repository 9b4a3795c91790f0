//! What the proxy's files say: the sites, and nothing about who serves them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use slipway_core::id::AppId;
use slipway_core::name::{AppName, Hostname};
use slipway_core::time::Millis;

use super::ProxyError;

/// Everything the rendered configuration depends on besides the settings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProxyConfig {
    /// In any order; rendered in the order of their ids.
    pub sites: Vec<Site>,
}

/// One app as visitors reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    pub app_id: AppId,
    pub app: AppName,
    /// The names it answers to; without any it is not reachable.
    pub hostnames: Vec<Hostname>,
    /// The prefix of files that are served without asking the app.
    pub static_url: Option<StaticUrl>,
    /// The directory with `current/` and `previous/`, in which such files are looked for, in this
    /// order, before the app is asked. Both may be symlinks and may change at any time without a
    /// word to the proxy. Below them no symlink is followed.
    pub static_root: PathBuf,
    pub limits: SiteLimits,
}

/// What a request may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SiteLimits {
    /// The largest request body, in bytes.
    pub max_body_bytes: u64,
    /// How long an app may be silent, between two reads of its answer or of a websocket.
    pub read_timeout: Millis,
}

impl Default for SiteLimits {
    fn default() -> Self {
        Self { max_body_bytes: 100 * 1024 * 1024, read_timeout: Millis::from_secs(60) }
    }
}

impl ProxyConfig {
    /// The sites by id, once it is certain that each name belongs to one app.
    pub(super) fn ordered(&self) -> Result<BTreeMap<&AppId, &Site>, ProxyError> {
        let mut owners: BTreeMap<&Hostname, &AppId> = BTreeMap::new();
        for site in &self.sites {
            for hostname in &site.hostnames {
                match owners.insert(hostname, &site.app_id) {
                    Some(first) if *first != site.app_id => {
                        return Err(ProxyError::DuplicateHostname {
                            hostname: hostname.clone(),
                            first: first.clone(),
                            second: site.app_id.clone(),
                        });
                    }
                    _ => {}
                }
            }
        }
        Ok(self.sites.iter().map(|site| (&site.app_id, site)).collect())
    }
}

/// A URL prefix with both slashes, such as `/static/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaticUrl(String);

/// Why a text is not a prefix for static files.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a prefix for static files; hint: use something like `/static/`")]
pub struct InvalidStaticUrl(String);

impl StaticUrl {
    /// The prefix as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A regular expression that matches the prefix and nothing else: of the characters a prefix
    /// may have, only the dot means something there.
    pub(super) fn as_pattern(&self) -> String {
        self.0.replace('.', "\\.")
    }
}

impl FromStr for StaticUrl {
    type Err = InvalidStaticUrl;

    fn from_str(text: &str) -> Result<Self, InvalidStaticUrl> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
        let segment = |part: &str| !matches!(part, "" | "." | "..") && part.bytes().all(plain);
        let inner = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
        match inner {
            Some(inner) if text.len() <= 200 && inner.split('/').all(segment) => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(InvalidStaticUrl(text.chars().take(64).collect())),
        }
    }
}

impl fmt::Display for StaticUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use slipway_core::id::Id;

    use super::*;

    #[test]
    fn static_prefixes_are_plain_paths() {
        for good in ["/static/", "/a/b-c/d.e/", "/~x_y/"] {
            assert!(good.parse::<StaticUrl>().is_ok(), "{good}");
        }
        for bad in ["", "/", "//", "static/", "/static", "/a//b/", "/../", "/a/./", "/a b/", "/a;/"]
        {
            assert!(bad.parse::<StaticUrl>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_of_two_apps_is_refused_and_both_are_named() {
        let site = |bits| Site {
            app_id: AppId::from_bits(bits),
            app: "shop".parse().unwrap(),
            hostnames: vec!["shop.example.com".parse().unwrap()],
            static_url: None,
            static_root: PathBuf::new(),
            limits: SiteLimits::default(),
        };
        let config = ProxyConfig { sites: vec![site(1), site(2)] };
        let error = config.ordered().unwrap_err().to_string();
        assert!(error.contains(site(1).app_id.as_str()) && error.contains(site(2).app_id.as_str()));
        assert!(ProxyConfig { sites: vec![site(1)] }.ordered().is_ok());
    }
}
