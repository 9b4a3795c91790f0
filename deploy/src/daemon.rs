//! Runs the server's roles in one process until it is told to stop.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures_util::FutureExt;
use slipway_api::ConsoleKey;
use slipway_core::id::InstallationId;
use slipway_store::{DataDir, KeyRing, LogStore, Reserve, Store, StoreSettings};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::Server;
use crate::roles::Roles;
use crate::{commands, descriptors, host, tracing_setup};

/// Connections to the database; SQLite takes fewer by itself.
const CONNECTIONS: u32 = 16;

/// How often the room on the disk is looked at.
const ROOM_POLL: Duration = Duration::from_secs(1);

/// What every role shares.
pub struct Foundation {
    pub server: Server,
    pub data: DataDir,
    pub store: Store,
    pub keys: KeyRing,
    pub logs: LogStore,
    pub installation: InstallationId,
}

impl Foundation {
    /// Opens the data directory and the database.
    ///
    /// # Errors
    /// With what to do about it, when either cannot be opened.
    pub async fn open(server: &Server) -> anyhow::Result<Self> {
        let data = DataDir::create(&server.data).with_context(|| {
            format!("cannot use the data directory `{}`", server.data.display())
        })?;
        // On a full disk the database opens with the room that this releases.
        let reserve = Reserve::of(&data);
        reserve.look_after().context("cannot look at the disk of the data directory")?;
        let keys = KeyRing::load_or_create(&data.keys()).context("cannot load the keys")?;
        let settings = StoreSettings { url: server.database_url(), max_connections: CONNECTIONS };
        let store = Store::open(&settings).await.context("cannot open the database")?;
        store.look_after_room(&reserve).context("cannot look at the disk")?;
        let installation = store.installation().await?;
        let logs = LogStore::open(data.logs(), store.wakes().clone());
        Ok(Self { server: server.clone(), data, store, keys, logs, installation })
    }
}

/// Runs `roles` until SIGTERM or SIGINT. Apps and nginx go on afterwards.
///
/// # Errors
/// When the server cannot start, or a role ended by itself.
pub async fn run(server: Server, roles: Roles) -> anyhow::Result<()> {
    tracing_setup::start(&server)?;
    descriptors::take_all();
    slipway_client::install_tls();
    ensure!(
        roles == Roles::ALL || !server.database_url().starts_with("sqlite:"),
        "on SQLite one process has every role: others would not hear of its changes\n\
         hint: use `slipwayd run`, or give every role `--database postgres://…`"
    );
    let foundation = Foundation::open(&server).await?;
    let _lock = roles.worker.then(|| foundation.data.lock()).transpose()?;
    let stop = CancellationToken::new();
    let mut parts: JoinSet<anyhow::Result<()>> = JoinSet::new();
    parts.spawn(look_after_room(foundation.store.clone(), foundation.data.clone(), stop.clone()));
    if roles.worker {
        let context = host::worker_context(&foundation).await?;
        let work = slipway_worker::run(context, stop.clone());
        parts.spawn(work.map(Ok));
        std::fs::write(foundation.data.pid_file(), std::process::id().to_string())?;
    }
    if roles.api {
        // Before anybody can find the server ready and ask for a token: each ends the one before.
        commands::claim_token::announce(&foundation).await?;
    }
    serve(&foundation, roles, &mut parts, &stop).await?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "slipwayd is ready");
    let ended = tokio::select! {
        name = asked_to_stop() => {
            tracing::info!(signal = name?, "stopping; apps and nginx go on");
            None
        }
        ended = parts.join_next() => ended,
        () = stop.cancelled() => None,
    };
    stop.cancel();
    let mut outcome = ended.transpose()?.unwrap_or(Ok(()));
    while let Some(part) = parts.join_next().await {
        outcome = outcome.and(part?);
    }
    outcome
}

async fn serve(
    foundation: &Foundation,
    roles: Roles,
    parts: &mut JoinSet<anyhow::Result<()>>,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let server = &foundation.server;
    if roles.api {
        let listener = listen(server.api_listen).await?;
        let key = roles.web.then(ConsoleKey::mint);
        let state = host::api_state(foundation, key.clone(), stop.clone())?;
        if roles.web {
            let console = host::web_router(foundation, key.as_ref())?;
            parts.spawn(async move {
                Ok(slipway_api::serve_with_console(listener, state, console).await?)
            });
        } else {
            parts.spawn(async move { Ok(slipway_api::serve(listener, state).await?) });
        }
    } else if roles.web {
        let listener = listen(server.web_listen).await?;
        let router = host::web_router(foundation, None)?;
        let router = router.into_make_service_with_connect_info::<SocketAddr>();
        let stopped = stop.clone().cancelled_owned();
        parts.spawn(async move {
            Ok(axum::serve(listener, router).with_graceful_shutdown(stopped).await?)
        });
    }
    Ok(())
}

/// Gives the reserve up when the disk is full, and takes it back when there is room.
async fn look_after_room(
    store: Store,
    data: DataDir,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let reserve = Reserve::of(&data);
    while stop.run_until_cancelled(tokio::time::sleep(ROOM_POLL)).await.is_some() {
        if let Err(error) = store.look_after_room(&reserve) {
            tracing::warn!(%error, "could not look after the room on the disk");
        }
    }
    Ok(())
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}; choose another with `--api-listen` or `--web-listen`")
    })?;
    tracing::info!(%address, "listening");
    Ok(listener)
}

async fn asked_to_stop() -> std::io::Result<&'static str> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => Ok("SIGTERM"),
        _ = interrupt.recv() => Ok("SIGINT"),
    }
}
