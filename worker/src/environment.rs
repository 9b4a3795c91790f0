//! The environment of a container.

use std::collections::BTreeMap;

use slipway_core::config::Config;
use slipway_core::id::InstanceId;
use slipway_core::name::{AppName, Hostname, ProcessName};

/// What an instance is told about itself.
pub struct Identity<'a> {
    pub app: &'a AppName,
    pub version: u32,
    pub process: &'a ProcessName,
    pub instance: &'a InstanceId,
    pub port: Option<u16>,
    pub hostname: &'a Hostname,
    pub url: &'a str,
}

/// The app's configuration, completed.
///
/// The app's own values win over the defaults (`ALLOWED_HOSTS` and its like, which Django projects
/// read under several names), and nothing wins over `PORT` and `SLIPWAY_*`.
pub fn environment(config: &Config, identity: &Identity<'_>) -> BTreeMap<String, String> {
    let hosts = format!("{},localhost,127.0.0.1", identity.hostname);
    let mut variables = BTreeMap::from([
        ("ALLOWED_HOSTS".to_owned(), hosts.clone()),
        ("DJANGO_ALLOWED_HOSTS".to_owned(), hosts),
        ("CSRF_TRUSTED_ORIGINS".to_owned(), identity.url.to_owned()),
        ("DJANGO_CSRF_TRUSTED_ORIGINS".to_owned(), identity.url.to_owned()),
    ]);
    variables.extend(config.0.iter().map(|(key, value)| (key.to_string(), value.clone())));
    if let Some(port) = identity.port {
        variables.insert("PORT".to_owned(), port.to_string());
    }
    variables.extend([
        ("SLIPWAY_APP".to_owned(), identity.app.to_string()),
        ("SLIPWAY_RELEASE".to_owned(), format!("v{}", identity.version)),
        ("SLIPWAY_PROCESS".to_owned(), identity.process.to_string()),
        ("SLIPWAY_INSTANCE".to_owned(), identity.instance.short().to_owned()),
        ("SLIPWAY_URL".to_owned(), identity.url.to_owned()),
    ]);
    variables
}

#[cfg(test)]
mod tests {
    use super::*;
    use slipway_core::id::Id;

    #[test]
    fn the_apps_values_win_over_defaults_and_lose_to_its_identity() {
        let config = Config(
            [
                ("ALLOWED_HOSTS".parse().unwrap(), "*".to_owned()),
                ("PORT".parse().unwrap(), "1".to_owned()),
                ("A".parse().unwrap(), "a\n\"$#=é🚀".to_owned()),
            ]
            .into(),
        );
        let app: AppName = "shop".parse().unwrap();
        let process = ProcessName::web();
        let instance = InstanceId::from_bits(7);
        let hostname: Hostname = "shop.localhost".parse().unwrap();
        let variables = environment(
            &config,
            &Identity {
                app: &app,
                version: 3,
                process: &process,
                instance: &instance,
                port: Some(8000),
                hostname: &hostname,
                url: "http://shop.localhost:8080",
            },
        );
        assert_eq!(variables["ALLOWED_HOSTS"], "*");
        assert_eq!(variables["PORT"], "8000");
        assert_eq!(variables["A"], "a\n\"$#=é🚀");
        assert_eq!(variables["SLIPWAY_RELEASE"], "v3");
        assert_eq!(variables["SLIPWAY_INSTANCE"], "00000007");
    }
}
