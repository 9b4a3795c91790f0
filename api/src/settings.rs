//! What the API is told at its start.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use slipway_core::domain::ReservedNames;
use slipway_core::name::{AppName, Hostname};
use slipway_core::outbound::OutboundRules;

use crate::auth::console_key::ConsoleKey;

/// Settings of one API process. Nothing here is read from the environment: the caller did that.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// Where people and git reach this API, without a trailing slash: `http://localhost:8080`.
    pub public_url: String,
    /// Where sites answer, with `{host}` in the place of their name: `http://{host}:8080`.
    pub site_url: String,
    /// Names that no app can have as a domain; among them those of the apps themselves.
    pub reserved: ReservedNames,
    /// Proxies whose `X-Forwarded-For` is believed: those with TLS in front, and a console that runs
    /// apart.
    pub trusted_proxies: Vec<IpAddr>,
    /// What the console of this process shows, so that its own is believed too.
    pub console: Option<ConsoleKey>,
    /// What git runs before a ref moves.
    pub hook: HookProgram,
    /// Where channels and drains may lead.
    pub outbound: OutboundRules,
    pub limits: ApiLimits,
}

impl ApiSettings {
    /// Where an app answers.
    pub fn url_of(&self, app: &AppName) -> String {
        self.site_url.replace("{host}", &format!("{app}.{}", self.reserved.apps))
    }

    /// Where what has this name answers.
    pub fn url_at(&self, host: &Hostname) -> String {
        self.site_url.replace("{host}", host.as_str())
    }

    /// Where an app is pushed to.
    pub fn git_url_of(&self, app: &AppName) -> String {
        format!("{}/git/{app}.git", self.public_url)
    }
}

/// The program behind the `pre-receive` hook of every repository: it must end in a call of
/// [`git_hook::run`](crate::git_hook::run). It gets the hook's own path as a last argument.
#[derive(Debug, Clone)]
pub struct HookProgram {
    /// An absolute path without white space.
    pub program: PathBuf,
    /// One argument before the hook's path: `git-hook`.
    pub argument: Option<String>,
}

/// Bounds of what callers may send and hold. The defaults are for production; tests make them small.
#[derive(Debug, Clone)]
pub struct ApiLimits {
    /// Connections at the same time; more wait until one ends. Each takes a descriptor, and whoever
    /// else is in this process needs some too.
    pub connections: usize,
    /// Largest JSON body in bytes.
    pub json_bytes: usize,
    /// Largest uploaded archive and largest pushed pack in bytes.
    pub source_bytes: u64,
    /// Largest source once unpacked, in bytes.
    pub unpacked_bytes: u64,
    /// How long an ordinary request may take.
    pub request_time: Duration,
    /// How long an upload may take.
    pub upload_time: Duration,
    /// How long an upload or a push may stand still.
    pub standstill: Duration,
    /// How long git may work on one request; a push waits for its deployment meanwhile.
    pub git_time: Duration,
    /// Git requests at the same time.
    pub git_processes: usize,
    /// How long a stream stays open before its reader has to resume.
    pub stream_time: Duration,
    /// How often a reader of a log is told how far was looked, when nothing there was for them.
    pub stream_position: Duration,
    /// How long a reader of a stream may take nothing before it is cut off.
    pub stream_stall: Duration,
    /// Failed sign-ins of one account before it has to wait.
    pub login_failures_per_account: u32,
    /// Failed sign-ins from one address before it has to wait.
    pub login_failures_per_address: u32,
}

impl Default for ApiLimits {
    fn default() -> Self {
        Self {
            connections: 4096,
            json_bytes: 1024 * 1024,
            source_bytes: 500 * 1000 * 1000,
            unpacked_bytes: 2 * 1000 * 1000 * 1000,
            request_time: Duration::from_secs(30),
            upload_time: Duration::from_hours(1),
            standstill: Duration::from_mins(1),
            git_time: Duration::from_hours(3),
            git_processes: 64,
            stream_time: Duration::from_hours(1),
            stream_position: Duration::from_secs(15),
            stream_stall: Duration::from_secs(30),
            login_failures_per_account: 10,
            login_failures_per_address: 30,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_carry_the_name_of_the_app() {
        let settings = ApiSettings {
            public_url: "http://localhost:8080".to_owned(),
            site_url: "http://{host}:8080".to_owned(),
            reserved: ReservedNames { apps: "localhost".parse().unwrap(), own: Vec::new() },
            trusted_proxies: Vec::new(),
            console: None,
            hook: HookProgram { program: "/usr/bin/slipwayd".into(), argument: None },
            outbound: OutboundRules::default(),
            limits: ApiLimits::default(),
        };
        let app: AppName = "shop".parse().unwrap();
        assert_eq!(settings.url_of(&app), "http://shop.localhost:8080");
        let domain = "shop.example.com".parse().unwrap();
        assert_eq!(settings.url_at(&domain), "http://shop.example.com:8080");
        assert_eq!(settings.git_url_of(&app), "http://localhost:8080/git/shop.git");
    }
}
