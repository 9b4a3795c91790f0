//! What the worker is told at its start.

use std::collections::BTreeMap;
use std::time::Duration;

use slipway_core::domain::Domain;
use slipway_core::name::{AppName, Hostname};
use slipway_core::time::Millis;

/// Settings of one worker.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Names this worker process in leases: stable over restarts of the same data directory.
    pub worker: String,
    /// Apps answer at `<app>.<app_domain>`.
    pub app_domain: Hostname,
    /// Where sites answer, with `{host}` in the place of their name: `http://{host}:8080`.
    pub site_url: String,
    /// Builds that run at the same time.
    pub build_slots: usize,
    /// Where measurements are pushed to; nowhere unless the operator says.
    pub telemetry: Option<Collector>,
    /// Arguments of every build, such as a package index of the operator's.
    pub build_arguments: BTreeMap<String, String>,
}

impl Settings {
    /// The name that Slipway gives an app.
    ///
    /// # Panics
    /// Never: an app name is a DNS label, and the domain was validated.
    pub fn hostname(&self, app: &AppName) -> Hostname {
        format!("{app}.{}", self.app_domain)
            .parse()
            .expect("an app name before a host name is a host name")
    }

    /// Every name an app answers at: the one that Slipway gives it, then its domains. One below the
    /// apps' own is left out: the operator moved there after it was added, and by now it may be
    /// another app's name.
    pub fn hostnames<'a>(
        &self,
        app: &AppName,
        domains: impl IntoIterator<Item = &'a Domain>,
    ) -> Vec<Hostname> {
        let free = domains.into_iter().filter(|domain| !domain.is_within(&self.app_domain));
        let mut names = vec![self.hostname(app)];
        names.extend(free.map(|domain| domain.as_hostname().clone()));
        names
    }

    /// Where what has this name answers.
    pub fn url_at(&self, hostname: &Hostname) -> String {
        self.site_url.replace("{host}", hostname.as_str())
    }
}

/// An `OpenTelemetry` collector. It is the operator's own, who may have it anywhere.
#[derive(Debug, Clone)]
pub struct Collector {
    /// Where it takes metrics: `http://collector.internal:4318/v1/metrics`.
    pub endpoint: String,
    /// Headers of every request, such as a credential.
    pub headers: Vec<(String, String)>,
    /// Between two pushes that succeed.
    pub interval: Duration,
}

/// How a job's lease is kept. Each bound leaves room for the next.
pub mod lease {
    use super::Millis;

    /// How often a running job renews its lease.
    pub const RENEW: Millis = Millis::from_secs(5);
    /// Without a renewal for this long, the job begins nothing new.
    pub const SOFT_STOP: Millis = Millis::from_secs(15);
    /// Without a renewal for this long, the job is dropped where it is.
    pub const HARD_STOP: Millis = Millis::from_secs(20);
    /// When others may claim it.
    pub const TTL: Millis = Millis::from_secs(30);

    const _: () = assert!(
        RENEW.0 < SOFT_STOP.0 && SOFT_STOP.0 < HARD_STOP.0 && HARD_STOP.0 < TTL.0,
        "a worker must have stopped before another may start"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(app_domain: &str, site_url: &str) -> Settings {
        Settings {
            worker: "test".to_owned(),
            app_domain: app_domain.parse().unwrap(),
            site_url: site_url.to_owned(),
            build_slots: 1,
            telemetry: None,
            build_arguments: BTreeMap::new(),
        }
    }

    #[test]
    fn an_app_has_its_name_first_and_no_domain_that_may_be_another_apps_name() {
        let shop: AppName = "shop".parse().unwrap();
        let domains: Vec<Domain> =
            ["blog.example.com", "shop.example.org"].map(|name| name.parse().unwrap()).into();
        let names = |app_domain: &str| -> Vec<String> {
            let names = settings(app_domain, "http://{host}").hostnames(&shop, &domains);
            names.iter().map(ToString::to_string).collect()
        };
        assert_eq!(names("localhost"), ["shop.localhost", "blog.example.com", "shop.example.org"]);
        assert_eq!(names("example.com"), ["shop.example.com", "shop.example.org"]);
    }

    #[test]
    fn a_site_answers_at_its_name() {
        let name = "shop.example.com".parse().unwrap();
        let url = |site_url: &str| settings("localhost", site_url).url_at(&name);
        assert_eq!(url("http://{host}:8080"), "http://shop.example.com:8080");
        assert_eq!(url("https://{host}"), "https://shop.example.com");
    }
}
