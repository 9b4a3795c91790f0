//! The environment of a container.

use std::collections::BTreeMap;

use slipway_core::config::Config;
use slipway_core::domain::environment::{HOSTS, ORIGINS};
use slipway_core::id::InstanceId;
use slipway_core::name::{AppName, Hostname, ProcessName};

/// What an instance is told about itself.
pub struct Identity<'a> {
    pub app: &'a AppName,
    pub version: u32,
    pub process: &'a ProcessName,
    pub instance: &'a InstanceId,
    pub port: Option<u16>,
    pub addresses: &'a Addresses,
}

/// Where an app answers.
pub struct Addresses {
    /// The one that Slipway gives it.
    pub url: String,
    /// Every name, that one first.
    pub hostnames: Vec<Hostname>,
    /// The same as origins.
    pub origins: Vec<String>,
}

/// The app's configuration, completed.
///
/// The app's own values win over the defaults (`ALLOWED_HOSTS` and its like, which Django projects
/// read under several names), and nothing wins over `PORT` and `SLIPWAY_*`.
pub fn environment(config: &Config, identity: &Identity<'_>) -> BTreeMap<String, String> {
    let Addresses { url, hostnames, origins } = identity.addresses;
    let local = ["localhost", "127.0.0.1"];
    let hosts: Vec<&str> = hostnames.iter().map(Hostname::as_str).chain(local).collect();
    let (hosts, origins) = (hosts.join(","), origins.join(","));
    let mut variables = BTreeMap::new();
    variables.extend(HOSTS.map(|name| (name.to_owned(), hosts.clone())));
    variables.extend(ORIGINS.map(|name| (name.to_owned(), origins.clone())));
    variables.extend(config.0.iter().map(|(key, value)| (key.to_string(), value.clone())));
    if let Some(port) = identity.port {
        variables.insert("PORT".to_owned(), port.to_string());
    }
    variables.extend([
        ("SLIPWAY_APP".to_owned(), identity.app.to_string()),
        ("SLIPWAY_RELEASE".to_owned(), format!("v{}", identity.version)),
        ("SLIPWAY_PROCESS".to_owned(), identity.process.to_string()),
        ("SLIPWAY_INSTANCE".to_owned(), identity.instance.short().to_owned()),
        ("SLIPWAY_URL".to_owned(), url.clone()),
    ]);
    variables
}

#[cfg(test)]
mod tests {
    use super::*;
    use slipway_core::id::Id;

    fn made(config: &[(&str, &str)]) -> BTreeMap<String, String> {
        let pair = |(key, value): &(&str, &str)| (key.parse().unwrap(), (*value).to_owned());
        let names = ["shop.localhost", "shop.example.com"];
        environment(
            &Config(config.iter().map(pair).collect()),
            &Identity {
                app: &"shop".parse().unwrap(),
                version: 3,
                process: &ProcessName::web(),
                instance: &InstanceId::from_bits(7),
                port: Some(8000),
                addresses: &Addresses {
                    url: "http://shop.localhost:8080".to_owned(),
                    hostnames: names.map(|name| name.parse().unwrap()).into(),
                    origins: names.map(|name| format!("http://{name}:8080")).into(),
                },
            },
        )
    }

    #[test]
    fn the_apps_values_win_over_defaults_and_lose_to_its_identity() {
        let variables = made(&[("ALLOWED_HOSTS", "*"), ("PORT", "1"), ("A", "a\n\"$#=é🚀")]);
        assert_eq!(variables["ALLOWED_HOSTS"], "*");
        assert_eq!(variables["PORT"], "8000");
        assert_eq!(variables["A"], "a\n\"$#=é🚀");
        assert_eq!(variables["SLIPWAY_RELEASE"], "v3");
        assert_eq!(variables["SLIPWAY_INSTANCE"], "00000007");
    }

    #[test]
    fn every_name_of_the_app_is_listed_and_the_first_is_its_url() {
        let variables = made(&[]);
        for name in HOSTS {
            assert_eq!(variables[name], "shop.localhost,shop.example.com,localhost,127.0.0.1");
        }
        for name in ORIGINS {
            assert_eq!(variables[name], "http://shop.localhost:8080,http://shop.example.com:8080");
        }
        assert_eq!(variables["SLIPWAY_URL"], "http://shop.localhost:8080");
    }
}
