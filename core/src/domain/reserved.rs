//! Names that no app can have, because they are Slipway's own or another app's by nature.

use super::Domain;
use crate::name::Hostname;

/// The names that are given away already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservedNames {
    /// Every app answers at its own name below this one.
    pub apps: Hostname,
    /// Where the API, git and the console are reached.
    pub own: Vec<Hostname>,
}

/// Why a domain cannot be added to any app.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReservedName {
    #[error("`{domain}` is reserved: below `{apps}` every app has its name already")]
    BelowApps { domain: Domain, apps: Hostname },
    #[error("`{0}` is reserved: it is the address of Slipway itself")]
    Own(Domain),
}

impl ReservedName {
    /// What to do about it, whichever it is.
    pub const HINT: &'static str = "use a name in a domain of your own, such as `www.example.com`";
}

impl ReservedNames {
    /// # Errors
    /// When the domain is reserved.
    pub fn check(&self, domain: &Domain) -> Result<(), ReservedName> {
        if domain.is_within(&self.apps) {
            Err(ReservedName::BelowApps { domain: domain.clone(), apps: self.apps.clone() })
        } else if self.own.contains(domain.as_hostname()) {
            Err(ReservedName::Own(domain.clone()))
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_apps_and_of_slipway_are_nobodys() {
        let reserved = ReservedNames {
            apps: "apps.example.com".parse().unwrap(),
            own: vec!["slipway.example.com".parse().unwrap()],
        };
        let refusal = |name: &str| {
            reserved.check(&name.parse().unwrap()).err().map(|error| error.to_string())
        };
        for name in ["apps.example.com", "shop.apps.example.com", "a.b.apps.example.com"] {
            assert!(refusal(name).unwrap().contains("below `apps.example.com`"), "{name}");
        }
        assert!(refusal("slipway.example.com").unwrap().contains("Slipway itself"));
        for name in ["shop.example.com", "example.com", "a.slipway.example.com"] {
            assert_eq!(refusal(name), None, "{name}");
        }
    }
}
