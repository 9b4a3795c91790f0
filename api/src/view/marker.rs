//! What happened, as marks on a chart.

use std::collections::BTreeSet;

use slipway_core::deployment::{DeploymentKind, DeploymentState};
use slipway_core::event::{Event, EventKind};
use slipway_core::id::DeploymentId;
use slipway_core::wire::metrics::{Marker, MarkerKind};

/// Most marks of a chart; of more, the newest.
const MOST: usize = 200;

/// The marks that events make, in their order.
pub fn markers(events: &[Event]) -> Vec<Marker> {
    let mut live = BTreeSet::new();
    let marks = events.iter().filter_map(|event| marker(event, &mut live));
    let mut marks: Vec<Marker> = marks.collect();
    marks.drain(..marks.len().saturating_sub(MOST));
    marks
}

/// `live`: the deployments that were marked as live before; each becomes so once.
fn marker(event: &Event, live: &mut BTreeSet<DeploymentId>) -> Option<Marker> {
    let mark = |kind, text| Some(Marker { at: event.at, kind, text });
    if let EventKind::Scaled { process, from, to, .. } = &event.kind {
        return mark(MarkerKind::Scaling, format!("{process} {from} → {to}"));
    }
    let EventKind::DeploymentMoved { deployment_id, deployment_kind, state, version, sequence } =
        &event.kind
    else {
        return None;
    };
    let release = version.map_or_else(|| format!("deployment {sequence}"), |v| format!("v{v}"));
    if state.is_live() {
        let kind = match deployment_kind {
            DeploymentKind::Rollback => MarkerKind::Rollback,
            DeploymentKind::Push
            | DeploymentKind::Upload
            | DeploymentKind::Image
            | DeploymentKind::Config
            | DeploymentKind::Restart => MarkerKind::Deployment,
        };
        return live
            .insert(deployment_id.clone())
            .then(|| mark(kind, format!("{release} is live")))
            .flatten();
    }
    if matches!(state, DeploymentState::Reverted { .. }) {
        return mark(MarkerKind::Revert, format!("{release} was taken back"));
    }
    if matches!(state, DeploymentState::Failed { .. } | DeploymentState::RevertFailed { .. }) {
        return mark(MarkerKind::Failure, format!("{release} failed"));
    }
    None
}

#[cfg(test)]
mod tests {
    use slipway_core::id::Id as _;
    use slipway_core::reason::{Reason, ReasonCode};
    use slipway_core::time::Timestamp;

    use super::*;

    fn moved(number: u32, kind: DeploymentKind, state: DeploymentState) -> EventKind {
        EventKind::DeploymentMoved {
            deployment_id: DeploymentId::from_bits(number.into()),
            sequence: number,
            deployment_kind: kind,
            state,
            version: Some(number),
        }
    }

    #[test]
    fn each_deployment_is_marked_when_it_goes_live_and_once() {
        let reason = Reason::new(ReasonCode::Exited, "exited with 1");
        let kinds = [
            EventKind::AppCreated { by: "ada".to_owned() },
            moved(1, DeploymentKind::Push, DeploymentState::Building),
            moved(1, DeploymentKind::Push, DeploymentState::Observing),
            moved(1, DeploymentKind::Push, DeploymentState::Succeeded),
            EventKind::Scaled {
                process: "web".into(),
                from: 1,
                to: 3,
                by: "ada".into(),
                reason: None,
            },
            moved(2, DeploymentKind::Rollback, DeploymentState::Succeeded),
            moved(3, DeploymentKind::Push, DeploymentState::Failed { reason }),
        ];
        let events: Vec<Event> = kinds
            .into_iter()
            .zip(1_i64..)
            .map(|(kind, id)| Event { id, at: Timestamp(id), app: "shop".to_owned(), kind })
            .collect();
        let told: Vec<(i64, MarkerKind, String)> =
            markers(&events).into_iter().map(|mark| (mark.at.0, mark.kind, mark.text)).collect();
        let expected = [
            (3, MarkerKind::Deployment, "v1 is live".to_owned()),
            (5, MarkerKind::Scaling, "web 1 → 3".to_owned()),
            (6, MarkerKind::Rollback, "v2 is live".to_owned()),
            (7, MarkerKind::Failure, "v3 failed".to_owned()),
        ];
        assert_eq!(told, expected);
    }
}
