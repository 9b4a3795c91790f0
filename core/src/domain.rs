//! Domains: names of their own that apps answer at, beside the one that Slipway gives them.

pub mod environment;
mod reserved;

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use self::reserved::{ReservedName, ReservedNames};
use crate::name::Hostname;

/// Of a text that is refused, this many characters are repeated.
const REPEATED: usize = 64;
/// Longest host name in DNS, and longest label of one.
const LONGEST: usize = 253;
const LONGEST_LABEL: usize = 63;

/// A host name with at least one dot, in its one normal form: ASCII (IDNA), lower case, no trailing
/// dot. It is shown like that, too: the Unicode form of one name may look like another name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(value_type = String))]
pub struct Domain(Hostname);

/// Why a text cannot be a domain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` cannot be a domain: {problem}")]
pub struct InvalidDomain {
    /// What was given, cut to 64 characters.
    pub text: String,
    pub problem: DomainProblem,
}

/// What is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DomainProblem {
    #[error("it is more than a host name")]
    Url,
    #[error("it has a port")]
    Port,
    #[error("it is a wildcard")]
    Wildcard,
    #[error("it is an IP address, or ends like one")]
    Address,
    #[error("it has no dot")]
    Dotless,
    #[error("a name has at most {LONGEST} characters, and {LONGEST_LABEL} between two dots")]
    Long,
    #[error("it is not a host name")]
    Malformed,
}

impl DomainProblem {
    /// What to do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Url => "leave out everything but the name: `shop.example.com`",
            Self::Port => "leave out the port: a domain answers where all apps do",
            Self::Wildcard => "add every name by itself: `a.example.com`, `b.example.com`",
            Self::Address => "use a name; apps are told apart by it",
            Self::Dotless => "write it out: `shop.example.com`",
            Self::Long | Self::Malformed => "use a plain host name such as `shop.example.com`",
        }
    }
}

impl Domain {
    /// The normal form.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The same as a host name, which it always is.
    pub fn as_hostname(&self) -> &Hostname {
        &self.0
    }

