//! States as a coloured dot and a word. The word says it all; the colour only helps to find it.

use serde::Serialize;
use slipway_core::alert::State;
use slipway_core::deployment::DeploymentState;
use slipway_core::instance::InstanceState;
use slipway_core::wire::alert::AlertInfo;
use slipway_core::wire::app::AppHealth;
use slipway_core::wire::channel::DeliveryState;

/// A state, shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Badge {
    pub tone: Tone,
    pub label: &'static str,
}

/// What a state means to somebody who glances at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// As it should be.
    Good,
    /// Something is under way.
    Busy,
    /// Worth a look.
    Warn,
    /// Needs somebody.
    Bad,
    /// Nothing happens, and nothing should.
    Idle,
}

impl Badge {
    /// A message that did not arrive yet, and is sent again.
    pub const TRYING_AGAIN: Self = Self::new(Tone::Warn, "Trying again");

    const fn new(tone: Tone, label: &'static str) -> Self {
        Self { tone, label }
    }
}

impl From<AppHealth> for Badge {
    fn from(health: AppHealth) -> Self {
        match health {
            AppHealth::Empty => Self::new(Tone::Idle, "Not deployed"),
            AppHealth::Healthy => Self::new(Tone::Good, "Healthy"),
            AppHealth::Degraded => Self::new(Tone::Warn, "Degraded"),
            AppHealth::Down => Self::new(Tone::Bad, "Down"),
            AppHealth::Stopped => Self::new(Tone::Idle, "Stopped"),
            AppHealth::Deploying => Self::new(Tone::Busy, "Deploying"),
            AppHealth::Deleting => Self::new(Tone::Busy, "Deleting"),
        }
    }
}

impl From<&DeploymentState> for Badge {
    fn from(state: &DeploymentState) -> Self {
        match state {
            DeploymentState::Queued => Self::new(Tone::Idle, "Queued"),
            DeploymentState::Building => Self::new(Tone::Busy, "Building"),
            DeploymentState::Releasing => Self::new(Tone::Busy, "Releasing"),
            DeploymentState::Starting => Self::new(Tone::Busy, "Starting"),
            DeploymentState::Switching => Self::new(Tone::Busy, "Switching"),
            DeploymentState::Observing => Self::new(Tone::Busy, "Live, observing"),
            DeploymentState::Reverting { .. } => Self::new(Tone::Warn, "Reverting"),
            DeploymentState::Succeeded => Self::new(Tone::Good, "Succeeded"),
            DeploymentState::Failed { .. } => Self::new(Tone::Bad, "Failed"),
            DeploymentState::Superseded { .. } => Self::new(Tone::Idle, "Superseded"),
            DeploymentState::Canceled { .. } => Self::new(Tone::Idle, "Canceled"),
            DeploymentState::Reverted { .. } => Self::new(Tone::Warn, "Reverted"),
            DeploymentState::RevertFailed { .. } => Self::new(Tone::Bad, "Revert failed"),
        }
    }
}

impl From<InstanceState> for Badge {
    fn from(state: InstanceState) -> Self {
        match state {
            InstanceState::Starting => Self::new(Tone::Busy, "Starting"),
            InstanceState::Ready => Self::new(Tone::Good, "Ready"),
            InstanceState::Unready => Self::new(Tone::Warn, "Unready"),
            InstanceState::Crashed => Self::new(Tone::Bad, "Crashed"),
            InstanceState::Draining => Self::new(Tone::Idle, "Draining"),
            InstanceState::Stopping => Self::new(Tone::Idle, "Stopping"),
            InstanceState::Stopped => Self::new(Tone::Idle, "Stopped"),
        }
    }
}

impl From<&AlertInfo> for Badge {
    fn from(alert: &AlertInfo) -> Self {
        if !alert.rule.enabled {
            return Self::new(Tone::Idle, "Off");
        }
        let Some(status) = alert.status else { return Self::new(Tone::Idle, "No data") };
        match (status.state, status.value) {
            (State::Firing { .. }, Some(_)) => Self::new(Tone::Bad, "Firing"),
            (State::Firing { .. }, None) => Self::new(Tone::Bad, "Firing, no data"),
            (State::Pending { .. }, Some(_)) => Self::new(Tone::Warn, "Pending"),
            (State::Pending { .. }, None) => Self::new(Tone::Warn, "Pending, no data"),
            (State::Ok, Some(_)) => Self::new(Tone::Good, "OK"),
            (State::Ok, None) => Self::new(Tone::Idle, "No data"),
        }
    }
}

impl From<DeliveryState> for Badge {
    fn from(state: DeliveryState) -> Self {
        match state {
            DeliveryState::Waiting => Self::new(Tone::Busy, "On its way"),
            DeliveryState::Sent => Self::new(Tone::Good, "Arrived"),
            DeliveryState::Failed => Self::new(Tone::Bad, "Given up"),
        }
    }
}
