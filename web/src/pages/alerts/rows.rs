//! Alerts and the times they fired, in a line each.

use serde::Serialize;
use slipway_core::alert::{State, amount};
use slipway_core::time::Timestamp;
use slipway_core::wire::alert::{AlertInfo, AlertOrigin, Firing};

use crate::view::badge::Badge;
use crate::view::moment::Moment;
use crate::view::span::rough;

/// A rule, with where it stands.
#[derive(Debug, Serialize)]
pub struct AlertRow {
    name: String,
    condition: String,
    badge: Badge,
    /// The newest value.
    value: Option<String>,
    threshold: Option<String>,
    /// Since when it is in its state.
    since: Option<Moment>,
    is_critical: bool,
    is_on: bool,
    /// What removing it comes to; `None` for one that is there by itself.
    removal: Option<&'static str>,
}

impl AlertRow {
    fn new(alert: AlertInfo, now: Timestamp) -> Self {
        let badge = Badge::from(&alert);
        let shown = |value: f64| amount(&alert.rule.metric, value);
        let status = alert.status.as_ref();
        Self {
            value: status.and_then(|status| status.value).map(shown),
            threshold: status.and_then(|status| status.bounds).map(|it| shown(it.threshold)),
            since: status.map(|status| Moment::new(status.since, now)),
            is_critical: alert.rule.severity == slipway_core::alert::Severity::Critical,
            is_on: alert.rule.enabled,
            removal: match alert.origin {
                AlertOrigin::Default => None,
                AlertOrigin::Changed => Some("Reset"),
                AlertOrigin::Own => Some("Remove"),
            },
            badge,
            name: alert.name.to_string(),
            condition: alert.condition,
        }
    }
}

/// What fires comes first, then what may; else by name.
pub fn most_urgent_first(mut alerts: Vec<AlertInfo>, now: Timestamp) -> Vec<AlertRow> {
    alerts.sort_by_key(|alert| match alert.status.map(|status| status.state) {
        Some(State::Firing { .. }) => 0,
        Some(State::Pending { .. }) => 1,
        Some(State::Ok) | None => 2,
    });
    alerts.into_iter().map(|alert| AlertRow::new(alert, now)).collect()
}

/// One time that an alert fired.
#[derive(Debug, Serialize)]
pub struct FiringRow {
    alert: String,
    sentence: String,
    /// How it ended.
    ending: Option<String>,
    is_critical: bool,
    started: Moment,
    /// `None` while it fires.
    lasted: Option<String>,
}

impl FiringRow {
    pub fn new(firing: Firing, now: Timestamp) -> Self {
        Self {
            alert: firing.alert.to_string(),
            sentence: firing.sentence,
            ending: firing.ending,
            is_critical: firing.severity == slipway_core::alert::Severity::Critical,
            started: Moment::new(firing.started_at, now),
            lasted: firing.ended_at.map(|ended| rough(ended.since(firing.started_at))),
        }
    }
}
