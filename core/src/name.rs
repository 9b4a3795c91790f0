//! Validated names: what a text must be before it may reach a template, a path or a label.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text is not an acceptable name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a valid {kind}: {rule}")]
pub struct InvalidName {
    /// What was given, cut to 64 characters.
    pub text: String,
    /// What it should have been, for people.
    pub kind: &'static str,
    /// The rule it breaks, for people.
    pub rule: &'static str,
}

impl InvalidName {
    fn new(text: &str, kind: &'static str, rule: &'static str) -> Self {
        Self { text: text.chars().take(64).collect(), kind, rule }
    }
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident, $kind:literal, $normalise:path;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(value_type = String))]
        pub struct $name(String);

        impl $name {
            /// The validated text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                $normalise(text).map(Self).map_err(|rule| InvalidName::new(text, $kind, rule))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

names! {
    /// An application's name: 2 to 30 characters, `^[a-z]([a-z0-9-]{0,28}[a-z0-9])$`. It is a DNS
    /// label, part of container names and a directory name.
    AppName, "app name", dns_label;
    /// A process type's name (`web`, `worker`, …), of the same shape, at least one character.
    ProcessName, "process name", process_label;
    /// A host name in its one normal form: ASCII (IDNA), lower case, no trailing dot.
    Hostname, "host name", hostname;
    /// The key of a configuration value: `^[A-Za-z_][A-Za-z0-9_]{0,255}$`, not `SLIPWAY_*`.
    ConfigKey, "configuration key", config_key;
    /// The name a person signs in with: an e-mail address, lower case.
    Email, "e-mail address", email;
    /// A gauge an app exposes, named as Prometheus names its metrics:
    /// `^[A-Za-z_:][A-Za-z0-9_:]{0,63}$`.
    GaugeName, "gauge name", gauge_name;
    /// An alert's name, shaped like a process type's.
    AlertName, "alert name", process_label;
    /// A channel's name, shaped like a process type's.
    ChannelName, "channel name", process_label;
}

impl ProcessName {
    /// The process that receives HTTP traffic.
    pub fn web() -> Self {
        Self("web".to_owned())
    }

    /// The process that runs once before a release starts, and is never scaled.
    pub fn release() -> Self {
        Self("release".to_owned())
    }

    /// Whether this process is behind the proxy.
    pub fn is_web(&self) -> bool {
        self.0 == "web"
    }
}

fn label(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes.last().is_some_and(|byte| *byte != b'-')
        && bytes.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

fn dns_label(text: &str) -> Result<String, &'static str> {
    if (2..=30).contains(&text.len()) && label(text) {
        Ok(text.to_owned())
    } else {
        Err("use 2 to 30 of a-z, 0-9 and `-`, starting with a letter and not ending in `-`")
    }
}

fn process_label(text: &str) -> Result<String, &'static str> {
    if (1..=30).contains(&text.len()) && label(text) {
        Ok(text.to_owned())
    } else {
        Err("use 1 to 30 of a-z, 0-9 and `-`, starting with a letter and not ending in `-`")
    }
}

fn hostname(text: &str) -> Result<String, &'static str> {
    const RULE: &str = "use a plain host name such as `shop.example.com`";
    let text = text.strip_suffix('.').unwrap_or(text);
    let ascii = idna::domain_to_ascii_strict(text).map_err(|_| RULE)?.to_ascii_lowercase();
    let labels_fit = ascii.split('.').all(|part| {
        (1..=63).contains(&part.len())
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    });
    let last_is_numeric =
        ascii.rsplit('.').next().is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    if ascii.len() <= 253 && labels_fit && !last_is_numeric { Ok(ascii) } else { Err(RULE) }
}

fn config_key(text: &str) -> Result<String, &'static str> {
    let bytes = text.as_bytes();
    let shaped = bytes.len() <= 256
        && bytes.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    if !shaped {
        Err("use letters, digits and `_`, not starting with a digit")
    } else if text.to_ascii_uppercase().starts_with("SLIPWAY_") {
        Err("keys that start with `SLIPWAY_` are reserved")
    } else {
        Ok(text.to_owned())
    }
}

fn gauge_name(text: &str) -> Result<String, &'static str> {
    let first = text.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
    let shaped =
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'));
    if first && shaped && text.len() <= 64 {
        Ok(text.to_owned())
    } else {
        Err("use up to 64 letters, digits, `_` and `:`, not starting with a digit")
    }
}

fn email(text: &str) -> Result<String, &'static str> {
    const RULE: &str = "use an address such as `ada@example.com`";
    let lower = text.trim().to_lowercase();
    let (local, domain) = lower.rsplit_once('@').ok_or(RULE)?;
    let local_fits = (1..=64).contains(&local.len())
        && local.chars().all(|c| !c.is_whitespace() && !c.is_control() && c != '@');
    let domain = hostname(domain).map_err(|_| RULE)?;
    if local_fits { Ok(format!("{local}@{domain}")) } else { Err(RULE) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn app_names_are_dns_labels() {
        for good in ["ab", "shop", "a1", "my-app-2", &"a".repeat(30)] {
            assert!(good.parse::<AppName>().is_ok(), "{good}");
        }
        for bad in ["", "a", "Shop", "1a", "-a", "a-", "a_b", "a.b", "é1", &"a".repeat(31), "a/b"]
        {
            assert!(bad.parse::<AppName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn host_names_have_one_normal_form() {
        let normal = |text: &str| text.parse::<Hostname>().map(|name| name.to_string()).ok();
        assert_eq!(normal("Shop.Example.COM.").as_deref(), Some("shop.example.com"));
        assert_eq!(normal("bücher.example").as_deref(), Some("xn--bcher-kva.example"));
        for bad in ["", "a b", "a;b", "a{b}", "$host", "a\nb", "*.x.com", "127.0.0.1", "a..b", "-a"]
        {
            assert_eq!(normal(bad), None, "{bad}");
        }
    }

    #[test]
    fn reserved_configuration_keys_are_refused() {
        assert!("DATABASE_URL".parse::<ConfigKey>().is_ok());
        assert!("SLIPWAY_APP".parse::<ConfigKey>().is_err());
        assert!("slipway_app".parse::<ConfigKey>().is_err());
        assert!("A B".parse::<ConfigKey>().is_err());
    }

    #[test]
    fn addresses_are_lower_case() {
        assert_eq!("Ada@Example.com".parse::<Email>().unwrap().as_str(), "ada@example.com");
        assert!("ada".parse::<Email>().is_err());
    }
}
