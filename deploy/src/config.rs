//! `slipwayd`'s command line and environment, read once. Flags win over the environment.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{ArgAction, Args as ClapArgs, Parser, Subcommand};
use slipway_core::domain::ReservedNames;
use slipway_core::name::Hostname;
use slipway_core::outbound::{Host, HttpAddress, Network, OutboundRules};
use slipway_worker::engine::docker::subnet::Subnet;

use crate::collector::CollectorArgs;

/// The Slipway server: API, worker and console.
#[derive(Debug, Parser)]
#[command(name = "slipwayd", version, about, disable_help_subcommand = true)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run everything in one process: the API, the worker and the console
    Run(Server),
    /// Run the API alone (several roles need PostgreSQL and one shared data directory)
    Api(Server),
    /// Run the worker alone
    Worker(Server),
    /// Run the console alone
    Web(Server),
    /// Print a one-time token with which the first person claims this installation
    ClaimToken(Server),
    /// Save a consistent copy of the database while the server runs
    Backup(Backup),
    /// Stop the server, its apps and its proxy; data stays
    Down(Down),
    /// Called by git when somebody pushes
    #[command(hide = true)]
    GitHook {
        /// The hook's own path, which git's wrapper adds
        hook: Option<PathBuf>,
    },
}

/// Where the server keeps things and listens.
#[derive(Debug, Clone, ClapArgs)]
pub struct Server {
    /// The directory for everything that is kept
    #[arg(long, env = "SLIPWAY_DATA", default_value = "/var/lib/slipway")]
    pub data: PathBuf,

    /// `sqlite:///path` or `postgres://…` [default: SQLite in the data directory]
    #[arg(long, env = "SLIPWAY_DATABASE", hide_env_values = true)]
    pub database: Option<String>,

    /// Where the API and the console listen
    #[arg(long, env = "SLIPWAY_API_LISTEN", default_value = "127.0.0.1:8081")]
    pub api_listen: SocketAddr,

    /// Where the console listens when it runs alone
    #[arg(long, env = "SLIPWAY_WEB_LISTEN", default_value = "127.0.0.1:8082")]
    pub web_listen: SocketAddr,

    /// How people and git reach the API [default: localhost, with the API's port]
    #[arg(long, env = "SLIPWAY_PUBLIC_URL")]
    pub public_url: Option<String>,

    /// Where the apps' proxy listens
    #[arg(long, env = "SLIPWAY_HTTP_LISTEN", default_value = "0.0.0.0:8080")]
    pub http_listen: SocketAddr,

    /// How people reach apps, with `{host}` for their name [default: http, with the proxy's port]
    #[arg(long, env = "SLIPWAY_SITE_URL", value_name = "URL", value_parser = parse_site_url)]
    pub site_url: Option<String>,

    /// Load balancers in front of the proxy, by address: their `X-Forwarded-For`,
    /// `X-Forwarded-Proto` and `X-Request-Start` are believed
    #[arg(long = "trusted-front", env = "SLIPWAY_TRUSTED_FRONTS", value_delimiter = ',')]
    pub trusted_fronts: Vec<IpAddr>,

    /// Proxies before the API and the console, by address: their `X-Forwarded-For` is believed
    #[arg(long = "trusted-proxy", env = "SLIPWAY_TRUSTED_PROXIES", value_delimiter = ',')]
    pub trusted_proxies: Vec<IpAddr>,

    /// Apps answer at <app>.<domain>
    #[arg(long, env = "SLIPWAY_APP_DOMAIN", default_value = "localhost")]
    pub app_domain: Hostname,

    /// The addresses that app networks are cut from, a /25 each
    #[arg(
        long = "network-pool",
        env = "SLIPWAY_NETWORK_POOL",
        value_delimiter = ',',
        default_value = "10.201.0.0/16,172.29.0.0/16"
    )]
    pub network_pools: Vec<Subnet>,

    /// An argument of every build, such as a package index: `NAME=value`
    #[arg(long = "build-arg", env = "SLIPWAY_BUILD_ARGS", value_delimiter = ',', value_parser = parse_argument)]
    pub build_args: Vec<(String, String)>,

    /// Networks that alerts and drains may send to although they are internal: `10.1.0.0/16`
    #[arg(long = "allow-outbound", env = "SLIPWAY_ALLOW_OUTBOUND", value_delimiter = ',')]
    pub allow_outbound: Vec<Network>,

    /// The Docker daemon's socket [default: /var/run/docker.sock]
    #[arg(long, env = "SLIPWAY_DOCKER_SOCKET")]
    pub docker_socket: Option<PathBuf>,

    /// The nginx program
    #[arg(long, env = "SLIPWAY_NGINX", default_value = "/usr/sbin/nginx")]
    pub nginx: PathBuf,

    /// Whether the apps' logs have a line for every request
    #[arg(long, env = "SLIPWAY_ACCESS_LOG", default_value_t = true, action = ArgAction::Set)]
    pub access_log: bool,

    #[command(flatten)]
    pub collector: CollectorArgs,

    /// Log lines as JSON
    #[arg(long, env = "SLIPWAY_LOG_JSON")]
    pub log_json: bool,

    /// What to log, as `level` or `target=level,…`
    #[arg(long, env = "SLIPWAY_LOG", default_value = "info")]
    pub log: String,
}

/// What to save.
#[derive(Debug, Clone, ClapArgs)]
pub struct Backup {
    /// The file to save to, which must not exist
    pub path: PathBuf,

    #[command(flatten)]
    pub server: Server,
}

/// What to stop.
#[derive(Debug, Clone, ClapArgs)]
pub struct Down {
    #[command(flatten)]
    pub server: Server,

    /// Also remove every image this installation built
    #[arg(long)]
    pub purge: bool,
}

