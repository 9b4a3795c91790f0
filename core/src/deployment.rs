//! The life of a deployment: one attempt to carry a release to production.
//!
//! ```text
//! queued ─▶ building ─▶ releasing ─▶ starting ─▶ switching ─▶ observing ─▶ succeeded
//!    │         └────────────┴────────────┴──▶ failed ◀─┘           └─▶ reverting ─▶ reverted
//!    └─ superseded or canceled before switching                            └─▶ revert_failed
//! ```
//!
//! [`DeploymentState::after`] is the only way a state moves; anything else is an [`IllegalTransition`].

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{AppId, DeploymentId, ReleaseId};
use crate::process::RolloutSettings;
use crate::reason::{Reason, ReasonCode};
use crate::release::Source;
use crate::time::{Millis, Timestamp};

/// What made a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeploymentKind {
    /// `git push`.
    Push,
    /// An uploaded directory.
    Upload,
    /// A ready image.
    Image,
    /// A change of configuration; the image stays.
    Config,
    /// A copy of an older release.
    Rollback,
    /// The same release in fresh instances.
    Restart,
}

impl DeploymentKind {
    pub const ALL: [Self; 6] =
        [Self::Push, Self::Upload, Self::Image, Self::Config, Self::Rollback, Self::Restart];

    /// The name as stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Upload => "upload",
            Self::Image => "image",
            Self::Config => "config",
            Self::Rollback => "rollback",
            Self::Restart => "restart",
        }
    }

    /// Whether an image has to be built or fetched first.
    pub fn builds(self) -> bool {
        matches!(self, Self::Push | Self::Upload | Self::Image)
    }

    /// Whether the release command runs: for new code and new configuration. A rollback never
    /// touches data, and a restart changes nothing that the command could depend on.
    pub fn runs_release_command(self) -> bool {
        matches!(self, Self::Push | Self::Upload | Self::Image | Self::Config)
    }
}

/// Where a deployment is. Ends carry their cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum DeploymentState {
    /// Waits for its turn and for a build slot.
    Queued,
    /// An image is being built or fetched.
    Building,
    /// The release command runs.
    Releasing,
    /// New instances boot beside the old ones.
    Starting,
    /// The proxy takes the new instances in and the old ones out.
    Switching,
    /// Live, and watched.
    Observing,
    /// Went bad after the switch; the release before it is being put back.
    Reverting { reason: Reason },
    /// Live and stable.
    Succeeded,
    /// Ended before it went live; what served before serves still.
    Failed { reason: Reason },
    /// A newer deployment took its place.
    Superseded { reason: Reason },
    /// Somebody canceled it.
    Canceled { reason: Reason },
    /// Went live, went bad, and was taken back.
    Reverted { reason: Reason },
    /// Went bad, and could not be taken back.
    RevertFailed { reason: Reason },
}

