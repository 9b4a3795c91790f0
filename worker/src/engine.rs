//! The container engine as Slipway sees it: seven verbs on instances.
//!
//! Rollout, health, drain and rollback stay Slipway's own on every engine; an engine only runs what
//! it is told and reports what is there. Container ids, network names and a client library's types
//! never cross this seam. Another engine is admitted when it passes the conformance suite.

pub mod docker;

use std::collections::BTreeMap;
use std::future::Future;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use slipway_core::id::InstanceId;
use slipway_core::instance::{Endpoint, InstanceSpec, Observed, Usage};
use slipway_core::time::Timestamp;
use slipway_core::wire::attach::WindowSize;
use tokio::io::AsyncWrite;
use tokio::sync::watch;
use tokio_util::sync::DropGuard;

/// What went wrong at the engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// It does not answer, or not in time.
    #[error("the container engine does not answer: {0}")]
    Unavailable(String),
    /// The image of a spec is not there.
    #[error("image `{0}` is not on this machine")]
    ImageMissing(String),
    /// No such instance.
    #[error("no instance `{0}`")]
    Absent(InstanceId),
    /// The engine refused, and would again.
    #[error("{doing}: {message}")]
    Refused { doing: &'static str, message: String },
}

/// A piece of an instance's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputChunk {
    /// When the engine received it.
    pub at: Timestamp,
    /// Whether it came from standard error.
    pub stderr: bool,
    /// Raw bytes, one line with its line end where the engine delivers lines.
    pub bytes: Bytes,
}

/// What somebody attaches to.
#[derive(Debug, Clone, Copy)]
pub enum Program<'a> {
    /// The own process of an instance with `Lifetime::Attended`, which starts now.
    Own,
    /// A further command inside of a running instance, with these variables besides its own.
    Command { words: &'a [String], environment: &'a BTreeMap<String, String> },
}

/// A program that runs, with its streams. Dropping all of it hangs up: a command is told with
/// SIGHUP and killed 2 s later, with everything it started.
pub struct Attached {
    /// Its standard input; dropping it closes it.
    pub input: Box<dyn AsyncWrite + Send + Unpin>,
    /// Its output until it ends; both streams interleaved with a terminal.
    pub output: BoxStream<'static, Result<OutputChunk, EngineError>>,
    /// Takes the size of its terminal, whenever that changes.
    pub window: watch::Sender<Option<WindowSize>>,
    /// Resolves to the exit code once the output has ended.
    pub exit: futures_util::future::BoxFuture<'static, Result<i64, EngineError>>,
    /// Held as long as the program is wanted.
    pub line: DropGuard,
}

/// Runs instances. Every call has a deadline of its own and may be repeated.
pub trait Engine: Send + Sync + 'static {
    /// Brings the instance up, or finds it running, and says where it answers (`None` without a
    /// port). An instance that exists and does not run is started; one whose labels match is
    /// adopted, never doubled.
    fn start(
        &self,
        spec: &InstanceSpec,
    ) -> impl Future<Output = Result<Option<Endpoint>, EngineError>> + Send;

    /// SIGTERM, up to `grace`, SIGKILL, and away with it. Absent is success.
    fn stop(
        &self,
        id: &InstanceId,
        grace: Duration,
    ) -> impl Future<Output = Result<(), EngineError>> + Send;

    /// Every instance of this installation, whatever its state: the truth.
    fn list(&self) -> impl Future<Output = Result<Vec<Observed>, EngineError>> + Send;

    /// A reading of the instance's resources, without waiting for an interval.
    fn stats(&self, id: &InstanceId) -> impl Future<Output = Result<Usage, EngineError>> + Send;

    /// The same of those of these instances that are read without asking anybody, each with when it
    /// was read. The others have to be asked for one by one.
    fn stats_at_hand(
        &self,
        ids: &[InstanceId],
    ) -> impl Future<Output = BTreeMap<InstanceId, (Instant, Usage)>> + Send;

    /// Output from `since` on, then live, until the instance is gone.
    fn logs(
        &self,
        id: &InstanceId,
        since: Option<Timestamp>,
    ) -> BoxStream<'static, Result<OutputChunk, EngineError>>;

    /// Something happened to an instance: a hint to look again, lossy, never the truth. Reconnects
    /// by itself; after a gap it yields once.
    fn events(&self) -> BoxStream<'static, ()>;

    /// Starts a program with somebody attached to it from its first byte on, with a terminal of
    /// this size if there is a size. `Absent` unless the instance is there and, for a command,
    /// runs; `Refused` for the own process of one that was started before.
    fn attach(
        &self,
        id: &InstanceId,
        program: Program<'_>,
        window: Option<WindowSize>,
    ) -> impl Future<Output = Result<Attached, EngineError>> + Send;
}
