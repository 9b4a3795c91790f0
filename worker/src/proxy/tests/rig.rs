//! A proxy of its own for one test, on free ports, with everything gone afterwards.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use slipway_core::id::{AppId, Id};
use slipway_core::name::Hostname;
use tempfile::TempDir;

use super::super::nginx::signal;
use super::super::{Member, Proxy, ProxyConfig, ProxySettings, Site, SiteLimits};
use super::backend::Backend;
use super::client::{Client, Response};

pub const HOST: &str = "shop.localhost";

pub struct Rig {
    pub proxy: Proxy,
    pub address: SocketAddr,
    data: TempDir,
}

impl Rig {
    /// A proxy that serves one app, `shop`.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut ProxySettings)) -> Self {
        let rig = Self::prepare(change);
        rig.proxy.apply(&ProxyConfig { sites: vec![shop_site()] }).await.unwrap();
        rig
    }

    /// The same, with nothing started.
    pub fn prepare(change: impl FnOnce(&mut ProxySettings)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let address = free_address();
        let mut settings = ProxySettings::new(data.path(), vec![address]);
        settings.worker_processes = NonZeroU16::new(2);
        change(&mut settings);
        Self { proxy: Proxy::open(settings).unwrap(), address, data }
    }

    /// A second `Proxy` on the same data, as a restarted Slipway has it.
    pub fn reopened(&self) -> Proxy {
        Proxy::open(self.proxy.settings.clone()).unwrap()
    }

    pub fn path(&self) -> &Path {
        self.data.path()
    }

    pub async fn set(&self, members: &[&Backend]) {
        let members: Vec<Member> = members.iter().map(|backend| backend.member.clone()).collect();
        self.proxy.set_members(&shop(), &members).await.unwrap();
    }

    pub async fn client(&self) -> Client {
        Client::connect(self.address).await
    }

    /// One request on a connection of its own.
    pub async fn get(&self, path: &str) -> Response {
        self.client().await.get(HOST, path).await.expect("a response")
    }

    /// The process ids of the workers that accept connections.
    pub fn workers(&self) -> Vec<i32> {
        let workers = self.proxy.nginx.workers().into_iter();
        let mut pids: Vec<i32> =
            workers.filter(|worker| worker.accepting).map(|worker| worker.pid).collect();
        pids.sort_unstable();
        pids
    }

    pub fn kill_master(&self) {
        signal(self.proxy.nginx.master().unwrap(), Signal::KILL);
    }

    pub fn error_log(&self) -> String {
        std::fs::read_to_string(self.proxy.layout.error_log()).unwrap_or_default()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.proxy.nginx.kill();
        if std::thread::panicking() {
            eprintln!("nginx said:\n{}", self.error_log());
        }
    }
}

/// The app of most tests.
pub fn shop() -> AppId {
    app(1)
}

/// Its site.
pub fn shop_site() -> Site {
    site(1, &[HOST])
}

pub fn app(number: u128) -> AppId {
    AppId::from_bits(number)
}

pub fn site(number: u128, hostnames: &[&str]) -> Site {
    Site {
        app_id: app(number),
        app: format!("shop{number}").parse().unwrap(),
        hostnames: hostnames.iter().map(|name| name.parse::<Hostname>().unwrap()).collect(),
        static_url: None,
        static_root: PathBuf::new(),
        limits: SiteLimits::default(),
    }
}

/// An address nobody listens on.
pub fn free_address() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Waits for something to become true; 30 s are enough for anything here.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut check: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !check().await {
        assert!(Instant::now() < deadline, "{what}: not within 30 s");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