impl DeploymentState {
    /// The name as stored and sent.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Building => "building",
            Self::Releasing => "releasing",
            Self::Starting => "starting",
            Self::Switching => "switching",
            Self::Observing => "observing",
            Self::Reverting { .. } => "reverting",
            Self::Succeeded => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Superseded { .. } => "superseded",
            Self::Canceled { .. } => "canceled",
            Self::Reverted { .. } => "reverted",
            Self::RevertFailed { .. } => "revert_failed",
        }
    }

    /// The state with this stored name and cause; `None` for an unknown name.
    pub fn from_parts(name: &str, reason: Option<Reason>) -> Option<Self> {
        let reason =
            || reason.unwrap_or_else(|| Reason::new(ReasonCode::Internal, "no cause was recorded"));
        Some(match name {
            "queued" => Self::Queued,
            "building" => Self::Building,
            "releasing" => Self::Releasing,
            "starting" => Self::Starting,
            "switching" => Self::Switching,
            "observing" => Self::Observing,
            "reverting" => Self::Reverting { reason: reason() },
            "succeeded" => Self::Succeeded,
            "failed" => Self::Failed { reason: reason() },
            "superseded" => Self::Superseded { reason: reason() },
            "canceled" => Self::Canceled { reason: reason() },
            "reverted" => Self::Reverted { reason: reason() },
            "revert_failed" => Self::RevertFailed { reason: reason() },
            _ => return None,
        })
    }

    /// The cause, for states that have one.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Reverting { reason }
            | Self::Failed { reason }
            | Self::Superseded { reason }
            | Self::Canceled { reason }
            | Self::Reverted { reason }
            | Self::RevertFailed { reason } => Some(reason),
            Self::Queued
            | Self::Building
            | Self::Releasing
            | Self::Starting
            | Self::Switching
            | Self::Observing
            | Self::Succeeded => None,
        }
    }

    /// Whether it will never move again.
    pub fn is_terminal(&self) -> bool {
        !self.is_active() && *self != Self::Queued
    }

    /// Whether it is the one deployment of its app that is under way.
    pub fn is_active(&self) -> bool {
        matches!(
            self,
            Self::Building
                | Self::Releasing
                | Self::Starting
                | Self::Switching
                | Self::Observing
                | Self::Reverting { .. }
        )
    }

    /// Whether its release serves the app's traffic, as far as the deployment knows.
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Observing | Self::Succeeded)
    }

    /// How long the state may last; `None` for ends.
    pub fn deadline(&self, settings: &RolloutSettings) -> Option<Millis> {
        let slack = Millis::from_secs(30);
        match self {
            Self::Queued => Some(Millis::from_secs(30 * 60)),
            Self::Building => Some(Millis::from_secs(15 * 60 + 60)),
            Self::Releasing => Some(Millis(settings.release_timeout_ms.0 + slack.0)),
            Self::Starting => Some(Millis::from_secs(300)),
            Self::Switching => Some(Millis::from_secs(15)),
            Self::Observing => Some(Millis(settings.observe_ms.0 + slack.0)),
            Self::Reverting { .. } => Some(Millis::from_secs(120)),
            Self::Succeeded
            | Self::Failed { .. }
            | Self::Superseded { .. }
            | Self::Canceled { .. }
            | Self::Reverted { .. }
            | Self::RevertFailed { .. } => None,
        }
    }
}

/// Something that happened to a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeploymentEvent {
    /// Its turn came. Without a build it goes on to releasing.
    Begun { builds: bool },
    /// The image is stored.
    ImageReady,
    /// The release command exited with 0, or there is none.
    CommandDone,
    /// Every process type has its wanted instances ready.
    AllReady,
    /// The proxy confirmed new in and old out.
    Switched { observe: bool },
    /// The observing window passed.
    StayedHealthy,
    /// A switched release misbehaved. `revert` says whether there is a release to go back to.
    WentBad { reason: Reason, revert: bool },
    /// The earlier release serves again.
    PutBack,
    /// The earlier release could not be put back.
    PutBackFailed { reason: Reason },
    /// It cannot go on.
    Failed { reason: Reason },
    /// A newer deployment of the app waits. One that is live already counts as succeeded.
    Superseded { by: u32 },
    /// Somebody asked to stop it.
    Canceled { by: String },
}

/// An event that the state does not admit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a deployment that is {from} cannot take {event:?}")]
pub struct IllegalTransition {
    pub from: &'static str,
    pub event: DeploymentEvent,
}

