//! The whole machine, state by state.

use super::*;

fn reason() -> Reason {
    Reason::new(ReasonCode::Exited, "exited with 1")
}

fn states() -> Vec<DeploymentState> {
    use DeploymentState as S;
    let reason = reason;
    vec![
        S::Queued,
        S::Building,
        S::Releasing,
        S::Starting,
        S::Switching,
        S::Observing,
        S::Reverting { reason: reason() },
        S::Succeeded,
        S::Failed { reason: reason() },
        S::Superseded { reason: reason() },
        S::Canceled { reason: reason() },
        S::Reverted { reason: reason() },
        S::RevertFailed { reason: reason() },
    ]
}

fn events() -> Vec<(&'static str, DeploymentEvent)> {
    use DeploymentEvent as E;
    vec![
        ("begun with build", E::Begun { builds: true }),
        ("begun", E::Begun { builds: false }),
        ("image ready", E::ImageReady),
        ("command done", E::CommandDone),
        ("all ready", E::AllReady),
        ("switched, observe", E::Switched { observe: true }),
        ("switched", E::Switched { observe: false }),
        ("stayed healthy", E::StayedHealthy),
        ("went bad, revert", E::WentBad { reason: reason(), revert: true }),
        ("went bad", E::WentBad { reason: reason(), revert: false }),
        ("put back", E::PutBack),
        ("put back failed", E::PutBackFailed { reason: reason() }),
        ("failed", E::Failed { reason: reason() }),
        ("superseded", E::Superseded { by: 9 }),
        ("canceled", E::Canceled { by: "ada".to_owned() }),
    ]
}

/// The whole machine, every state × every event, as a table that a change must own up to.
#[test]
fn every_state_admits_exactly_these_events() {
    let mut table = Vec::new();
    for state in states() {
        for (name, event) in events() {
            if let Ok(next) = state.after(event) {
                table.push(format!("{} + {name} -> {}", state.name(), next.name()));
            }
        }
    }
    insta::assert_snapshot!(table.join("\n"));
}

#[test]
fn ends_absorb_every_event() {
    for state in states().into_iter().filter(DeploymentState::is_terminal) {
        for (_, event) in events() {
            assert!(state.after(event).is_err(), "{state} moved");
        }
    }
}

#[test]
fn every_state_that_is_not_an_end_has_a_deadline_that_moves_it() {
    for state in states() {
        let has_deadline = state.deadline(&RolloutSettings::default()).is_some();
        assert_eq!(has_deadline, !state.is_terminal(), "{state}");
        match state.overdue(Millis(1)) {
            Some(event) => assert!(state.after(event).is_ok(), "{state} is stuck"),
            None => assert!(state.is_terminal()),
        }
    }
}

#[test]
fn a_release_that_nobody_observed_for_a_while_stays() {
    let event = DeploymentState::Observing.overdue(Millis::from_secs(3600)).unwrap();
    assert_eq!(DeploymentState::Observing.after(event), Ok(DeploymentState::Succeeded));
}

#[test]
fn stored_names_lead_back_to_the_state() {
    for state in states() {
        let again = DeploymentState::from_parts(state.name(), state.reason().cloned());
        assert_eq!(again, Some(state));
    }
    assert_eq!(DeploymentState::from_parts("paused", None), None);
}

#[test]
fn a_receipt_adds_up_every_stay_in_a_stage() {
    let moves = [
        ("queued", Timestamp(0)),
        ("building", Timestamp(10)),
        ("releasing", Timestamp(1_310)),
        ("starting", Timestamp(1_810)),
        ("switching", Timestamp(2_610)),
    ];
    let receipt = Receipt { switch_ms: Millis(6), ..Receipt::default() }.with_stages(&moves);
    let stages = (receipt.build_ms, receipt.release_ms, receipt.start_ms, receipt.switch_ms);
    assert_eq!(stages, (Millis(1_300), Millis(500), Millis(800), Millis(6)));
    let rollback = Receipt::default().with_stages(&moves[3..]);
    assert_eq!((rollback.build_ms, rollback.start_ms), (Millis(0), Millis(800)));
}
