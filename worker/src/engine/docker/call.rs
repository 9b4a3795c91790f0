//! Calls to the daemon: each has a deadline, and a daemon that hangs is noticed sooner than that.

use std::future::Future;
use std::time::Duration;

use bollard::errors::Error;
use futures_util::future::BoxFuture;
use tokio::time::{sleep, timeout};

use super::Docker;
use crate::engine::EngineError;

/// Limit of calls that only look something up.
pub const LOOK_UP: Duration = Duration::from_secs(8);
/// Limit of calls that make, start or remove something, on a busy host.
pub const CHANGE: Duration = Duration::from_mins(1);
/// How long a call may be silent before the daemon is asked for a sign of life, and how long it may
/// take to give one. Together they bound how late a hung daemon is noticed: 8 s.
const PULSE: Duration = Duration::from_secs(4);

impl Docker {
    /// Runs one call. A daemon that hangs, goes away or exceeds `limit` is `Unavailable`; one that
    /// answers no is `Refused`.
    pub(crate) async fn call<T>(
        &self,
        doing: &'static str,
        limit: Duration,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, EngineError> {
        self.raw_call(doing, limit, call).await?.map_err(|error| refused(doing, &error))
    }

    /// Like `call`, but leaves the daemon's own answer to callers that tell its statuses apart.
    /// The outer error is `Unavailable` alone.
    pub(crate) async fn raw_call<T>(
        &self,
        doing: &'static str,
        limit: Duration,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<Result<T, Error>, EngineError> {
        watched(&self.client, doing, limit, call).await
    }

    /// Runs a verb of several calls and waits, and gives up as soon as the daemon's pulse is lost:
    /// each call would notice by itself, but one after the other.
    pub(crate) fn while_alive<'verb, T: Send + 'verb>(
        &'verb self,
        doing: &'static str,
        verb: impl Future<Output = Result<T, EngineError>> + Send + 'verb,
    ) -> BoxFuture<'verb, Result<T, EngineError>> {
        Box::pin(async move {
            tokio::select! {
                outcome = verb => outcome,
                () = pulse_lost(&self.client) => Err(late(doing, PULSE * 2)),
            }
        })
    }
}

/// Runs one call while watching the daemon's pulse.
pub async fn watched<T>(
    client: &bollard::Docker,
    doing: &'static str,
    limit: Duration,
    call: impl Future<Output = Result<T, Error>>,
) -> Result<Result<T, Error>, EngineError> {
    tokio::select! {
        answer = timeout(limit, call) => match answer {
            Ok(Err(error)) if is_unavailable(&error) => Err(refused(doing, &error)),
            Ok(answer) => Ok(answer),
            Err(_) => Err(late(doing, limit)),
        },
        () = pulse_lost(client) => Err(late(doing, PULSE * 2)),
    }
}

async fn pulse_lost(client: &bollard::Docker) {
    loop {
        sleep(PULSE).await;
        if !matches!(timeout(PULSE, client.ping()).await, Ok(Ok(_))) {
            return;
        }
    }
}

fn late(doing: &'static str, limit: Duration) -> EngineError {
    EngineError::Unavailable(format!("{doing}: no answer within {} s", limit.as_secs()))
}

/// The daemon's error in the seam's terms.
pub fn refused(doing: &'static str, error: &Error) -> EngineError {
    if is_unavailable(error) {
        return EngineError::Unavailable(format!("{doing}: {error}"));
    }
    let message = if let Error::DockerResponseServerError { message, .. } = error {
        message.trim().to_owned()
    } else {
        error.to_string()
    };
    EngineError::Refused { doing, message }
}

/// The HTTP status the daemon answered with, when it did answer.
pub fn status(error: &Error) -> Option<u16> {
    if let Error::DockerResponseServerError { status_code, .. } = error {
        Some(*status_code)
    } else {
        None
    }
}

/// Whether the daemon says the object does not exist.
pub fn is_absent(error: &Error) -> bool {
    status(error) == Some(404)
}

/// Whether trying again later may help: no daemon, a broken connection, or a daemon that lost its
/// containerd, as happens while both restart.
fn is_unavailable(error: &Error) -> bool {
    if let Error::DockerResponseServerError { status_code, message } = error {
        return *status_code == 503
            || message.ends_with(": unavailable")
            || message.contains("context canceled")
            || message.contains("transport is closing");
    }
    matches!(
        error,
        Error::RequestTimeoutError
            | Error::IOError { .. }
            | Error::HyperResponseError { .. }
            | Error::HyperLegacyError { .. }
            | Error::SocketNotFoundError(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status_code: u16, message: &str) -> Error {
        Error::DockerResponseServerError { status_code, message: message.to_owned() }
    }

    #[test]
    fn a_daemon_that_lost_its_containerd_is_unavailable_and_not_refusing() {
        let dialing = answer(500, "connection error: desc = \"transport is closing\": unavailable");
        assert!(matches!(refused("starting", &dialing), EngineError::Unavailable(_)));
        let no = answer(400, "invalid reference format\n");
        let refusal = refused("making an image", &no).to_string();
        assert_eq!(refusal, "making an image: invalid reference format");
    }
}
