//! The way of a deployment, stage by stage, and how far it came.

use serde::Serialize;
use slipway_core::deployment::{DeploymentKind, DeploymentState};
use slipway_core::reason::ReasonCode;

/// One stage of the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Stage {
    pub label: &'static str,
    pub progress: Progress,
}

/// How far a deployment is with a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    Done,
    Current,
    Failed,
    Ahead,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Queue,
    Build,
    Release,
    Start,
    Switch,
    Observe,
    Revert,
}

impl Place {
    const ALL: [Self; 7] = [
        Self::Queue,
        Self::Build,
        Self::Release,
        Self::Start,
        Self::Switch,
        Self::Observe,
        Self::Revert,
    ];

    fn label(self) -> &'static str {
        match self {
            Self::Queue => "Queue",
            Self::Build => "Build",
            Self::Release => "Release",
            Self::Start => "Start",
            Self::Switch => "Switch",
            Self::Observe => "Observe",
            Self::Revert => "Revert",
        }
    }

    /// Whether a deployment of this kind in this state comes by here.
    fn lies_on(self, kind: DeploymentKind, state: &DeploymentState) -> bool {
        match self {
            Self::Build => kind.builds(),
            Self::Release => kind.runs_release_command(),
            Self::Revert => is_taken_back(state),
            Self::Queue | Self::Start | Self::Switch | Self::Observe => true,
        }
    }

    /// Where a deployment that ended for this cause was, as far as the cause tells.
    fn of(code: ReasonCode) -> Option<Self> {
        Some(match code {
            ReasonCode::BuildFailed | ReasonCode::InvalidSource | ReasonCode::DiskFull => {
                Self::Build
            }
            ReasonCode::ReleaseCommandFailed => Self::Release,
            ReasonCode::Exited
            | ReasonCode::PortNotBound
            | ReasonCode::BoundToLoopback
            | ReasonCode::WrongPort
            | ReasonCode::BadStatus
            | ReasonCode::BootTimeout
            | ReasonCode::OomKilled => Self::Start,
            ReasonCode::ProxyNotConfirmed => Self::Switch,
            ReasonCode::Unstable => Self::Observe,
            ReasonCode::ImageUnavailable
            | ReasonCode::DockerUnavailable
            | ReasonCode::DeadlineExceeded
            | ReasonCode::Superseded
            | ReasonCode::Canceled
            | ReasonCode::Internal => return None,
        })
    }
}

/// The stages of a deployment. Empty when it ended somewhere that nobody wrote down: a guess would
/// look like knowledge.
pub fn stages(kind: DeploymentKind, state: &DeploymentState) -> Vec<Stage> {
    let Some((here, progress)) = position(state) else { return Vec::new() };
    let judge = |place: Place| match place.cmp(&here) {
        // What was taken back has been through the stage that went bad.
        _ if place == Place::Observe && is_taken_back(state) => Progress::Failed,
        std::cmp::Ordering::Less => Progress::Done,
        std::cmp::Ordering::Equal => progress,
        std::cmp::Ordering::Greater => Progress::Ahead,
    };
    Place::ALL
        .into_iter()
        .filter(|place| place.lies_on(kind, state))
        .map(|place| Stage { label: place.label(), progress: judge(place) })
        .collect()
}

fn position(state: &DeploymentState) -> Option<(Place, Progress)> {
    use Progress::{Current, Done, Failed};
    Some(match state {
        DeploymentState::Queued => (Place::Queue, Current),
        DeploymentState::Building => (Place::Build, Current),
        DeploymentState::Releasing => (Place::Release, Current),
        DeploymentState::Starting => (Place::Start, Current),
        DeploymentState::Switching => (Place::Switch, Current),
        DeploymentState::Observing => (Place::Observe, Current),
        DeploymentState::Succeeded => (Place::Observe, Done),
        DeploymentState::Reverting { .. } => (Place::Revert, Current),
        DeploymentState::Reverted { .. } => (Place::Revert, Done),
        DeploymentState::RevertFailed { .. } => (Place::Revert, Failed),
        DeploymentState::Failed { reason } => (Place::of(reason.code)?, Failed),
        DeploymentState::Superseded { .. } | DeploymentState::Canceled { .. } => return None,
    })
}

fn is_taken_back(state: &DeploymentState) -> bool {
    matches!(
        state,
        DeploymentState::Reverting { .. }
            | DeploymentState::Reverted { .. }
            | DeploymentState::RevertFailed { .. }
    )
}

#[cfg(test)]
mod tests {
    use slipway_core::reason::Reason;

    use super::*;

    fn drawn(kind: DeploymentKind, state: &DeploymentState) -> String {
        let mark = |stage: Stage| match stage.progress {
            Progress::Done => format!("+{}", stage.label),
            Progress::Current => format!(">{}", stage.label),
            Progress::Failed => format!("!{}", stage.label),
            Progress::Ahead => format!(".{}", stage.label),
        };
        stages(kind, state).into_iter().map(mark).collect::<Vec<_>>().join(" ")
    }

    fn because(code: ReasonCode) -> Reason {
        Reason::new(code, "it went wrong")
    }

    #[test]
    fn a_push_comes_by_every_stage_but_the_revert() {
        let drawn = |state| drawn(DeploymentKind::Push, &state);
        assert_eq!(
            drawn(DeploymentState::Queued),
            ">Queue .Build .Release .Start .Switch .Observe"
        );
        assert_eq!(
            drawn(DeploymentState::Switching),
            "+Queue +Build +Release +Start >Switch .Observe"
        );
        assert_eq!(
            drawn(DeploymentState::Succeeded),
            "+Queue +Build +Release +Start +Switch +Observe"
        );
        assert_eq!(
            drawn(DeploymentState::Failed { reason: because(ReasonCode::PortNotBound) }),
            "+Queue +Build +Release !Start .Switch .Observe"
        );
    }

    #[test]
    fn a_rollback_neither_builds_nor_releases() {
        let state = DeploymentState::Starting;
        assert_eq!(drawn(DeploymentKind::Rollback, &state), "+Queue >Start .Switch .Observe");
    }

    #[test]
    fn what_was_taken_back_failed_under_observation() {
        let state = DeploymentState::Reverted { reason: because(ReasonCode::Unstable) };
        assert_eq!(
            drawn(DeploymentKind::Config, &state),
            "+Queue +Release +Start +Switch !Observe +Revert"
        );
    }

    #[test]
    fn an_end_at_an_unknown_place_draws_no_way() {
        let state = DeploymentState::Failed { reason: because(ReasonCode::DeadlineExceeded) };
        assert_eq!(drawn(DeploymentKind::Push, &state), "");
    }
}