impl DeploymentState {
    /// The state after `event`.
    ///
    /// # Errors
    /// [`IllegalTransition`] when this state does not admit the event; ends admit none.
    pub fn after(&self, event: DeploymentEvent) -> Result<Self, IllegalTransition> {
        use DeploymentEvent as Event;
        let next = match (self, &event) {
            (Self::Queued, Event::Begun { builds: true }) => Self::Building,
            (Self::Queued, Event::Begun { builds: false })
            | (Self::Building, Event::ImageReady) => Self::Releasing,
            (Self::Releasing, Event::CommandDone) => Self::Starting,
            (Self::Starting, Event::AllReady) => Self::Switching,
            (Self::Switching, Event::Switched { observe: true }) => Self::Observing,
            (Self::Switching, Event::Switched { observe: false })
            | (Self::Observing, Event::StayedHealthy | Event::Superseded { .. }) => Self::Succeeded,
            (Self::Observing, Event::WentBad { reason, revert: true }) => {
                Self::Reverting { reason: reason.clone() }
            }
            (Self::Observing, Event::WentBad { reason, revert: false }) => {
                Self::Failed { reason: reason.clone() }
            }
            (Self::Reverting { reason }, Event::PutBack) => {
                Self::Reverted { reason: reason.clone() }
            }
            (Self::Reverting { .. }, Event::PutBackFailed { reason }) => {
                Self::RevertFailed { reason: reason.clone() }
            }
            (
                Self::Queued | Self::Building | Self::Releasing | Self::Starting | Self::Switching,
                Event::Failed { reason },
            ) => Self::Failed { reason: reason.clone() },
            (
                Self::Queued | Self::Building | Self::Releasing | Self::Starting,
                Event::Superseded { by },
            ) => Self::Superseded {
                reason: Reason::new(
                    ReasonCode::Superseded,
                    format!("deployment {by} is newer and takes its place"),
                ),
            },
            (
                Self::Queued | Self::Building | Self::Releasing | Self::Starting,
                Event::Canceled { by },
            ) => Self::Canceled {
                reason: Reason::new(ReasonCode::Canceled, format!("canceled by {by}")),
            },
            _ => return Err(IllegalTransition { from: self.name(), event }),
        };
        Ok(next)
    }

    /// The event to apply when the state's deadline has passed; `None` for ends.
    ///
    /// What is observed longer than it should be was observed by nobody for a while, as when the machine
    /// was off: nothing bad is known of the release, so it stays.
    pub fn overdue(&self, had: Millis) -> Option<DeploymentEvent> {
        let sentence = format!("still {} after {had}", self.name());
        let reason = Reason::new(ReasonCode::DeadlineExceeded, sentence);
        match self {
            Self::Queued | Self::Building | Self::Releasing | Self::Starting | Self::Switching => {
                Some(DeploymentEvent::Failed { reason })
            }
            Self::Observing => Some(DeploymentEvent::StayedHealthy),
            Self::Reverting { .. } => Some(DeploymentEvent::PutBackFailed { reason }),
            Self::Succeeded
            | Self::Failed { .. }
            | Self::Superseded { .. }
            | Self::Canceled { .. }
            | Self::Reverted { .. }
            | Self::RevertFailed { .. } => None,
        }
    }
}

impl fmt::Display for DeploymentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A deployment as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    pub id: DeploymentId,
    pub app_id: AppId,
    /// The app's own monotonic number of deployments; the higher one is newer and wins.
    pub sequence: u32,
    pub kind: DeploymentKind,
    pub state: DeploymentState,
    pub state_since: Timestamp,
    /// When the state must have been left; `None` for ends.
    pub deadline: Option<Timestamp>,
    /// What it carries, once there is a release.
    pub release_id: Option<ReleaseId>,
    /// The release that served when this one began: the target of an automatic revert.
    pub previous_release_id: Option<ReleaseId>,
    /// The release that a rollback copies; the others that build nothing copy what is live when
    /// their turn comes.
    pub target_release_id: Option<ReleaseId>,
    pub source: Option<Source>,
    pub description: String,
    pub created_by: String,
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    /// Where its lines begin in the app's log.
    pub log_start: u64,
    pub receipt: Option<Receipt>,
}

/// What a switch did, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Receipt {
    /// Requests the proxy answered from the start of `starting` until the switch was confirmed.
    pub requests_served: u64,
    /// Of these, requests that failed because no instance could take them.
    pub requests_dropped: u64,
    /// From acceptance to the confirmed switch.
    pub total_ms: Millis,
    pub build_ms: Millis,
    pub release_ms: Millis,
    pub start_ms: Millis,
    pub switch_ms: Millis,
}

impl Receipt {
    /// The same, with the time that was spent in each stage so far, from the deployment's moves in
    /// their order: the names of the states and when it came into them.
    #[must_use]
    pub fn with_stages(self, moves: &[(&str, Timestamp)]) -> Self {
        let spent = |state| {
            let stays = moves.windows(2).filter(|pair| pair[0].0 == state);
            Millis(stays.map(|pair| pair[1].1.since(pair[0].1).0).sum())
        };
        Self {
            build_ms: spent("building"),
            release_ms: spent("releasing"),
            start_ms: spent("starting"),
            ..self
        }
    }
}

#[cfg(test)]
mod tests;
