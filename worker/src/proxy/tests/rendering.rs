//! The rendered configuration: as a whole, and read back.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use slipway_core::id::AppId;
use slipway_core::time::Millis;

use super::super::generation::Generation;
use super::super::layout::Layout;
use super::super::render::{CONF, Machine, render, site_at};
use super::super::{ProxyConfig, ProxySettings, Site, SiteLimits};
use super::rig::site;

const MACHINE: Machine = Machine { is_root: true, open_files: 20_000 };

/// The main file, with the data directory shown as `/data`.
fn conf(config: &ProxyConfig, change: impl FnOnce(&mut ProxySettings)) -> String {
    let data = tempfile::tempdir().unwrap();
    let listen = vec!["0.0.0.0:80".parse().unwrap(), "[::]:80".parse().unwrap()];
    let mut settings = ProxySettings::new(data.path(), listen);
    settings.worker_processes = NonZeroU16::new(4);
    change(&mut settings);
    let layout = Layout::create(&settings).unwrap();
    let files = render(&settings, &layout, MACHINE, config, Generation(12)).unwrap();
    let (name, text) = &files[0];
    assert_eq!(*name, CONF);
    text.replace(data.path().join("proxy").to_str().unwrap(), "/data")
}

#[test]
fn the_whole_configuration() {
    let plain = site(1, &["shop.localhost", "www.example.com"]);
    let statics = Site {
        static_url: Some("/static/v1.2/".parse().unwrap()),
        static_root: "/data/static/blog".into(),
        limits: SiteLimits { max_body_bytes: 1024, read_timeout: Millis(1500) },
        ..site(2, &["blog.localhost"])
    };
    let nameless = site(3, &[]);
    let config = ProxyConfig { sites: vec![statics, nameless, plain] };
    let text = conf(&config, |settings| {
        settings.access_log = true;
        settings.worker_user = Some("www-data".parse().unwrap());
    });
    insta::assert_snapshot!("nginx.conf", text);
}

