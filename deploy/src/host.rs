//! Puts the roles together from what they share.

use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use slipway_api::{ApiLimits, ApiParts, ApiSettings, ApiState, ConsoleKey, HookProgram};
use slipway_web::WebSettings;
use slipway_worker::attach::Attachments;
use slipway_worker::context::{Context, Shared};
use slipway_worker::engine::docker::{Docker, DockerSettings};
use slipway_worker::metrics::live::Live;
use slipway_worker::outbound::Outbound;
use slipway_worker::proxy::{Proxy, ProxySettings};
use slipway_worker::rounds::Rounds;
use slipway_worker::settings::Settings;
use slipway_worker::source::certificates::HostCertificates;
use slipway_worker::telemetry::Gauges;
use tokio_util::sync::CancellationToken;

use crate::daemon::Foundation;
use crate::descriptors;

/// The worker's context, connected to Docker and to nginx.
///
/// # Errors
/// When Docker does not answer or nginx cannot be started.
pub async fn worker_context(foundation: &Foundation) -> anyhow::Result<Shared<Docker>> {
    let server = &foundation.server;
    let host = Docker::connect(docker_settings(foundation))
        .await
        .context("cannot use Docker; check that its daemon runs with `docker info`")?;
    let proxy = Proxy::open(proxy_settings(foundation))?;
    proxy.ensure_running().await.context("cannot start nginx")?;
    Ok(Arc::new(Context {
        store: foundation.store.clone(),
        data: foundation.data.clone(),
        keys: foundation.keys.clone(),
        logs: foundation.logs.clone(),
        host,
        proxy,
        certificates: HostCertificates::of_host(),
        settings: Settings {
            worker: foundation.installation.to_string(),
            app_domain: server.app_domain.clone(),
            site_url: server.site_url(),
            build_slots: build_slots(),
            telemetry: server.collector.collector(),
            build_arguments: server.build_arguments(),
        },
        attachments: Attachments::default(),
        gauges: Gauges::default(),
        rounds: Rounds::default(),
        live: Live::default(),
        outbound: Outbound::new(server.outbound_rules()),
    }))
}

/// One build for every two cores, and at least one.
fn build_slots() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| (cores.get() / 2).max(1))
}

/// How this installation uses Docker.
pub fn docker_settings(foundation: &Foundation) -> DockerSettings {
    let server = &foundation.server;
    let mut settings = DockerSettings::new(foundation.installation.clone());
    settings.pools.clone_from(&server.network_pools);
    settings.bases.certificates = HostCertificates::of_host();
    if let Some(socket) = &server.docker_socket {
        settings.socket.clone_from(socket);
    }
    settings
}

/// How this installation's nginx runs.
pub fn proxy_settings(foundation: &Foundation) -> ProxySettings {
    let server = &foundation.server;
    let listen = vec![server.http_listen];
    ProxySettings {
        nginx: server.nginx.clone(),
        trusted_fronts: server.trusted_fronts.clone(),
        access_log: server.access_log,
        ..ProxySettings::new(foundation.data.root(), listen)
    }
}

/// The API's state; with what it knows the console of this process by, if there is one.
///
/// # Errors
/// When its state cannot be made.
pub fn api_state(
    foundation: &Foundation,
    console: Option<ConsoleKey>,
    shutdown: CancellationToken,
) -> anyhow::Result<ApiState> {
    let server = &foundation.server;
    let settings = ApiSettings {
        public_url: server.public_url(),
        site_url: server.site_url(),
        reserved: server.reserved_names(),
        trusted_proxies: server.trusted_proxies.clone(),
        console,
        hook: HookProgram {
            program: std::env::current_exe().context("cannot find this program")?,
            argument: Some("git-hook".to_owned()),
        },
        outbound: server.outbound_rules(),
        limits: ApiLimits { connections: descriptors::for_connections(), ..ApiLimits::default() },
    };
    ApiState::new(ApiParts {
        settings,
        store: foundation.store.clone(),
        logs: foundation.logs.clone(),
        data_dir: foundation.data.clone(),
        keys: foundation.keys.clone(),
        installation: foundation.installation.clone(),
        shutdown,
    })
}

/// The console's routes. It is a client of the API like any other, except that the API of the same
/// process knows it by a key, and so believes it about whom it calls for.
///
/// # Errors
/// When its templates cannot be loaded.
pub fn web_router(foundation: &Foundation, key: Option<&ConsoleKey>) -> anyhow::Result<Router> {
    let api = format!("http://{}", foundation.server.api_listen);
    let public_url = foundation.server.public_url();
    let secret = key.map(|key| key.secret().to_owned());
    Ok(slipway_web::router(WebSettings { api_url: api, public_url, secret })?)
}