    /// Whether this is `zone` itself or a name below it.
    pub fn is_within(&self, zone: &Hostname) -> bool {
        let above = self.as_str().strip_suffix(zone.as_str());
        above.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

impl FromStr for Domain {
    type Err = InvalidDomain;

    fn from_str(text: &str) -> Result<Self, InvalidDomain> {
        parsed(text).map(Self).map_err(|problem| InvalidDomain {
            text: text.chars().take(REPEATED).collect(),
            problem,
        })
    }
}

fn parsed(text: &str) -> Result<Hostname, DomainProblem> {
    let inside = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    if text.contains(['/', '\\', '?', '#', '@']) {
        Err(DomainProblem::Url)
    } else if text.contains('*') {
        Err(DomainProblem::Wildcard)
    } else if inside.parse::<IpAddr>().is_ok() {
        Err(DomainProblem::Address)
    } else if text.contains(':') {
        Err(DomainProblem::Port)
    } else {
        named(text)
    }
}

fn named(text: &str) -> Result<Hostname, DomainProblem> {
    let is_long = text.len() > LONGEST || text.split('.').any(|part| part.len() > LONGEST_LABEL);
    let otherwise = if is_long { DomainProblem::Long } else { DomainProblem::Malformed };
    let name: Hostname = text.parse().map_err(|_| otherwise)?;
    let (_, last) = name.as_str().rsplit_once('.').ok_or(DomainProblem::Dotless)?;
    // No top-level domain begins with a digit, and `0x7f` is a number to some readers.
    if last.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(DomainProblem::Address);
    }
    Ok(name)
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Domain {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Domain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn problem(text: &str) -> Option<DomainProblem> {
        text.parse::<Domain>().err().map(|error| error.problem)
    }

    #[test]
    fn one_name_has_one_form() {
        for (text, normal) in [
            ("shop.example.com", "shop.example.com"),
            ("Shop.EXAMPLE.com.", "shop.example.com"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("BÜCHER.example", "xn--bcher-kva.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("ｓｈｏｐ．example。com", "shop.example.com"),
            ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
            ("1.example.com", "1.example.com"),
        ] {
            assert_eq!(text.parse::<Domain>().unwrap().to_string(), normal, "{text}");
        }
    }

    #[test]
    fn what_is_no_domain_is_refused_with_its_reason() {
        use DomainProblem as P;
        for (text, expected) in [
            ("https://shop.example.com", P::Url),
            ("shop.example.com/path", P::Url),
            ("ada@example.com", P::Url),
            ("shop.example.com:8080", P::Port),
            ("*.example.com", P::Wildcard),
            ("shop.*.com", P::Wildcard),
            ("127.0.0.1", P::Address),
            ("::1", P::Address),
            ("[2001:db8::1]", P::Address),
            ("127.0.0.0x1", P::Address),
            ("1.2", P::Malformed),
            ("１２７.0.0.1", P::Malformed),
            ("localhost", P::Dotless),
            ("localhost.", P::Dotless),
            ("", P::Malformed),
            (".", P::Malformed),
            ("a..b", P::Malformed),
            (".example.com", P::Malformed),
            ("example.com..", P::Malformed),
            ("-shop.example.com", P::Malformed),
            ("shop_1.example.com", P::Malformed),
            ("shop example.com", P::Malformed),
            ("shop.example.com;", P::Malformed),
            ("shop.example.com\n", P::Malformed),
            ("$host.example.com", P::Malformed),
            ("{shop}.example.com", P::Malformed),
            ("xn--zzzzzzz-.example", P::Malformed),
        ] {
            assert_eq!(problem(text), Some(expected), "{text:?}");
        }
        let label = "a".repeat(63);
        assert_eq!(problem(&format!("{label}.example.com")), None);
        assert_eq!(problem(&format!("a{label}.example.com")), Some(P::Long));
        let whole = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        assert_eq!(whole.len(), 253);
        assert_eq!(problem(&whole), None);
        assert_eq!(problem(&format!("{whole}b")), Some(P::Long));
    }

    #[test]
    fn a_refusal_is_a_sentence_with_a_way_out() {
        let refused = "*.example.com".parse::<Domain>().unwrap_err();
        assert_eq!(refused.to_string(), "`*.example.com` cannot be a domain: it is a wildcard");
        assert!(refused.problem.hint().contains("every name by itself"));
        let long = format!("{}.example.com", "x".repeat(9000)).parse::<Domain>().unwrap_err();
        assert_eq!(long.text.len(), 64);
    }

    #[test]
    fn a_name_is_within_its_zone_and_not_beside_it() {
        let zone: Hostname = "apps.example.com".parse().unwrap();
        let within = |text: &str| text.parse::<Domain>().unwrap().is_within(&zone);
        assert!(within("apps.example.com") && within("shop.apps.example.com"));
        assert!(within("a.b.apps.example.com"));
        assert!(!within("myapps.example.com") && !within("example.com"));
    }

    prop_compose! {
        fn good()(
            labels in prop::collection::vec("[a-z0-9]{1,9}(-[a-z0-9]{1,9})?", 1..5),
            top in "[a-z]{2,12}",
        ) -> String {
            format!("{}.{top}", labels.join("."))
        }
    }

    proptest! {
        #[test]
        fn whatever_is_taken_is_plain_and_stays_as_it_is(text in "\\PC{0,40}(\\.\\PC{1,10})?") {
            if let Ok(domain) = text.parse::<Domain>() {
                let name = domain.as_str();
                let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.');
                prop_assert!(name.bytes().all(plain), "{}", name);
                prop_assert!(name.len() <= LONGEST && name.contains('.'));
                prop_assert!(name.split('.').all(|part| (1..=LONGEST_LABEL).contains(&part.len())));
                prop_assert!(name.parse::<IpAddr>().is_err());
                prop_assert_eq!(name.parse::<Domain>().unwrap(), domain);
            }
        }

        #[test]
        fn case_and_the_trailing_dot_make_no_other_name(name in good(), loud in any::<u64>()) {
            let shout = |(at, c): (usize, char)| {
                if (loud >> (at % 64)) & 1 == 1 { c.to_ascii_uppercase() } else { c }
            };
            let written: String = name.chars().enumerate().map(shout).collect();
            let domain: Domain = name.parse().unwrap();
            prop_assert_eq!(written.parse::<Domain>().unwrap(), domain.clone());
            prop_assert_eq!(format!("{written}.").parse::<Domain>().unwrap(), domain);
        }

        #[test]
        fn ports_wildcards_and_schemes_are_never_dropped_in_silence(name in good(), port: u16) {
            prop_assert_eq!(problem(&format!("{name}:{port}")), Some(DomainProblem::Port));
            prop_assert_eq!(problem(&format!("*.{name}")), Some(DomainProblem::Wildcard));
            prop_assert_eq!(problem(&format!("http://{name}")), Some(DomainProblem::Url));
        }

        #[test]
        fn it_survives_its_journey_as_json(name in good()) {
            let domain: Domain = name.parse().unwrap();
            let json = serde_json::to_string(&domain).unwrap();
            prop_assert_eq!(serde_json::from_str::<Domain>(&json).unwrap(), domain);
        }
    }
}