#[test]
fn what_named_fronts_change() {
    let config = ProxyConfig { sites: vec![site(1, &["shop.localhost"])] };
    let without = conf(&config, |_| {});
    let with = conf(&config, |settings| {
        settings.trusted_fronts =
            ["10.0.0.5", "fd00::5"].map(|front| front.parse().unwrap()).into();
    });
    let added = with.lines().filter(|line| !without.lines().any(|other| other == *line));
    insta::assert_snapshot!("fronts", added.collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_path_that_reads_as_syntax_fails_its_site_by_name() {
    let site = Site {
        static_url: Some("/static/".parse().unwrap()),
        static_root: "/data; return 200 pwned".into(),
        ..site(5, &["evil.localhost"])
    };
    let data = tempfile::tempdir().unwrap();
    let settings = ProxySettings::new(data.path(), vec!["127.0.0.1:1".parse().unwrap()]);
    let layout = Layout::create(&settings).unwrap();
    let config = ProxyConfig { sites: vec![site.clone()] };
    let error = render(&settings, &layout, MACHINE, &config, Generation(1)).unwrap_err();
    assert!(error.to_string().contains(&site.app_id.to_string()), "{error}");
}

#[test]
fn a_line_is_traced_to_its_site() {
    let config = ProxyConfig { sites: vec![site(1, &["a.localhost"]), site(2, &["b.localhost"])] };
    let text = conf(&config, |_| {});
    let line = |needle: &str| {
        1 + text.lines().position(|line| line.contains(needle)).expect("the line is there")
    };
    assert_eq!(site_at(&text, line("a.localhost;")), Some(config.sites[0].app_id.clone()));
    assert_eq!(site_at(&text, line("b.localhost;")), Some(config.sites[1].app_id.clone()));
    assert_eq!(site_at(&text, line("worker_processes")), None);
}

/// What a site's server says, read from the text without the template's help.
#[derive(Debug, PartialEq, Eq)]
struct Parsed {
    id: AppId,
    names: Vec<String>,
    listen: Vec<String>,
    body: String,
    timeout: String,
    static_url: Option<String>,
    static_roots: Vec<String>,
}

/// Words and braces of an nginx configuration, comments left out.
fn statements(text: &str) -> Vec<Vec<String>> {
    let mut all = vec![Vec::new()];
    for line in text.lines() {
        let code = line.split('#').next().unwrap_or_default().trim();
        let spaced = code.replace(';', " ; ");
        for word in spaced.split_whitespace() {
            match word {
                ";" | "{" | "}" => {
                    let mut last = std::mem::take(all.last_mut().unwrap());
                    last.push(word.to_owned());
                    *all.last_mut().unwrap() = last;
                    all.push(Vec::new());
                }
                word => all.last_mut().unwrap().push(word.to_owned()),
            }
        }
    }
    all
}

fn parse(text: &str) -> Vec<Parsed> {
    let mut sites = Vec::new();
    for part in text.split("\n    # site ").skip(1) {
        let (mark, rest) = part.split_once('\n').unwrap();
        let (_, server) = rest.split_once("server {").unwrap();
        let (_, server) = server.split_once("server {").unwrap_or(("", server));
        let statements = statements(server);
        let values = |name: &str| -> Vec<String> {
            let named = statements.iter().filter(|words| words.first().is_some_and(|w| w == name));
            named.flat_map(|words| words[1..words.len() - 1].to_vec()).collect()
        };
        let location =
            statements.iter().find(|words| words[..].starts_with(&["location".into(), "~".into()]));
        sites.push(Parsed {
            id: mark.split(' ').next().unwrap().parse().unwrap(),
            names: values("server_name"),
            listen: values("listen"),
            body: values("client_max_body_size").concat(),
            timeout: values("proxy_read_timeout").concat(),
            static_url: location.map(|words| {
                let pattern =
                    words[2].trim_start_matches('^').trim_end_matches("(?<slipway_file>.+)$");
                pattern.replace("\\.", ".")
            }),
            static_roots: values("root"),
        });
    }
    sites
}

fn expected(site: &Site) -> Parsed {
    let root = |tree: &str| format!("{}/{tree}", site.static_root.display());
    let roots = ["current", "previous"].map(root).to_vec();
    Parsed {
        id: site.app_id.clone(),
        names: site.hostnames.iter().map(ToString::to_string).collect(),
        listen: ["0.0.0.0:80", "[::]:80"].map(str::to_owned).to_vec(),
        body: site.limits.max_body_bytes.to_string(),
        timeout: format!("{}ms", site.limits.read_timeout.0),
        static_url: site.static_url.as_ref().map(ToString::to_string),
        static_roots: if site.static_url.is_some() { roots } else { Vec::new() },
    }
}

prop_compose! {
    fn any_site(number: u128)(
        names in prop::collection::btree_set("[a-z][a-z0-9]{0,20}", 1..5),
        url in prop::option::of("/[a-z0-9_~][a-z0-9._~-]{0,10}/"),
        root in "/[a-zA-Z0-9._+=@,~-]{1,20}",
        max_body_bytes: u64,
        read_timeout: u32,
    ) -> Site {
        let names: Vec<String> =
            names.into_iter().map(|name| format!("{name}.{number}.example.com")).collect();
        Site {
            static_url: url.map(|url| url.parse().unwrap()),
            static_root: PathBuf::from(root),
            limits: SiteLimits { max_body_bytes, read_timeout: Millis(read_timeout.into()) },
            ..site(number, &names.iter().map(String::as_str).collect::<Vec<_>>())
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_rendered_configuration_parses_back(sites in (any_site(1), any_site(2), any_site(3))) {
        let sites = vec![sites.2, sites.0, sites.1];
        let text = conf(&ProxyConfig { sites: sites.clone() }, |_| {});
        let mut expected: Vec<Parsed> = sites.iter().map(expected).collect();
        expected.sort_by(|a, b| a.id.cmp(&b.id));
        prop_assert_eq!(parse(&text), expected);
    }
}

#[test]
fn every_lua_module_the_configuration_requires_is_shipped() {
    let data = tempfile::tempdir().unwrap();
    let address: SocketAddr = "127.0.0.1:1".parse().unwrap();
    let settings = ProxySettings::new(data.path(), vec![address]);
    let layout = Layout::create(&settings).unwrap();
    let config = ProxyConfig { sites: vec![site(1, &["a.localhost"])] };
    let files = render(&settings, &layout, MACHINE, &config, Generation(1)).unwrap();
    let all: String = files.iter().map(|(_, text)| text.as_str()).collect();
    for required in all.split("require \"slipway.").skip(1) {
        let name = required.split('"').next().unwrap();
        let path = format!("lua/slipway/{name}.lua");
        assert!(files.iter().any(|(file, _)| Path::new(file) == Path::new(&path)), "{path}");
    }
}
