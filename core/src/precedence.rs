//! Which deployment of an app gives way to a newer one.

use crate::deployment::{DeploymentKind, DeploymentState};

impl DeploymentKind {
    /// Whether it decides which code runs. The others keep the code that is live when their turn
    /// comes.
    pub fn carries_code(self) -> bool {
        match self {
            Self::Push | Self::Upload | Self::Image | Self::Rollback => true,
            Self::Config | Self::Restart => false,
        }
    }

    /// Whether a deployment of this kind takes the place of an older one that has not ended.
    ///
    /// New code takes the place of everything before its switch; only a switch or a revert under
    /// way is waited for. A change of configuration and a restart take the place of each other
    /// while they wait, and wait for what is on its way. Whatever comes ends the watching of what
    /// is live already: nobody waits for a watch.
    pub fn supersedes(self, older: Self, state: &DeploymentState) -> bool {
        match state {
            DeploymentState::Queued => match older {
                Self::Restart => true,
                Self::Config => self != Self::Restart,
                Self::Push | Self::Upload | Self::Image | Self::Rollback => self.carries_code(),
            },
            DeploymentState::Building | DeploymentState::Releasing | DeploymentState::Starting => {
                self.carries_code()
            }
            DeploymentState::Observing => true,
            DeploymentState::Switching
            | DeploymentState::Reverting { .. }
            | DeploymentState::Succeeded
            | DeploymentState::Failed { .. }
            | DeploymentState::Superseded { .. }
            | DeploymentState::Canceled { .. }
            | DeploymentState::Reverted { .. }
            | DeploymentState::RevertFailed { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::DeploymentEvent;
    use crate::reason::{Reason, ReasonCode};

    fn unfinished() -> [DeploymentState; 7] {
        use DeploymentState as S;
        let reason = Reason::new(ReasonCode::Unstable, "crashed twice");
        [
            S::Queued,
            S::Building,
            S::Releasing,
            S::Starting,
            S::Switching,
            S::Observing,
            S::Reverting { reason },
        ]
    }

    #[test]
    fn new_code_waits_for_nothing_but_a_switch_or_a_revert() {
        for kind in DeploymentKind::ALL.into_iter().filter(|kind| kind.carries_code()) {
            for older in DeploymentKind::ALL {
                for state in unfinished() {
                    let waits = matches!(state.name(), "switching" | "reverting");
                    assert_eq!(kind.supersedes(older, &state), !waits, "{kind:?} {state}");
                }
            }
        }
    }

    #[test]
    fn configuration_takes_the_place_of_waiting_configuration_and_of_a_watch_alone() {
        use DeploymentKind::{Config, Push, Restart};
        for state in unfinished() {
            let watched = state == DeploymentState::Observing;
            let waits = state == DeploymentState::Queued;
            assert_eq!(Config.supersedes(Restart, &state), waits || watched, "{state}");
            assert_eq!(Config.supersedes(Push, &state), watched, "{state}");
        }
    }

    #[test]
    fn a_restart_takes_the_place_of_a_waiting_restart_and_of_a_watch_alone() {
        use DeploymentKind::{Config, Push, Restart};
        for state in unfinished() {
            let watched = state == DeploymentState::Observing;
            let waits = state == DeploymentState::Queued;
            assert_eq!(Restart.supersedes(Restart, &state), waits || watched, "{state}");
            assert_eq!(Restart.supersedes(Config, &state), watched, "{state}");
            assert_eq!(Restart.supersedes(Push, &state), watched, "{state}");
        }
    }

    #[test]
    fn whatever_gives_way_is_able_to() {
        for kind in DeploymentKind::ALL {
            for older in DeploymentKind::ALL {
                for state in unfinished().iter().filter(|state| kind.supersedes(older, state)) {
                    assert!(state.after(DeploymentEvent::Superseded { by: 9 }).is_ok(), "{state}");
                }
            }
        }
    }
}
