//! What every handler shares.

use std::ops::Deref;
use std::sync::Arc;

use slipway_core::id::InstallationId;
use slipway_store::{DataDir, KeyRing, LogStore, Store};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::auth::access_token::AccessTokens;
use crate::auth::login_limits::LoginLimits;
use crate::auth::password::Passwords;
use crate::git::Pushes;
use crate::measurements::Tally;
use crate::middleware::trail::Strangers;
use crate::settings::ApiSettings;

/// What an API is made of; the caller opened all of it.
pub struct ApiParts {
    pub settings: ApiSettings,
    pub store: Store,
    pub logs: LogStore,
    pub data_dir: DataDir,
    pub keys: KeyRing,
    pub installation: InstallationId,
    /// Canceled when the process is to end.
    pub shutdown: CancellationToken,
}

/// Shared by every request; cheap to clone.
#[derive(Clone)]
pub struct ApiState(Arc<Shared>);

/// See [`ApiState`].
pub struct Shared {
    pub settings: ApiSettings,
    pub store: Store,
    pub logs: LogStore,
    pub data_dir: DataDir,
    pub keys: KeyRing,
    pub installation: InstallationId,
    pub tasks: Tasks,
    pub(crate) access_tokens: AccessTokens,
    pub(crate) passwords: Passwords,
    pub(crate) login_limits: LoginLimits,
    pub(crate) pushes: Pushes,
    pub(crate) git_slots: Arc<Semaphore>,
    pub(crate) strangers: Strangers,
    pub(crate) tally: Tally,
}

impl Deref for ApiState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl ApiState {
    /// # Errors
    /// When the operating system has no randomness for the first hash.
    pub fn new(parts: ApiParts) -> anyhow::Result<Self> {
        let limits = &parts.settings.limits;
        Ok(Self(Arc::new(Shared {
            access_tokens: AccessTokens::new(parts.keys.signing(), &parts.installation),
            passwords: Passwords::new()?,
            login_limits: LoginLimits::new(
                limits.login_failures_per_account,
                limits.login_failures_per_address,
            ),
            pushes: Pushes::default(),
            strangers: Strangers::default(),
            tally: Tally::default(),
            git_slots: Arc::new(Semaphore::new(limits.git_processes)),
            tasks: Tasks { tracker: TaskTracker::new(), shutdown: parts.shutdown },
            settings: parts.settings,
            store: parts.store,
            logs: parts.logs,
            data_dir: parts.data_dir,
            keys: parts.keys,
            installation: parts.installation,
        })))
    }
}

/// Owns every task of the API, so that the process ends when they have.
pub struct Tasks {
    tracker: TaskTracker,
    /// Canceled when the process is to end.
    pub shutdown: CancellationToken,
}

impl Tasks {
    /// Starts a task that [`join`](Self::join) waits for.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.tracker.spawn(task)
    }

    /// A future that [`join`](Self::join) waits for, for others to run.
    pub fn track<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        self.tracker.track_future(future)
    }

    /// Waits for every task; call it after the shutdown was asked for.
    pub async fn join(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}
