//! Why something failed: one code each, with a hint a person can act on.

use serde::{Deserialize, Serialize};

/// The cause of a failed deployment or instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// The process ended by itself.
    Exited,
    /// Nothing listens on any port.
    PortNotBound,
    /// It listens on 127.0.0.1 only, where the proxy cannot reach it.
    BoundToLoopback,
    /// It listens, but on another port than `$PORT`.
    WrongPort,
    /// It answers, with a status that does not pass.
    BadStatus,
    /// It was not ready before its boot deadline.
    BootTimeout,
    /// The kernel killed it at its memory limit.
    OomKilled,
    /// The release command failed or ran out of time.
    ReleaseCommandFailed,
    /// The image could not be built.
    BuildFailed,
    /// The source or its `slipway.toml`, `Procfile` or `Dockerfile` is not acceptable.
    InvalidSource,
    /// The image is not on this machine and cannot be had.
    ImageUnavailable,
    /// The container engine does not answer.
    DockerUnavailable,
    /// The proxy did not confirm the switch.
    ProxyNotConfirmed,
    /// A new instance crashed, or errors rose, after the switch.
    Unstable,
    /// A state's deadline passed.
    DeadlineExceeded,
    /// A newer deployment took its place.
    Superseded,
    /// Somebody canceled it.
    Canceled,
    /// The disk has too little space left.
    DiskFull,
    /// A defect of Slipway itself.
    Internal,
}

impl ReasonCode {
    /// The code as stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exited => "exited",
            Self::PortNotBound => "port_not_bound",
            Self::BoundToLoopback => "bound_to_loopback",
            Self::WrongPort => "wrong_port",
            Self::BadStatus => "bad_status",
            Self::BootTimeout => "boot_timeout",
            Self::OomKilled => "oom_killed",
            Self::ReleaseCommandFailed => "release_command_failed",
            Self::BuildFailed => "build_failed",
            Self::InvalidSource => "invalid_source",
            Self::ImageUnavailable => "image_unavailable",
            Self::DockerUnavailable => "docker_unavailable",
            Self::ProxyNotConfirmed => "proxy_not_confirmed",
            Self::Unstable => "unstable",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::Superseded => "superseded",
            Self::Canceled => "canceled",
            Self::DiskFull => "disk_full",
            Self::Internal => "internal",
        }
    }

    /// What to do about it, lower case, no period.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Exited => "run `slipway logs` for the last lines it printed",
            Self::PortNotBound => "make the app listen on 0.0.0.0 and the port in `$PORT`",
            Self::BoundToLoopback => "listen on 0.0.0.0 instead of 127.0.0.1",
            Self::WrongPort => "listen on the port in `$PORT`, or set `port` in slipway.toml",
            Self::BadStatus => "check the health path, or set `health.path` in slipway.toml",
            Self::BootTimeout => "raise `health.boot_timeout` in slipway.toml if it needs longer",
            Self::OomKilled => "raise `memory` of the process in slipway.toml",
            Self::ReleaseCommandFailed => "fix the command or its migrations, then push again",
            Self::BuildFailed => "read the build output, then push again",
            Self::InvalidSource => "correct the file named above, then push again",
            Self::ImageUnavailable => "deploy from source again to rebuild the image",
            Self::DockerUnavailable => "check that the Docker daemon runs, then push again",
            Self::ProxyNotConfirmed => "run `slipway status`, then push again",
            Self::Unstable => "run `slipway logs`; the previous release serves again",
            Self::DeadlineExceeded => "run `slipway status` to see what is slow, then push again",
            Self::Superseded => "nothing to do: the newer deployment carries the newer code",
            Self::Canceled => "push or deploy again when ready",
            Self::DiskFull => "free disk space on the server, then push again",
            Self::Internal => "look for the deployment's id in the server's log",
        }
    }
}

/// A cause with the sentence that says what happened this time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Reason {
    /// The kind of cause.
    pub code: ReasonCode,
    /// What happened, with its numbers; lower case, no period.
    pub message: String,
    /// The last lines the failing process printed, oldest first; at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub last_lines: Vec<String>,
}

impl Reason {
    /// A cause with its sentence.
    pub fn new(code: ReasonCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), last_lines: Vec::new() }
    }

    /// The same cause with the last output of what failed; keeps the newest 20 lines.
    #[must_use]
    pub fn with_last_lines(mut self, mut lines: Vec<String>) -> Self {
        let surplus = lines.len().saturating_sub(20);
        lines.drain(..surplus);
        self.last_lines = lines;
        self
    }
}
