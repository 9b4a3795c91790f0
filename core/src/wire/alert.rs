//! Alerts: rules with where they stand, and when they fired.

use serde::{Deserialize, Serialize};

use crate::alert::{Bounds, Rule, Severity, Status};
use crate::id::FiringId;
use crate::name::{AlertName, AppName};
use crate::time::Timestamp;

/// An alert with where it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AlertInfo {
    pub name: AlertName,
    pub rule: Rule,
    /// The rule as a sentence.
    pub condition: String,
    pub origin: AlertOrigin,
    /// `None` before its first look, and while it is switched off.
    pub status: Option<Status>,
}

/// Where a rule comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AlertOrigin {
    /// It is there by itself.
    Default,
    /// It is there by itself, and was changed.
    Changed,
    /// Somebody added it.
    Own,
}

/// One time that an alert fired.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Firing {
    pub id: FiringId,
    /// `None` for an alert of the host.
    pub app: Option<AppName>,
    pub alert: AlertName,
    pub severity: Severity,
    /// What was the matter, with the numbers.
    pub sentence: String,
    /// The value it fired at.
    pub value: f64,
    pub bounds: Bounds,
    pub started_at: Timestamp,
    /// `None` while it fires.
    pub ended_at: Option<Timestamp>,
    /// How it ended, with the numbers.
    pub ending: Option<String>,
}
