//! From sites to files. Only validated types reach the template: tera escapes nothing in it.

use std::net::{IpAddr, SocketAddr};

use rustix::process::{Resource, getrlimit};
use serde::Serialize;
use slipway_core::id::AppId;
use slipway_core::name::{AppName, Hostname};
use tera::{Context, Tera};

use super::ProxyError;
use super::generation::{Files, Generation};
use super::layout::Layout;
use super::settings::{PlainPath, ProxySettings, WorkerUser};
use super::site::{ProxyConfig, Site};

/// The name of the main file in a generation.
pub(super) const CONF: &str = "nginx.conf";
/// What begins a site in it; the app's id follows.
const SITE_MARK: &str = "    # site ";

const TEMPLATE: &str = include_str!("nginx.conf.tera");
const MIME_TYPES: &str = include_str!("mime.types");
const LUA: [(&str, &str); 8] = [
    ("lua/slipway/balancer.lua", include_str!("lua/balancer.lua")),
    ("lua/slipway/control.lua", include_str!("lua/control.lua")),
    ("lua/slipway/members.lua", include_str!("lua/members.lua")),
    ("lua/slipway/page.lua", include_str!("lua/page.lua")),
    ("lua/slipway/timing.lua", include_str!("lua/timing.lua")),
    ("lua/slipway/traffic.lua", include_str!("lua/traffic.lua")),
    ("lua/slipway/wake.lua", include_str!("lua/wake.lua")),
    ("lua/slipway/worker.lua", include_str!("lua/worker.lua")),
];

/// What the configuration depends on besides settings and sites.
#[derive(Debug, Clone, Copy)]
pub(super) struct Machine {
    /// nginx can only change its user as root, and warns about the attempt otherwise.
    pub(super) is_root: bool,
    /// How many files a worker may have open.
    pub(super) open_files: u64,
}

impl Machine {
    /// This process's machine.
    pub(super) fn look() -> Self {
        let limit = getrlimit(Resource::Nofile).maximum.unwrap_or(65_536);
        let is_root = rustix::process::geteuid().is_root();
        Self { is_root, open_files: limit.min(65_536) }
    }
}

#[derive(Serialize)]
struct View<'a> {
    generation: u64,
    modules: Vec<PlainPath>,
    worker_user: Option<WorkerUser>,
    worker_processes: String,
    worker_shutdown_s: u64,
    open_files: u64,
    connections: u64,
    requests_per_address: u32,
    pid_file: PlainPath,
    error_log: PlainPath,
    access_log: Option<PlainPath>,
    home: PlainPath,
    temp: PlainPath,
    lua: PlainPath,
    members_file: PlainPath,
    control_socket: PlainPath,
    listen: &'a [SocketAddr],
    trusted_fronts: &'a [IpAddr],
    sites: Vec<SiteView<'a>>,
}

#[derive(Serialize)]
struct SiteView<'a> {
    id: &'a AppId,
    app: &'a AppName,
    hostnames: &'a [Hostname],
    max_body_bytes: u64,
    read_timeout_ms: u64,
    /// As a regular expression.
    static_url: Option<String>,
    static_root: Option<PlainPath>,
}

/// All files of a generation. Equal input gives equal files.
pub(super) fn render(
    settings: &ProxySettings,
    layout: &Layout,
    machine: Machine,
    config: &ProxyConfig,
    generation: Generation,
) -> Result<Files, ProxyError> {
    let mut tera = Tera::default();
    tera.add_raw_template(CONF, TEMPLATE)?;
    let view = view(settings, layout, machine, config, generation)?;
    let conf = tera.render(CONF, &Context::from_serialize(&view)?)?;
    let mut files = vec![(CONF, conf), ("mime.types", MIME_TYPES.to_owned())];
    files.extend(LUA.map(|(path, text)| (path, text.to_owned())));
    Ok(files)
}

fn view<'a>(
    settings: &'a ProxySettings,
    layout: &Layout,
    machine: Machine,
    config: &'a ProxyConfig,
    generation: Generation,
) -> Result<View<'a>, ProxyError> {
    let module = |name: &str| PlainPath::new(&settings.modules.join(name));
    let user = settings.worker_user.clone().map_or_else(|| "root".parse(), Ok)?;
    let home = layout.generations().join(generation.to_string());
    let reachable = |site: &&Site| !site.hostnames.is_empty();
    Ok(View {
        generation: generation.0,
        modules: vec![module("ndk_http_module.so")?, module("ngx_http_lua_module.so")?],
        worker_user: machine.is_root.then_some(user),
        worker_processes: settings
            .worker_processes
            .map_or_else(|| "auto".to_owned(), |count| count.to_string()),
        // A little longer than the drain, which ends first.
        worker_shutdown_s: settings.drain.0.div_ceil(1000) + 5,
        open_files: machine.open_files,
        connections: machine.open_files.min(16_384),
        requests_per_address: settings.requests_per_address,
        pid_file: PlainPath::new(&layout.pid_file())?,
        error_log: PlainPath::new(&layout.error_log())?,
        access_log: settings
            .access_log
            .then(|| PlainPath::new(&layout.access_log()))
            .transpose()?,
        home: PlainPath::new(&home)?,
        temp: PlainPath::new(&layout.temp())?,
        lua: PlainPath::new(&settings.lua)?,
        members_file: PlainPath::new(&layout.members())?,
        control_socket: PlainPath::new(&layout.control_socket())?,
        listen: &settings.listen,
        trusted_fronts: &settings.trusted_fronts,
        sites: config
            .ordered()?
            .into_values()
            .filter(reachable)
            .map(site_view)
            .collect::<Result<_, _>>()?,
    })
}

fn site_view(site: &Site) -> Result<SiteView<'_>, ProxyError> {
    let refused = |why: String| ProxyError::Site { site: site.app_id.clone(), why };
    let root = site
        .static_url
        .as_ref()
        .map(|_| PlainPath::new(&site.static_root))
        .transpose()
        .map_err(|error| refused(error.to_string()))?;
    Ok(SiteView {
        id: &site.app_id,
        app: &site.app,
        hostnames: &site.hostnames,
        max_body_bytes: site.limits.max_body_bytes,
        read_timeout_ms: site.limits.read_timeout.0,
        static_url: site.static_url.as_ref().map(super::StaticUrl::as_pattern),
        static_root: root,
    })
}

/// The site a line of the main file belongs to; `None` before the first.
pub(super) fn site_at(conf: &str, line: usize) -> Option<AppId> {
    let before: Vec<&str> = conf.lines().take(line).collect();
    let mark = before.iter().rev().find_map(|line| line.strip_prefix(SITE_MARK))?;
    mark.split(' ').next()?.parse().ok()
}