fn parse_argument(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("use `NAME=value`")?;
    let valid = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if name.is_empty() || !valid {
        return Err("use letters, digits and `_` in the name".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// `https://{host}` or the like. A port that goes without saying is left out, as browsers do: they
/// name where a form comes from, and apps compare that with what they were told.
fn parse_site_url(text: &str) -> Result<String, String> {
    let refused = |why: &str| Err(format!("{why}\nhint: use `https://{{host}}`, or add a port"));
    let Some((scheme @ ("http" | "https"), rest)) = text.split_once("://") else {
        return refused("it has to begin with `http://` or `https://`");
    };
    let Some(end) = rest.strip_prefix("{host}") else {
        return refused("`{host}` has to stand in the place of the whole host name");
    };
    if end.is_empty() {
        return Ok(text.to_owned());
    }
    let Some(port) = end.strip_prefix(':') else {
        return refused("nothing but a port may follow `{host}`");
    };
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse::<u16>() {
        Ok(port) if digits && port > 0 => Ok(site_url(scheme, port)),
        _ => refused("the port has to be a number from 1 to 65535"),
    }
}

fn site_url(scheme: &str, port: u16) -> String {
    match (scheme, port) {
        ("http", 80) | ("https", 443) => format!("{scheme}://{{host}}"),
        _ => format!("{scheme}://{{host}}:{port}"),
    }
}

impl Server {
    /// Arguments of every build.
    pub fn build_arguments(&self) -> BTreeMap<String, String> {
        self.build_args.iter().cloned().collect()
    }

    /// Where this server may be told to send to.
    pub fn outbound_rules(&self) -> OutboundRules {
        OutboundRules::allowing(self.allow_outbound.clone())
    }

    /// Names that no app can have as a domain.
    pub fn reserved_names(&self) -> ReservedNames {
        let address = self.public_url().parse::<HttpAddress>().ok();
        let own = address.and_then(|address| match address.host() {
            Host::Name(name) => Some(name.clone()),
            Host::Address(_) => None,
        });
        ReservedNames { apps: self.app_domain.clone(), own: own.into_iter().collect() }
    }

    /// The database's address.
    pub fn database_url(&self) -> String {
        self.database
            .clone()
            .unwrap_or_else(|| format!("sqlite://{}", self.data.join("slipway.db").display()))
    }

    /// How people and git reach the API, without a slash at the end.
    pub fn public_url(&self) -> String {
        match &self.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://localhost:{}", self.api_listen.port()),
        }
    }

    /// How people reach apps, with `{host}` in the place of a name.
    pub fn site_url(&self) -> String {
        let plain = || site_url("http", self.http_listen.port());
        self.site_url.clone().unwrap_or_else(plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_arguments_need_a_plain_name() {
        assert!(parse_argument("PIP_INDEX_URL=https://pypi.example.com/simple?a=b").is_ok());
        for bad in ["A", "=x", "A B=x", "A;B=x"] {
            assert!(parse_argument(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_names_of_slipway_and_of_its_apps_are_reserved() {
        let reserved = |url: &str| {
            let words =
                ["slipwayd", "run", "--app-domain", "apps.example.com", "--public-url", url];
            let Command::Run(server) = Args::parse_from(words).command else { panic!("it runs") };
            server.reserved_names()
        };
        let named = reserved("https://Slipway.example.com/");
        assert_eq!(named.apps.as_str(), "apps.example.com");
        assert_eq!(named.own, ["slipway.example.com".parse().unwrap()]);
        assert!(reserved("http://10.0.0.5:8081").own.is_empty(), "no domain is an address");
    }

    #[test]
    fn apps_are_reached_where_the_proxy_listens_unless_it_is_said() {
        let site_url = |words: &[&str]| {
            let words = ["slipwayd", "run"].into_iter().chain(words.iter().copied());
            let Command::Run(server) = Args::parse_from(words).command else { panic!("it runs") };
            server.site_url()
        };
        assert_eq!(site_url(&[]), "http://{host}:8080");
        assert_eq!(site_url(&["--http-listen", "0.0.0.0:80"]), "http://{host}");
        assert_eq!(site_url(&["--http-listen", "0.0.0.0:443"]), "http://{host}:443");
        for (said, expected) in [
            ("https://{host}", "https://{host}"),
            ("https://{host}:443", "https://{host}"),
            ("https://{host}:8443", "https://{host}:8443"),
            ("http://{host}:80", "http://{host}"),
            ("http://{host}:443", "http://{host}:443"),
        ] {
            assert_eq!(site_url(&["--site-url", said]), expected);
        }
    }

    #[test]
    fn a_site_url_is_a_scheme_the_name_and_a_port() {
        for (bad, why) in [
            ("", "begin with"),
            ("{host}", "begin with"),
            ("ftp://{host}", "begin with"),
            ("HTTPS://{host}", "begin with"),
            ("https://", "whole host name"),
            ("https://example.com", "whole host name"),
            ("https://www.{host}", "whole host name"),
            ("https://ada:pw@{host}", "whole host name"),
            ("https://{host}.example.com", "nothing but a port"),
            ("https://{host}{host}", "nothing but a port"),
            ("https://{host}/", "nothing but a port"),
            ("https://{host}?x", "nothing but a port"),
            ("https://{host}:", "from 1 to 65535"),
            ("https://{host}:0", "from 1 to 65535"),
            ("https://{host}:+1", "from 1 to 65535"),
            ("https://{host}:65536", "from 1 to 65535"),
            ("https://{host}:443/{host}", "from 1 to 65535"),
        ] {
            let error = parse_site_url(bad).unwrap_err();
            assert!(error.contains(why) && error.contains("\nhint: "), "{bad}: {error}");
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }
}
