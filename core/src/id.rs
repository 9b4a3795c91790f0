//! Prefixed identifiers, one newtype for each kind of thing.
//!
//! An id is its prefix, an underscore and 26 characters of Crockford base 32 (lower case), which
//! encode 128 bits. The bits are a UUID version 7 in practice, so ids sort by creation time.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const ENCODED: usize = 26;

/// Why a text is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {kind} id: expected `{prefix}_` and 26 characters")]
pub struct InvalidId {
    text: String,
    kind: &'static str,
    prefix: &'static str,
}

fn encode(mut bits: u128) -> String {
    let mut out = [0_u8; ENCODED];
    for slot in out.iter_mut().rev() {
        *slot = ALPHABET[(bits & 31) as usize];
        bits >>= 5;
    }
    out.iter().map(|byte| char::from(*byte)).collect()
}

fn is_encoded(text: &str) -> bool {
    text.len() == ENCODED && text.bytes().all(|byte| ALPHABET.contains(&byte))
}

/// An identifier made of a fixed prefix and 128 bits.
pub trait Id: Sized + Clone + Ord + fmt::Display + FromStr<Err = InvalidId> {
    /// The text before the underscore, for example `app`.
    const PREFIX: &'static str;

    /// The id with exactly these bits. Callers mint the bits; `core` has no randomness.
    fn from_bits(bits: u128) -> Self;

    /// The whole id, prefix included.
    fn as_str(&self) -> &str;
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident, $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(value_type = String))]
        pub struct $name(String);

        impl Id for $name {
            const PREFIX: &'static str = $prefix;

            fn from_bits(bits: u128) -> Self {
                Self(format!("{}_{}", $prefix, encode(bits)))
            }

            fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                match text.split_once('_') {
                    Some(($prefix, rest)) if is_encoded(rest) => Ok(Self(text.to_owned())),
                    _ => Err(InvalidId {
                        text: text.chars().take(64).collect(),
                        kind: stringify!($name),
                        prefix: $prefix,
                    }),
                }
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

ids! {
    /// One Slipway installation: a data directory and everything that carries its label.
    InstallationId, "ins";
    /// An application.
    AppId, "app";
    /// An immutable release of an application.
    ReleaseId, "rel";
    /// One attempt to carry a release to production.
    DeploymentId, "dep";
    /// One running copy of one process of one release.
    InstanceId, "run";
    /// A stored source archive.
    SourceId, "src";
    /// A unit of durable background work.
    JobId, "job";
    /// A person who can sign in.
    UserId, "usr";
    /// A browser or CLI session.
    SessionId, "ses";
    /// An API token.
    TokenId, "tok";
    /// A one-time link by which somebody joins, or sets a new password.
    InvitationId, "inv";
    /// A row of the audit log.
    AuditId, "aud";
    /// A receiver of an app's log lines.
    DrainId, "drn";
    /// One time that an alert fired.
    FiringId, "fir";
    /// Where alerts are sent.
    ChannelId, "chn";
    /// One message on its way to a channel.
    DeliveryId, "dlv";
}

impl InstanceId {
    /// The last eight characters, which are random: short enough for container names and people.
    pub fn short(&self) -> &str {
        &self.0[self.0.len() - 8..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_a_round_trip() {
        for bits in [0, 1, u128::MAX, 0x0190_0000_0000_7000_8000_0000_0000_0001] {
            let id = AppId::from_bits(bits);
            assert_eq!(id.as_str().parse::<AppId>().unwrap(), id);
        }
    }

    #[test]
    fn ids_sort_like_their_bits() {
        assert!(AppId::from_bits(7) < AppId::from_bits(8));
        assert!(AppId::from_bits(31) < AppId::from_bits(32));
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let release = ReleaseId::from_bits(1);
        assert!(release.as_str().parse::<AppId>().is_err());
        assert!("app_".parse::<AppId>().is_err());
        assert!("app_../../etc/passwd".parse::<AppId>().is_err());
    }
}
