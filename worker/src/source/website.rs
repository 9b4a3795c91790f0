//! Static sites: files served by an nginx of their own.

use std::collections::BTreeMap;
use std::fmt::Write;

use slipway_core::process::Command;

use super::base::{BaseNeed, Family};
use super::path::join;
use super::recipe::{BASE, OWN, Recipe, Surroundings, TREE};
use super::tree::SourceTree;

/// The configuration's name among Slipway's own files.
pub const CONFIGURATION: &str = "nginx.conf";
/// Directories that hold a finished site, the likeliest first; the root comes before them.
const DIRECTORIES: [&str; 5] = ["", "public", "dist", "site", "docs"];

/// The recipe for a tree of finished files; `None` without an `index.html`.
pub fn recipe(tree: &SourceTree, around: &Surroundings<'_>) -> Option<Recipe> {
    let directory = DIRECTORIES.iter().find(|dir| tree.is_file(&join(dir, "index.html")))?;
    let mut dockerfile = format!("ARG {BASE}\n");
    dockerfile.push_str(&stage(&format!("${{{BASE}}}"), around.port));
    let from = join(TREE, directory);
    let _ = writeln!(dockerfile, "COPY {}/ /srv/", from.trim_end_matches('/'));
    let shown = if directory.is_empty() { "." } else { directory };
    Some(Recipe {
        base: BaseNeed::Family { family: Family::Static, wish: None },
        further_bases: BTreeMap::new(),
        recognised: format!("static site ({})", join(shown, "index.html")),
        dockerfile,
        additions: [(CONFIGURATION.to_owned(), configuration(around.port, false))].into(),
        titles: BTreeMap::new(),
        excluded: &[".git", "node_modules"],
        web: Some(command()),
        release: None,
        generated_config: Vec::new(),
        records_static_files: false,
        warnings: Vec::new(),
    })
}

/// The stage that serves `/srv`, up to the copying of the site itself.
pub fn stage(from: &str, port: u16) -> String {
    format!(
        "FROM {from}\nCOPY {OWN}/{CONFIGURATION} /slipway/{CONFIGURATION}\nEXPOSE {port}\n\
         STOPSIGNAL SIGQUIT\nUSER 10001:10001\n"
    )
}

/// What serves a site.
pub fn command() -> Command {
    Command::Exec(
        ["nginx", "-c", "/slipway/nginx.conf", "-e", "stderr", "-g", "daemon off;"]
            .map(ToOwned::to_owned)
            .into(),
    )
}

/// The configuration of a site's nginx, for an unprivileged user. An app that finds its way in the
/// browser gets its `index.html` for paths that are no files.
pub fn configuration(port: u16, is_browser_app: bool) -> String {
    let otherwise = if is_browser_app { "/index.html" } else { "=404" };
    format!(
        "worker_processes 1;
error_log stderr warn;
pid /tmp/nginx.pid;
events {{ worker_connections 1024; }}
http {{
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    charset utf-8;
    charset_types text/css text/plain text/xml text/javascript application/javascript application/json image/svg+xml;
    server_tokens off;
    access_log off;
    sendfile on;
    keepalive_timeout 75s;
    client_body_temp_path /tmp/body;
    proxy_temp_path /tmp/proxy;
    fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi;
    scgi_temp_path /tmp/scgi;
    server {{
        listen {port};
        root /srv;
        index index.html;
        absolute_redirect off;
        error_page 404 /404.html;
        location / {{ try_files $uri $uri/ $uri.html {otherwise}; }}
        # Settings and sources that lie beside the pages are nobody's business.
        location ~ /\\. {{ return 404; }}
        location ~ ^/(slipway\\.toml|Procfile|package(-lock)?\\.json)$ {{ return 404; }}
        location ^~ /.well-known/ {{ try_files $uri =404; }}
    }}
}}
"
    )
}
